"""The campaign's judge finds each promise that is broken."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.chaos.books import Books, wrong_in
from tests.chaos.clients import Placed
from tests.chaos.judge import Evidence, misses
from tests.chaos.plan import Order, Way

_MARKER = "<order 0001 0badcafe>"
_ORDER = Order(1, Way.KEYED, _MARKER, f"waves {_MARKER}", None, 2.0, False, "sora-2")
_VIDEO = {"id": "video_1", "status": "completed", "phase": "done", "error": None}
_EVENT = {"id": "video_1.completed", "type": "dailies.video.completed"}
_KEPT = Evidence(
    videos={_MARKER: [_VIDEO]},
    jobs={_MARKER: [{"id": "job_1"}]},
    terminal_events={"video_1": [_EVENT, _EVENT]},
    files={"video_1": None},
)


def _found(evidence: Evidence, *, certain: bool = True, way: Way = Way.KEYED) -> list[str]:
    return misses([Placed(replace(_ORDER, way=way), certain)], evidence)


def test_kept_promises_are_no_misses() -> None:
    assert _found(_KEPT) == []


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        ({"videos": {}, "jobs": {}}, "0 videos"),
        ({"videos": {_MARKER: [_VIDEO, {**_VIDEO, "id": "video_2"}]}}, "2 videos"),
        ({"jobs": {_MARKER: [{"id": "job_1"}, {"id": "job_2"}]}}, "2 upstream jobs"),
        ({"jobs": {}}, "0 upstream jobs"),
        ({"videos": {_MARKER: [{**_VIDEO, "status": "in_progress"}]}}, "is in_progress"),
        ({"videos": {_MARKER: [{**_VIDEO, "status": "failed"}]}}, "is failed"),
        ({"terminal_events": {}}, "terminal events []"),
        (
            {"terminal_events": {"video_1": [_EVENT, {**_EVENT, "id": "video_1.failed"}]}},
            "video_1.failed",
        ),
        ({"files": {"video_1": "no manifest"}}, "no manifest"),
        ({"jobs": {**_KEPT.jobs, "<order 9>": [{"id": "job_9"}]}}, "jobs that nobody ordered"),
        ({"videos": {**_KEPT.videos, "<order 9>": [_VIDEO]}}, "videos that nobody ordered"),
    ],
)
def test_each_broken_promise_is_found(broken: dict[str, Any], why: str) -> None:
    assert any(why in miss for miss in _found(replace(_KEPT, **broken)))


def test_a_keyless_order_whose_answer_was_lost_may_have_made_none() -> None:
    nothing = replace(_KEPT, videos={}, jobs={}, terminal_events={})
    assert _found(nothing, certain=False, way=Way.KEYLESS) == []
    assert _found(nothing, certain=False) != []


def test_a_keyless_order_made_one_at_most_even_so() -> None:
    twice = replace(_KEPT, videos={_MARKER: [_VIDEO, _VIDEO]})
    assert _found(twice, certain=False, way=Way.KEYLESS) != []


def test_books_that_add_up_are_no_miss_and_others_are() -> None:
    videos = [{"cost_usd": 0.4}, {"cost_usd": 0.1}, {"cost_usd": 0.0}]
    kept = Books(held=0, spent=500_000, told=500_000, videos=3)
    assert wrong_in(kept, videos) == []
    for broken in ({"held": 1}, {"spent": 499_999}, {"told": 900_000}, {"videos": 4}):
        assert len(wrong_in(replace(kept, **broken), videos)) == 1
