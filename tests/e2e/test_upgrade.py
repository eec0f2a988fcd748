"""Newer code takes over while videos are under way."""

from __future__ import annotations

import os
import shutil
import signal
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import local.stack.launch
from dailies.engine import GENERATE_VIDEO
from local.stack.layout import APP_DIR
from tests.e2e.checks import assert_delivered, assert_ended_once
from tests.e2e.durable import instance
from tests.patience import PATIENCE
from tests.stack import RunningStack, running_stack

_FOLDERS = ("activities", "dailies", "entities", "local", "orchestrations", "triggers")
_FILES = ("function_app.py", "durable_client.py", "host.json", "models.yaml")

# `make upgrade` has two hundred.
_MANY = int(os.environ.get("UPGRADE_VIDEOS", "60"))
_BEFORE = "generate_video_v3"
# A changed sequence of yields, as a developer would bring it in: a new name, the old one kept.
_NEXT = "generate_video_v99"
_NEXT_VERSION = f'''

@blueprint.orchestration_trigger(context_name="context", orchestration=GENERATE_VIDEO)
def {_NEXT}(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Any]:
    """Like the version before, but it advances the video once more at its end."""
    video = cast(LifeInput, context.get_input())
    life = _Life(context, video)
    while not life.begins_anew:
        step = yield from life.turn()
        if step is not None and step["kind"] == "done":
            yield from life.turn()
            return {{"id": video["id"]}}
    context.continue_as_new({{**video, "state": life.state}})
    return None
'''


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the app and its stack that a test may change; stacks are started from there."""
    copy = tmp_path / "app"
    copy.mkdir()
    for name in _FOLDERS:
        ignored = shutil.ignore_patterns("__pycache__", "node_modules")
        shutil.copytree(APP_DIR / name, copy / name, ignore=ignored)
    for name in _FILES:
        shutil.copy(APP_DIR / name, copy)
    modules = (APP_DIR / "local" / "azurite" / "node_modules").resolve()
    (copy / "local" / "azurite" / "node_modules").symlink_to(modules)
    monkeypatch.setattr(local.stack.launch, "APP_DIR", copy)
    return copy


@pytest.fixture
def two_versions(app: Path) -> Path:
    """An app that starts every other video by the version before, as long as it is not upgraded: so
    there are instances of both at every stage."""
    module = app / "dailies" / "pipeline" / "start.py"
    text = module.read_text()
    started = "orchestrations.start(GENERATE_VIDEO,"
    assert started in text
    either = f'"{_BEFORE}" if int(record.id[-1], 16) % 2 else GENERATE_VIDEO'
    module.write_text(text.replace(started, f"orchestrations.start({either},"))
    return app


@pytest.fixture
def stack(app: Path, tmp_path: Path) -> Iterator[RunningStack]:
    with running_stack(tmp_path / "state", own=True) as running:
        yield running


def _bring_in_the_next_version(app: Path) -> None:
    names = app / "dailies" / "engine.py"
    text = names.read_text()
    assert f'GENERATE_VIDEO = "{GENERATE_VIDEO}"' in text
    names.write_text(text.replace(f'"{GENERATE_VIDEO}"', f'"{_NEXT}"'))
    module = app / "orchestrations" / "generate_video.py"
    text = module.read_text()
    assert "orchestration=GENERATE_VIDEO" in text
    old = text.replace("orchestration=GENERATE_VIDEO", f'orchestration="{GENERATE_VIDEO}"')
    module.write_text(old + _NEXT_VERSION)


def _start_all_by_one_version(app: Path) -> None:
    shutil.copy(APP_DIR / "dailies/pipeline/start.py", app / "dailies/pipeline/start.py")


def test_videos_under_way_survive_newer_code(app: Path, stack: RunningStack) -> None:
    prompts = [f"older than the upgrade, {n} [sim label=upgrade render=600]" for n in range(3)]
    videos = [stack.create(prompt) for prompt in prompts]
    stack.wait_until(lambda: len(stack.jobs("older than")) == 3, what="three jobs")
    _bring_in_the_next_version(app)
    stack.wait_restarted("host", stack.kill("host"))
    newer = stack.create("newer than the upgrade [sim label=upgrade]")
    assert_delivered(stack, stack.wait_for(newer))
    assert instance(stack, newer["id"])["name"] == _NEXT
    for video in videos:
        assert_delivered(stack, stack.wait_for(video))
        assert instance(stack, video["id"])["name"] == GENERATE_VIDEO
    assert len(stack.jobs("than the upgrade")) == 4


def test_a_deployment_loses_no_video(two_versions: Path, stack: RunningStack) -> None:
    """The host is asked to end, as Azure does, while videos are at every stage of their lives, by
    the present version and by the one before."""
    prompts = [f"one of many, {n:03} [sim label=many render={20 * n % 1800}]" for n in range(_MANY)]
    with ThreadPoolExecutor(8) as callers:
        videos = list(callers.map(stack.create, prompts))
    stack.wait_for(videos[0])
    phases = Counter(stack.video(video["id"])["phase"] for video in videos)
    assert len(phases) > 1, phases
    assert sum(phases[phase] for phase in ("done", "failed")) < len(videos) / 2, phases
    _bring_in_the_next_version(two_versions)
    _start_all_by_one_version(two_versions)
    host = stack.pids()["host"]
    os.kill(host, signal.SIGTERM)
    stack.wait_restarted("host", host)
    for video in videos:
        ended = stack.wait_for(video, within=2 * PATIENCE)
        assert ended["status"] == "completed", ended
        assert_ended_once(stack, ended)
    assert len(stack.jobs("one of many")) == len(videos)
    versions = Counter(instance(stack, video["id"])["name"] for video in videos)
    assert set(versions) == {_BEFORE, GENERATE_VIDEO}
    assert min(versions.values()) > len(videos) / 5, versions
    newer = stack.create("after them [sim label=many]")
    assert instance(stack, newer["id"])["name"] == _NEXT
