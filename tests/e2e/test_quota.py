"""Videos beyond the quota of a deployment: they wait, say so, and are all served."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.checks import assert_delivered
from tests.e2e.durable import quota_state
from tests.stack import RunningStack, running_stack

_LABEL = "[sim label=quota render=1]"
# A lease ends by itself after 270 real seconds at this speed: long after everything here.
_SPEED = 20


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """A stack with the quota of the catalogue that ships: two a minute, two at once."""
    state_dir = tmp_path_factory.mktemp("quota")
    with running_stack(state_dir, speed=_SPEED, unlimited=False) as running:
        yield running


def test_those_that_the_provider_puts_off_block_nobody(stack: RunningStack) -> None:
    """The first two hold all the places when they are put off, and the others wait behind them."""
    for number in range(2):
        stack.faults.add(
            "create", "status", status=429, headers={"Retry-After": "5"}, match=f"wave {number}"
        )
    videos = [stack.create(f"wave {number} {_LABEL}") for number in range(8)]
    stack.wait_until(
        lambda: stack.video(videos[-1]["id"])["phase"] == "waiting", within=60, what="it says so"
    )
    for video in videos:
        assert_delivered(stack, stack.wait_for(video, within=150))
    assert len(stack.jobs("wave")) == 8

    def released() -> bool:
        state = quota_state(stack, "azure-sora-2")
        return not state["leases"] and not state["queue"]

    stack.wait_until(released, within=30, what="all places are given back")


def test_a_video_that_waits_for_a_place_is_cancelled_at_once(stack: RunningStack) -> None:
    running = [stack.create(f"long {n} [sim label=quota render=600]") for n in range(2)]
    stack.wait_until(lambda: len(stack.jobs("long")) == 2, within=60, what="two jobs run")
    waits = stack.create(f"cancelled in the queue {_LABEL}")
    stack.wait_until(
        lambda: stack.video(waits["id"])["phase"] == "waiting", within=60, what="it waits"
    )
    assert stack.api.post(f"/v1/videos/{waits['id']}/cancel").is_success
    ended = stack.wait_for(waits)
    assert (ended["phase"], ended["cost_usd"], ended["cost_is_estimate"]) == ("cancelled", 0, False)
    assert stack.jobs("cancelled in the queue") == []
    for video in running:
        assert_delivered(stack, stack.wait_for(video))


def test_one_that_may_wait_only_so_long_ends_then_and_nothing_is_made(stack: RunningStack) -> None:
    running = [stack.create(f"busy {n} [sim label=quota render=600]") for n in range(2)]
    stack.wait_until(lambda: len(stack.jobs("busy")) == 2, within=60, what="two jobs run")
    waits = stack.create(f"gives up in the queue {_LABEL}", expires_after=5)
    ended = stack.wait_for(waits)
    assert (ended["status"], ended["error"]["code"]) == ("failed", "expired")
    assert (ended["cost_usd"], stack.jobs("gives up")) == (0, [])
    assert ended["completed_at"] - ended["created_at"] >= 5
    stack.wait_for_event(waits["id"], "failed")
    state = quota_state(stack, "azure-sora-2")
    assert waits["id"] not in f"{state}"
    # They had their places all the while, so it ended by its time and not by a place.
    assert {stack.video(video["id"])["status"] for video in running} == {"in_progress"}
    for video in running:
        assert stack.api.delete(f"/v1/videos/{video['id']}").is_success


def test_files_that_can_not_be_fetched_keep_nobody_from_rendering(stack: RunningStack) -> None:
    stack.faults.add("content", "status", status=503, times=None, match="not fetched")
    held = [stack.create(f"not fetched {n} {_LABEL}") for n in range(2)]
    for video in held:
        _wait_for_phase(stack, video, "archiving")
    video = stack.create(f"rendered meanwhile {_LABEL}")
    stack.wait_until(lambda: len(stack.jobs("rendered")) == 1, within=60, what="it is sent")
    assert_delivered(stack, stack.wait_for(video))
    stack.faults.clear()
    for video in held:
        assert_delivered(stack, stack.wait_for(video, within=120))


def test_one_that_is_put_off_for_long_keeps_nobody_waiting(stack: RunningStack) -> None:
    for number in range(2):
        stack.faults.add(
            "create", "status", status=429, headers={"Retry-After": "3000"}, match=f"off {number}"
        )
    off = [stack.create(f"off {number} {_LABEL}") for number in range(2)]
    for video in off:
        _wait_for_phase(stack, video, "waiting")
    assert_delivered(stack, stack.wait_for(stack.create(f"not put off {_LABEL}"), within=60))
    for video in off:
        assert stack.api.delete(f"/v1/videos/{video['id']}").is_success


def test_owners_are_served_in_turn_and_told_where_they_stand(stack: RunningStack) -> None:
    crowd = [stack.create(f"crowd {number} {_LABEL}") for number in range(10)]
    _wait_for_phase(stack, crowd[-1], "waiting")
    place = stack.wait_until(
        lambda: stack.video(crowd[-1]["id"]).get("queue"), within=30, what="it has a place"
    )
    assert 1 < place["position"] <= place["of"] <= 10
    assert place["eta_seconds"] > 0
    sent = len(stack.jobs("crowd"))
    body = {"model": "sora-2", "prompt": f"another owner {_LABEL}"}
    other = stack.admin.post("/v1/videos", json=body).raise_for_status().json()
    stack.wait_until(lambda: stack.jobs("another owner"), within=60, what="the other's is sent")
    # Those that had a place when it came, and at most one in between.
    assert len(stack.jobs("crowd")) <= sent + 3
    for video in crowd:
        ended = stack.wait_for(video, within=150)
        assert_delivered(stack, ended)
        assert not {"queue", "estimated_completion_at"} & set(ended)
    assert stack.admin.get(f"/v1/videos/{other['id']}").json()["status"] == "completed"


def _wait_for_phase(stack: RunningStack, video: dict[str, Any], phase: str) -> None:
    stack.wait_until(lambda: stack.video(video["id"])["phase"] == phase, within=60, what=phase)
