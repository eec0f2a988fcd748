"""Each row of the fault matrix: one fault, and what becomes of the video that meets it."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from local.stack.layout import APP_DIR
from tests.e2e.checks import assert_delivered, assert_failed
from tests.e2e.fault_cases import (
    CASES,
    COMPLETED,
    RECOVERY_CASES,
    ROUTED_CASES,
    SORA_1_CASES,
    FaultCase,
)
from tests.stack import RunningStack, running_stack

# So that a stuck job's deadline and the pauses after a lost request fit into a test.
_SETTINGS = {
    "DAILIES_VIDEO_DEADLINE_SECONDS": "45",
    "DAILIES_SUBMIT_TIMEOUT_SECONDS": "8",
    "DAILIES_CALLBACK_WAIT_SECONDS": "25",
    "DAILIES_UNRESOLVED_HOLD_SECONDS": "1",
}

_TOKEN = FaultCase("token endpoint: down at first", phases=frozenset({"waiting"}))
_ALL = (*CASES, *SORA_1_CASES, *RECOVERY_CASES, *ROUTED_CASES)


# A deployment of its own for each case: what one does wrong is remembered for all of its videos.
_OF_THEIR_OWN = {"sora-2": "azure-sora-2", "sora": "azure-sora-1"}


def _catalogue() -> str:
    """The app's catalogue, with a model for each case: of one deployment, or with a spare one."""
    file = yaml.safe_load((APP_DIR / "models.yaml").read_text(encoding="utf-8"))
    for case in (_TOKEN, *_ALL):
        if case.model in _OF_THEIR_OWN:
            [deployment] = file["models"][case.model]["deployments"]
            name = _model_of(case)
            own = {**deployment, "name": name, "deployment": name}
            if case.wrong_key:
                own |= {"credential": "api-key", "api_key": "not-the-key"}
            spare = [{**deployment, "name": f"{name}-2"}] if case.spare else []
            file["models"][name] = {
                "fallback_on": ["moderation"],
                "deployments": [own, *spare],
            }
    return yaml.safe_dump(file, sort_keys=False)


def _model_of(case: FaultCase) -> str:
    if case.model not in _OF_THEIR_OWN:
        return case.model
    return re.sub(r"[^a-z0-9]+", "-", f"{case.model} {case.name}").strip("-")[:60]


@dataclass
class Campaign:
    """All cases, under way on one stack; ``phases`` is what a watcher saw of each video."""

    stack: RunningStack
    videos: dict[str, dict[str, Any]] = field(default_factory=dict)
    phases: dict[str, set[str]] = field(default_factory=dict)
    stop: threading.Event = field(default_factory=threading.Event)

    def begin(self, cases: tuple[FaultCase, ...]) -> None:
        """Order every case's faults, then create its video."""
        for case in cases:
            for fault in case.faults:
                self.stack.faults.add(**{**fault, "match": case.marker})
        for case in cases:
            video = self.stack.create(case.prompt, model=_model_of(case))
            self.videos[case.marker] = video
            if case.phases:
                self.phases[video["id"]] = set()

    def watch(self) -> None:
        """Note the phases of all videos until told to stop."""
        with httpx.Client(
            base_url=self.stack.base_url, headers=dict(self.stack.api.headers), trust_env=False
        ) as api:
            while not self.stop.is_set():
                for video_id, phases in list(self.phases.items()):
                    if not phases & {"done", "failed", "cancelled"}:
                        answer = api.get(f"/v1/videos/{video_id}").raise_for_status()
                        phases.add(answer.json()["phase"])
                self.stop.wait(0.2)


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Campaign]:
    """A stack of its own, on which all cases were begun; the token endpoint is down at first."""
    state_dir: Path = tmp_path_factory.mktemp("matrix")
    catalogue = state_dir / "models.yaml"
    catalogue.write_text(_catalogue(), encoding="utf-8")
    settings = {**_SETTINGS, "DAILIES_CATALOGUE": str(catalogue)}
    with running_stack(state_dir, settings=settings) as stack:
        known = stack.simulator.get("/_inspect/settings").json()["deployments"]
        made = {
            _model_of(case): case.model for case in (_TOKEN, *_ALL) if case.model in _OF_THEIR_OWN
        }
        stack.simulator.patch("/_inspect/settings", json={"deployments": {**known, **made}})
        # An hour is a minute here, and faults take their time.
        stack.simulator.patch("/_inspect/settings", json={"results_kept": 80_000})
        stack.faults.add("token", "status", status=500, times=3)
        running = Campaign(stack)
        running.begin((_TOKEN,))
        stack.wait_for(running.videos[_TOKEN.marker])
        watcher = threading.Thread(target=running.watch)
        watcher.start()
        try:
            running.begin(_ALL)
            yield running
        finally:
            running.stop.set()
            watcher.join()


@pytest.mark.parametrize("case", _ALL, ids=lambda case: f"{case.name} ({case.model})")
def test_a_fault_has_its_outcome(campaign: Campaign, case: FaultCase) -> None:
    stack = campaign.stack
    video = stack.wait_for(campaign.videos[case.marker])
    if case.ends == COMPLETED:
        assert_delivered(stack, video)
    else:
        assert_failed(stack, video, case.ends)
    assert len(stack.jobs(case.marker)) == case.jobs
    if case.spare:
        assert video["deployment"] == f"{_model_of(case)}-2"
    assert case.phases <= campaign.phases.get(video["id"], set())


def test_a_token_endpoint_that_is_down_is_waited_out(campaign: Campaign) -> None:
    video = campaign.stack.wait_for(campaign.videos[_TOKEN.marker])
    assert_delivered(campaign.stack, video)
    assert len(campaign.stack.jobs(_TOKEN.marker)) == 1


def test_every_case_is_in_the_documentation() -> None:
    rows = (APP_DIR / "docs" / "faults.md").read_text(encoding="utf-8")
    assert [c.name for c in (*CASES, *ROUTED_CASES) if f"| {c.name} |" not in rows] == []
