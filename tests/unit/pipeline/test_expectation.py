"""What a video may expect: where it stands while it waits, and when it should be there."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from typing import Any, cast

import pytest

from dailies.engine import Orchestrations
from dailies.pipeline.expectation import NOTHING, Expectation, expectation, hear_waits
from dailies.pipeline.forecast import forecast
from dailies.pipeline.places import choose, quota_of
from dailies.protocols.openai.objects import video_object
from dailies.routing.lane import Acquire, LaneState, acquire, empty
from dailies.video.basics import Phase, VideoError
from dailies.video.progress import Sighting
from dailies.video.record import SubmitState, VideoRecord
from tests.unit.pipeline.world import CATALOGUE, START, World


class Lanes:
    """The part of ``Orchestrations`` that is asked here."""

    def __init__(self, state: LaneState | None = None) -> None:
        self.state = state
        self.fault: Exception | None = None
        self.reads = 0
        self.pause = 0.0

    async def lane(self, deployment: str) -> Mapping[str, Any] | None:
        assert deployment == "first"
        self.reads += 1
        await asyncio.sleep(self.pause)
        if self.fault is not None:
            raise self.fault
        return cast(Mapping[str, Any], json.loads(json.dumps(self.state)))


async def _ask(world: World, record: VideoRecord, lanes: Lanes) -> Expectation:
    return await expectation(world.services, cast(Orchestrations, lanes), record)


async def _line(world: World, number: int) -> tuple[list[VideoRecord], LaneState]:
    """So many videos that have asked for a place, of which two have one."""
    records, state = [], empty()
    for place in range(number):
        record = await world.accepted(phase=Phase.WAITING, created_at=START + place * 0.001)
        request = quota_of(world.services, record)
        assert request is not None
        came = record.created_at
        question: Acquire = {**request, "video": record.id, "now": came, "since": came}
        state, _ = acquire(state, question)
        records.append(record)
    return records, state


async def test_one_that_waits_knows_its_place_and_its_time() -> None:
    world = World()
    records, state = await _line(world, 6)
    lanes = Lanes(state)
    seen = [await _ask(world, record, lanes) for record in records]
    standings = [one.standing for one in seen]
    assert standings[:2] == [None, None]
    waiting = [standing for standing in standings if standing is not None]
    assert [(standing.position, standing.of) for standing in waiting] == [
        (1, 4),
        (2, 4),
        (3, 4),
        (4, 4),
    ]
    typical = waiting[0].usual_seconds
    # Two at once: each pair begins when the one before has ended, and it asks again.
    taken = 7.5
    assert waiting[0].eta_seconds == pytest.approx(typical + taken)
    assert waiting[3].eta_seconds == pytest.approx(2 * (typical + taken), abs=0.1)
    ends = [one.completion_at or 0 for one in seen]
    assert ends == sorted(ends)
    assert ends[5] == pytest.approx(world.now + 3 * typical + 2 * taken, abs=0.1)
    assert lanes.reads == 1


async def test_one_that_has_not_asked_yet_is_told_where_it_would_stand() -> None:
    world = World()
    _, state = await _line(world, 6)
    late = await world.accepted(created_at=START + 1)
    other = (await world.accepted()).model_copy(update={"owner": "bob"})
    standing = (await _ask(world, late, Lanes(state))).standing
    assert standing is not None
    assert (standing.position, standing.of) == (5, 5)
    first = (await _ask(world, other, Lanes(state))).standing
    assert first is not None
    assert first.position <= 2


async def test_one_that_finds_an_empty_lane_starts_at_once() -> None:
    world = World()
    record = await world.accepted()
    seen = await _ask(world, record, Lanes(None))
    assert seen.standing is None
    assert seen.completion_at is not None
    assert 0 < seen.completion_at - world.now < 1000


async def test_where_no_quota_is_kept_no_lane_is_read() -> None:
    world = World(DAILIES_ENFORCE_QUOTA=False)
    lanes = Lanes()
    assert (await _ask(world, await world.accepted(), lanes)).completion_at is not None
    assert lanes.reads == 0


@pytest.mark.parametrize("kind", ["fault", "hangs"])
async def test_a_lane_that_can_not_be_read_fails_nothing(
    kind: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO, "dailies")
    monkeypatch.setattr("dailies.pipeline.expectation._READ_SECONDS", 0.05)
    world, lanes = World(), Lanes()
    lanes.fault = OSError("refused") if kind == "fault" else None
    lanes.pause = 0.0 if kind == "fault" else 5.0
    record = await world.accepted(phase=Phase.WAITING)
    assert await _ask(world, record, lanes) == NOTHING
    (line,) = [json.loads(seen.getMessage()) for seen in caplog.records]
    assert (line["event"], line["deployment"]) == ("lane_unreadable", "first")
    assert "queue" not in video_object(record, retention_days=None).model_dump()


async def test_a_lane_is_read_once_for_all_who_ask_at_one_time() -> None:
    world = World()
    records, state = await _line(world, 5)
    lanes = Lanes(state)
    lanes.pause = 0.05
    asked = [asyncio.ensure_future(_ask(world, record, lanes)) for record in records * 4]
    await asyncio.sleep(0.01)
    asked[0].cancel()
    seen = await asyncio.gather(*asked[1:])
    assert lanes.reads == 1
    assert all(one.completion_at is not None for one in seen)


async def test_a_render_is_expected_by_what_is_usual_and_by_its_progress() -> None:
    world, lanes = World(), Lanes()
    submit = SubmitState(deployment="first", job_id="job", submitted_at=START)
    record = await world.accepted(phase=Phase.RENDERING, submit=submit)
    usual = (await _ask(world, record, lanes)).completion_at
    assert usual is not None
    world.now += 100
    half = record.model_copy(update={"sightings": (Sighting(100, 50),), "progress": 50})
    assert (await _ask(world, half, lanes)).completion_at == pytest.approx(START + 200)
    world.now = usual + 500
    overdue = (await _ask(world, record, lanes)).completion_at
    assert overdue is not None
    assert overdue > world.now
    assert lanes.reads == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"phase": Phase.DONE, "completed_at": START},
        {"phase": Phase.FAILED, "error": VideoError("x", "y")},
        {"phase": Phase.UNRESOLVED},
        {"phase": Phase.WAITING, "cancel_requested": True},
    ],
)
async def test_nothing_is_promised_of_one_that_has_ended_or_of_which_nobody_knows(
    changes: dict[str, Any],
) -> None:
    world, lanes = World(), Lanes()
    record = await world.accepted(**changes)
    assert await _ask(world, record, lanes) == NOTHING
    document = video_object(record, retention_days=None).model_dump()
    assert not {"queue", "estimated_completion_at"} & set(document)
    assert lanes.reads == 0


async def test_the_video_object_tells_both() -> None:
    world = World()
    records, state = await _line(world, 4)
    seen = await _ask(world, records[3], Lanes(state))
    document = video_object(records[3], retention_days=None, expected=seen).model_dump()
    assert document["queue"] == {"position": 2, "of": 2, "eta_seconds": pytest.approx(90, abs=90)}
    assert document["estimated_completion_at"] > document["created_at"]


_TWO_PLACES = CATALOGUE.replace("    fallbacks: [spare]\n", "    routing: completion\n").replace(
    "  spare:\n    deployments:\n", ""
)


async def test_by_completion_a_video_goes_past_a_long_line() -> None:
    world = World(catalogue=_TWO_PLACES)
    _, state = await _line(world, 10)
    lanes, video = Lanes(state), await world.accepted()

    async def chosen() -> str | None:
        found = choose(world.services, video)
        return None if found is None else found.deployment.name

    assert await chosen() == "first"
    await hear_waits(world.services, cast(Orchestrations, lanes), video, all_places=False)
    assert await chosen() == "second"


async def test_where_the_choice_does_not_depend_on_them_no_lane_is_read() -> None:
    world = World()
    lanes, video = Lanes(), await world.accepted()
    await hear_waits(world.services, cast(Orchestrations, lanes), video, all_places=False)
    assert lanes.reads == 0
    await hear_waits(world.services, cast(Orchestrations, lanes), video, all_places=True)
    assert lanes.reads == 1


async def test_a_dry_run_counts_those_that_wait() -> None:
    world = World()
    records, state = await _line(world, 6)
    lanes = Lanes(state)
    world.now += 1
    found = await forecast(
        world.services, cast(Orchestrations, lanes), records[0].owner, records[0].request, []
    )
    last = await _ask(world, records[-1], lanes)
    assert last.standing is not None
    assert found.starts_at is not None
    assert found.starts_at - world.now >= last.standing.eta_seconds > 0
    lanes.fault = RuntimeError("no answer")
    unread = World()
    unknown = await forecast(
        unread.services, cast(Orchestrations, lanes), records[0].owner, records[0].request, []
    )
    assert (unknown.deployment, unknown.starts_at) == ("first", None)
