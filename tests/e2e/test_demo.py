"""``make demo``, faster."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import av
import pytest

from local.demo.run import studio_hint
from local.stack.launch import without_settings
from local.stack.layout import APP_DIR, StateDir
from local.stack.ready import StackInfo
from tests.stack import RunningStack


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path, Path]:
    """What the demo printed, its directory for results, and the one for its temporary files."""
    out, temporary = tmp_path_factory.mktemp("out"), tmp_path_factory.mktemp("temporary")
    done = subprocess.run(
        [sys.executable, "-m", "local", "demo", "--out", str(out), "--speed", "60"],
        cwd=APP_DIR,
        env={**without_settings(os.environ), "TMPDIR": str(temporary)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout, out, temporary


@pytest.mark.parametrize("name", ["from-prompt", "from-image"])
def test_each_video_plays_and_is_what_its_manifest_says(
    finished: tuple[str, Path, Path], name: str
) -> None:
    _, out, _ = finished
    files = json.loads((out / f"{name}.manifest.json").read_text())["files"]
    for variant, suffix in (("video", ".mp4"), ("thumbnail", ".webp")):
        data = (out / f"{name}{suffix}").read_bytes()
        assert hashlib.sha256(data).hexdigest() == files[variant]["sha256"]
    with av.open(str(out / f"{name}.mp4")) as video:
        assert {stream.type for stream in video.streams} == {"video", "audio"}
        assert sum(1 for _ in video.decode(video=0)) > 60


def test_progress_and_events_are_shown(finished: tuple[str, Path, Path]) -> None:
    printed, _, _ = finished
    assert printed.count("dailies.video.accepted") == 2
    assert printed.count("dailies.video.completed") == 2
    assert "prompt: 100% done" in printed
    assert "image: 100% done" in printed


def test_it_ends_with_the_way_to_the_studio(finished: tuple[str, Path, Path]) -> None:
    printed, _, _ = finished
    last = printed.rstrip().splitlines()[-1]
    assert "studio" in last


def test_a_stack_that_runs_is_named_and_one_that_was_killed_is_not(
    stack: RunningStack, tmp_path: Path
) -> None:
    ready = StateDir(tmp_path).ready
    info = StackInfo(
        base_url=stack.base_url,
        api_key=stack.api_key,
        admin_key="",
        storage_connection_string="",
        simulator_url="",
        pids={},
    )
    ready.write_text(json.dumps(asdict(info)))
    assert studio_hint(tmp_path) == (
        f"Make your own: {stack.base_url}/studio, with the key {stack.api_key}"
    )
    ready.write_text(json.dumps({**asdict(info), "base_url": "http://127.0.0.1:9"}))
    assert "make start" in studio_hint(tmp_path)


def test_nothing_is_left_behind(finished: tuple[str, Path, Path]) -> None:
    _, _, temporary = finished
    assert list(temporary.iterdir()) == []
    mine = str(temporary).encode()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes()
        except OSError:
            continue  # it ended meanwhile
        assert mine not in command
