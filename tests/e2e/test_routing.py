"""Two deployments of one model, at two servers, of which one goes bad."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.checks import assert_delivered, manifest_of
from tests.e2e.simulator import running_simulator
from tests.stack import RunningStack, running_stack

KEY = "key-of-the-other-server"
_SETTINGS = {
    "DAILIES_SUBMIT_TIMEOUT_SECONDS": "4",
    "DAILIES_BREAKER_PAUSE_SECONDS": "10",
    "OTHER_KEY": KEY,
}
_CATALOGUE = """
default_model: kite
models:
  kite:
    deployments:
      - name: here
        endpoint: ${AZURE_OPENAI_ENDPOINT}
        COMMON
      - name: there
        endpoint: OTHER
        credential: api-key
        api_key: ${OTHER_KEY}
        COMMON
"""
_COMMON = """provider: azure-sora-2
        deployment: sora-2
        sizes: [720x1280]
        seconds: [4]
        prices: {default: 0.10}"""


@dataclass(frozen=True)
class Pair:
    """A stack whose model is made here and there."""

    stack: RunningStack
    other: str

    def create(self, *prompts: str) -> list[dict[str, Any]]:
        """Videos that were ordered at once, ended."""
        with ThreadPoolExecutor(8) as pool:
            made = list(pool.map(self._create, prompts))
        return [self.stack.wait_for(video) for video in made]

    def _create(self, prompt: str) -> dict[str, Any]:
        # One text in all pictures, so that each server encodes one video.
        return self.stack.create(f"{prompt} [sim label=pair]", model="kite")

    def jobs(self) -> Counter[str]:
        """How many jobs were made of each prompt, at both servers."""
        there = httpx.get(f"{self.other}/_inspect/jobs", trust_env=False).json()
        return Counter(str(job["prompt"]) for job in (*self.stack.jobs(), *there))

    def state(self) -> str:
        """How the deployment here fares."""
        answer = self.stack.admin.get("/v1/admin/deployments").raise_for_status().json()
        return next(str(each["state"]) for each in answer["data"] if each["id"] == "here")


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    folder: Path = tmp_path_factory.mktemp("pair")
    catalogue = folder / "models.yaml"
    with running_simulator(folder / "other", KEY) as other:
        text = _CATALOGUE.replace("COMMON", _COMMON).replace("OTHER\n", f"{other}\n")
        catalogue.write_text(text, encoding="utf-8")
        settings = {**_SETTINGS, "DAILIES_CATALOGUE": str(catalogue)}
        with running_stack(folder / "stack", settings=settings, own=True) as stack:
            yield Pair(stack, other)


def test_one_goes_bad_in_the_middle_and_comes_back(pair: Pair) -> None:
    stack = pair.stack
    well = pair.create(*(f"well {number}" for number in range(4)))
    assert {video["deployment"] for video in well} == {"here"}
    # The first three were taken, though it did not say so; the rest were not.
    stack.faults.add("create", "lost", times=3)
    stack.faults.add("create", "status", status=503, times=None)
    bad = pair.create(*(f"bad {number}" for number in range(14)))
    assert Counter(video["deployment"] for video in bad) == {"here": 3, "there": 11}
    later = pair.create("later 1", "later 2")
    assert pair.state() == "resting"
    assert {video["deployment"] for video in later} == {"there"}
    stack.faults.clear()

    def back() -> bool | None:
        [video] = pair.create(f"back {len(pair.jobs())}")
        back_again.append(video)
        return video["deployment"] == "here" or None

    back_again: list[dict[str, Any]] = []
    stack.wait_until(back, within=90, what="the deployment is used again")
    assert pair.state() == "well"
    videos = [*well, *bad, *later, *back_again]
    for video in videos:
        assert_delivered(stack, video)
        assert video["provider"] == "azure-sora-2"
    jobs = pair.jobs()
    assert set(jobs.values()) == {1}
    assert len(jobs) == len(videos)
    way = next(manifest_of(stack, v["id"])["way"] for v in bad if v["deployment"] == "there")
    assert [each["deployment"] for each in way][-1] == "there"
    assert way[-1]["outcome"] == "accepted"


def test_a_retired_one_is_left_until_an_operator_resets_it(pair: Pair) -> None:
    stack = pair.stack
    stack.simulator.patch("/_inspect/settings", json={"retired": ["sora-2"]})
    try:
        first, second = pair.create("gone 1", "gone 2")
        assert {first["deployment"], second["deployment"]} == {"there"}
        assert pair.state() == "gone"
    finally:
        stack.simulator.patch("/_inspect/settings", json={"retired": []})
    [still] = pair.create("gone 3")
    assert still["deployment"] == "there"
    stack.admin.post("/v1/admin/deployments/here/reset").raise_for_status()
    [again] = pair.create("gone 4")
    assert again["deployment"] == "here"
    assert set(pair.jobs().values()) == {1}
