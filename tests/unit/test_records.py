"""The record of a video: a final phase is never left, progress never goes back."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from dailies.video.basics import Phase, Size, VideoError
from dailies.video.record import VideoRecord, VideoRequest

START = 1_795_262_400.0


def _record(**fields: Any) -> VideoRecord:
    request = VideoRequest(model="sora-2", prompt="A secret pier", seconds=4, size=Size(720, 1280))
    record = VideoRecord(
        id="video_" + "0" * 32, owner="alice", created_at=START, request=request, **fields
    )
    return record.with_submit(submitted_at=START)


@given(st.sampled_from(Phase), st.sampled_from(Phase))
def test_a_final_phase_is_never_left(first: Phase, second: Phase) -> None:
    moved = _record(phase=first).moved_to(second, progress=7)
    assert moved.phase is (first if first.is_final else second)
    if first.is_final:
        assert moved == _record(phase=first)


@given(st.lists(st.integers(-10, 300), max_size=20))
def test_progress_never_goes_back_nor_to_its_end(percents: list[int]) -> None:
    record = _record(phase=Phase.RENDERING)
    seen = [record.progress]
    for second, percent in enumerate(percents):
        record = record.progressed(percent, START + second)
        seen.append(record.progress)
        assert len(record.sightings) <= 2
    assert seen == sorted(seen)
    assert seen[-1] <= 99


@given(st.sampled_from(["cancelled", "moderation_blocked", "timeout"]))
def test_a_failure_ends_the_video_and_costs_nothing(code: str) -> None:
    failed = _record().failed(VideoError(code, "Why."), START + 5)
    assert failed.phase is (Phase.CANCELLED if code == "cancelled" else Phase.FAILED)
    assert (failed.completed_at, failed.cost_usd) == (START + 5, 0.0)
    assert failed.failed(VideoError("other", "Not this."), START + 9) == failed


def test_a_record_survives_json_and_fields_that_it_does_not_know() -> None:
    record = _record(published=("accepted",)).progressed(45, START + 3)
    text = record.model_dump_json()
    assert VideoRecord.model_validate_json(text) == record
    newer = text.replace('"owner":', '"something_newer":1,"owner":', 1)
    assert VideoRecord.model_validate_json(newer) == record


def test_the_prompt_is_not_in_the_form_that_logs_would_show() -> None:
    assert "secret" not in repr(_record())
