"""Instances in flight survive newer code: recorded histories still give the same actions."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.orchestrations.record import HISTORIES, load
from tests.orchestrations.wire import ORCHESTRATORS, Kind, replay

_RECORDED = sorted(HISTORIES.glob("*.json"))


@pytest.mark.parametrize("path", _RECORDED, ids=lambda path: path.stem)
def test_a_recorded_history_replays_with_the_code_of_today(path: Path) -> None:
    generations = load(path)
    assert generations
    for generation in generations:
        assert generation.turns
        for recorded, now in replay(generation):
            assert now == recorded, f"{path.stem} has changed: make it a new version"


def test_every_version_that_exists_has_its_histories() -> None:
    assert {path.stem for path in _RECORDED} == set(ORCHESTRATORS)


def test_the_histories_meet_everything_that_can_happen() -> None:
    kinds = {
        event["EventType"]
        for path in _RECORDED
        for generation in load(path)
        for event in generation.history
    }
    assert kinds >= set(Kind) - {Kind.SUB_FAILED}
