"""Every provider of the catalogue makes a video on the stack, and none is ever paid twice.

Nothing here knows a provider's name: there is a case for each that ``models.yaml`` has a model of.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import yaml

from dailies.providers.declaration import Provider, Recovery
from dailies.providers.registry import find_provider
from local.services.upstreams import known_upstreams
from local.stack.layout import APP_DIR
from tests.e2e.checks import assert_delivered, assert_ended_once, manifest_of
from tests.stack import RunningStack, running_stack

_SETTINGS = {
    "DAILIES_SUBMIT_TIMEOUT_SECONDS": "8",
    "DAILIES_CALLBACK_WAIT_SECONDS": "40",
    "DAILIES_VIDEO_DEADLINE_SECONDS": "600",
}


@dataclass(frozen=True)
class Case:
    """The first model of a provider whose upstream is simulated."""

    provider: Provider
    model: str
    deployment: dict[str, Any]

    def prompt(self, what: str) -> str:
        return f"a heron at dawn, {what} <<{what} of {self.provider.id}>> [sim label=heron]"

    def marker(self, what: str) -> str:
        return f"<<{what} of {self.provider.id}>>"


def _cases() -> Iterator[Case]:
    models = yaml.safe_load((APP_DIR / "models.yaml").read_text(encoding="utf-8"))["models"]
    seen: set[str] = set()
    simulated = {upstream.name for upstream in known_upstreams()}
    for name, model in models.items():
        for deployment in model["deployments"]:
            provider = find_provider(deployment["provider"])
            assert provider is not None
            if provider.id in simulated - seen:
                seen.add(provider.id)
                yield Case(provider, name, deployment)


CASES = tuple(_cases())
_IDS = [case.provider.id for case in CASES]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    with running_stack(tmp_path_factory.mktemp("providers"), settings=_SETTINGS) as running:
        # An hour is a minute here, and a busy machine may need longer to fetch so many files.
        running.simulator.patch("/_inspect/settings", json={"results_kept": 80_000})
        yield running


@pytest.fixture(scope="module")
def made(stack: RunningStack) -> dict[str, dict[str, Any]]:
    """Videos whose answers are lost, or that go well, all begun at once, by their markers."""
    videos = {}
    for case in CASES:
        marker = case.marker("a lost answer")
        stack.faults.add("create", "lost", match=marker)
        videos[marker] = stack.create(case.prompt("a lost answer"), model=case.model)
        prompt = case.prompt("nothing wrong")
        videos[case.marker("nothing wrong")] = stack.create(prompt, model=case.model)
        prompt = case.prompt("a failure").replace("[sim", "[sim outcome=failed")
        videos[case.marker("a failure")] = stack.create(prompt, model=case.model)
    return videos


def test_every_simulated_provider_has_a_model() -> None:
    providers = {u.name for u in known_upstreams() if find_provider(u.name) is not None}
    assert {case.provider.id for case in CASES} == providers


@pytest.mark.parametrize("case", CASES, ids=_IDS)
def test_a_video_is_made(stack: RunningStack, made: dict[str, dict[str, Any]], case: Case) -> None:
    marker = case.marker("nothing wrong")
    video = stack.wait_for(made[marker])
    assert_delivered(stack, video)
    (job,) = stack.jobs(marker)
    manifest = manifest_of(stack, video["id"])
    assert job["provider"] == manifest["provider"]["name"] == case.provider.id
    assert (job["size"], int(float(job["seconds"]))) == (video["size"], int(video["seconds"]))


@pytest.mark.parametrize("case", CASES, ids=_IDS)
def test_a_failure_is_told(
    stack: RunningStack, made: dict[str, dict[str, Any]], case: Case
) -> None:
    video = stack.wait_for(made[case.marker("a failure")])
    assert (video["status"], video["phase"]) == ("failed", "failed")
    assert video["error"]["message"]
    assert_ended_once(stack, video)


@pytest.mark.parametrize("case", CASES, ids=_IDS)
def test_a_lost_answer_is_never_paid_twice(
    stack: RunningStack, made: dict[str, dict[str, Any]], case: Case
) -> None:
    marker = case.marker("a lost answer")
    video_id = made[marker]["id"]
    if case.provider.recovery is Recovery.NONE:
        _unresolved(stack, video_id)
        (job,) = stack.jobs(marker)
        # Some are asked for by a name that is more than the id.
        adopted = {"decision": "adopt", "job_id": job["details"].get("name", job["id"])}
        answer = stack.admin.post(f"/v1/admin/videos/{video_id}/resolve", json=adopted)
        assert answer.status_code == 200, answer.text
    video = stack.wait_for(video_id)
    assert_delivered(stack, video)
    assert len(stack.jobs(marker)) == 1


def _unresolved(stack: RunningStack, video_id: str) -> None:
    """Wait until an operator is asked, and is told so by an event."""
    stack.wait_until(
        lambda: stack.video(video_id)["phase"] == "unresolved" or None, what="it is unresolved"
    )
    stack.wait_for_event(video_id, "unresolved")
