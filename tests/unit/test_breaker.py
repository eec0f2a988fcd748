"""When a deployment is left alone, and when it is tried again."""

from __future__ import annotations

import pytest

from dailies.catalogue import Catalogue, Deployment
from dailies.routing.breaker import (
    Breaker,
    after_fault,
    after_success,
    after_trial_began,
    gone,
    place_of,
    shut,
    standing,
)
from dailies.stores.health import DeploymentHealth, HealthFault, State

RULES = Breaker(faults=3, window=300, pause=30, trial=180)
NOW = 1_795_262_400.0


def _deployment(**changes: str) -> Deployment:
    fields = {"endpoint": "https://eu.example", "deployment": "kite", **changes}
    text = f"""
default_model: kite
models:
  kite:
    deployments:
      - name: eu
        provider: azure-sora-2
        endpoint: {fields["endpoint"]}
        deployment: {fields["deployment"]}
        sizes: [720x1280]
        seconds: [4]
        prices: null
"""
    return Catalogue.parse(text, {}).deployments[0]


HERE = _deployment()
PLACE = place_of(HERE)


def _faults(
    *videos: str, at: float = NOW, reads: bool = False, health: DeploymentHealth | None = None
) -> DeploymentHealth | None:
    for number, video in enumerate(videos):
        fault = HealthFault(at=at + number, video=video, reads=reads)
        health = after_fault(health, PLACE, fault, "provider_error", RULES)
    return health


def _stands(health: DeploymentHealth | None, video: str, now: float) -> tuple[State, float, bool]:
    found = standing(health, HERE, video, now, RULES)
    return found.state, found.wait, found.is_trial


def test_faults_in_a_row_of_several_videos_open_it_for_all() -> None:
    health = _faults("a", "b")
    assert _stands(health, "c", NOW + 1)[0] is State.WELL
    health = _faults("a", "b", "a")
    assert _stands(health, "c", NOW + 2) == (State.RESTING, 30, False)


def test_faults_of_one_video_alone_open_nothing() -> None:
    health = _faults("a", "a", "a", "a")
    assert _stands(health, "b", NOW + 4)[0] is State.WELL
    assert _stands(_faults("b", at=NOW + 4, health=health), "c", NOW + 4)[0] is State.RESTING


def test_a_success_between_faults_begins_anew() -> None:
    health = after_success(_faults("a", "b"), PLACE, reads=False)
    assert health is None
    assert _stands(_faults("c", "d", health=health), "e", NOW + 9)[0] is State.WELL


def test_faults_that_lie_far_apart_do_not_open_it() -> None:
    health = _faults("a", "b")
    health = _faults("c", at=NOW + 302, health=health)
    assert _stands(health, "d", NOW + 302)[0] is State.WELL


def test_that_jobs_can_be_read_does_not_say_that_they_can_be_created() -> None:
    health = _faults("a", "b")
    assert after_success(health, PLACE, reads=True) == health
    opened = _faults("a", "b", "c")
    assert after_success(opened, PLACE, reads=True) == opened
    by_reads = _faults("a", "b", "c", reads=True)
    assert after_success(by_reads, PLACE, reads=True) is None


def test_after_a_pause_one_video_tries() -> None:
    health = _faults("a", "b", "c")
    later = NOW + 2 + 30
    assert _stands(health, "d", later) == (State.RESTING, 0, True)
    health = after_trial_began(health, "d", later, RULES)
    assert _stands(health, "d", later + 1) == (State.RESTING, 0, True)
    assert _stands(health, "e", later + 1) == (State.RESTING, 15, False)
    assert after_trial_began(health, "e", later + 1, RULES) == health
    # Whoever tried and died does not keep the others waiting for ever.
    assert _stands(health, "e", later + 181) == (State.RESTING, 0, True)


def test_nobody_tries_before_the_pause_is_over() -> None:
    health = _faults("a", "b", "c")
    assert after_trial_began(health, "d", NOW + 10, RULES) == health


def test_a_trial_that_works_closes_it_and_one_that_does_not_opens_it_for_twice_as_long() -> None:
    health = after_trial_began(_faults("a", "b", "c"), "d", NOW + 32, RULES)
    assert after_success(health, PLACE, reads=False) is None
    again = _faults("d", at=NOW + 33, health=health)
    assert _stands(again, "e", NOW + 33) == (State.RESTING, 60, False)
    for trial in range(10):
        assert again is not None
        assert again.until is not None
        again = _faults(f"t{trial}", at=again.until, health=again)
    assert again is not None
    assert again.until is not None
    last = again.until
    assert _stands(again, "z", last - 480)[1] == 480


def test_what_was_sent_before_it_opened_says_nothing_new() -> None:
    health = _faults("a", "b", "c")
    assert _faults("late", at=NOW + 5, health=health) == health


def test_what_is_shut_is_tried_after_a_longer_pause() -> None:
    health: DeploymentHealth | None = shut(None, PLACE, NOW, "no_credit", "Top up.", RULES)
    assert health is not None
    assert (health.code, health.remedy) == ("no_credit", "Top up.")
    assert shut(health, PLACE, NOW + 9, "no_credit", "Top up.", RULES) == health
    assert _stands(health, "a", NOW + 1) == (State.SHUT, 299, False)
    assert _stands(health, "a", NOW + 300) == (State.SHUT, 0, True)
    assert after_success(health, PLACE, reads=True) == health
    assert after_success(health, PLACE, reads=False) is None


@pytest.mark.parametrize(
    "after",
    [
        lambda health: _faults("a", "b", "c", "d", at=NOW + 1e8, health=health),
        lambda health: after_success(health, PLACE, reads=False),
        lambda health: shut(health, PLACE, NOW + 1e8, "no_credit", None, RULES),
        lambda health: gone(health, PLACE, NOW + 1e8, "model_retired", None),
        lambda health: after_trial_began(health, "a", NOW + 1e8, RULES),
    ],
)
def test_what_is_gone_is_never_forgotten(after: object) -> None:
    health = gone(_faults("a"), PLACE, NOW, "model_retired", "Use another.")
    assert callable(after)
    assert after(health) == health
    assert _stands(health, "b", NOW + 1e9)[0] is State.GONE


@pytest.mark.parametrize("changes", [{"endpoint": "https://us.example"}, {"deployment": "kite-2"}])
def test_somewhere_else_it_starts_anew(changes: dict[str, str]) -> None:
    health = gone(None, PLACE, NOW, "model_retired", None)
    moved = _deployment(**changes)
    assert standing(health, moved, "a", NOW, RULES).state is State.WELL
    fault = HealthFault(at=NOW, video="a")
    assert after_fault(health, place_of(moved), fault, None, RULES).state is State.WELL
