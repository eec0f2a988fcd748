"""The public video object: OpenAI's fields, and never a status that clients don't know."""

from __future__ import annotations

import pytest

from dailies.protocols.openai.objects import video_object
from dailies.video.basics import Phase, Size, VideoError
from dailies.video.record import VideoRecord, VideoRequest

START = 1_795_262_400.7


def _record(phase: Phase = Phase.RENDERING) -> VideoRecord:
    request = VideoRequest(model="sora-2", prompt="A pier", seconds=8, size=Size(1280, 720))
    return VideoRecord(
        id="video_" + "0" * 32, owner="alice", created_at=START, request=request, phase=phase
    )


@pytest.mark.parametrize("phase", list(Phase))
def test_only_the_four_official_statuses_are_ever_answered(phase: Phase) -> None:
    video = video_object(_record(phase), retention_days=None)
    assert video.status in ("queued", "in_progress", "completed", "failed")
    assert video.phase == phase


def test_the_object_is_that_of_the_protocol() -> None:
    video = video_object(_record(), retention_days=None).model_dump()
    assert video["object"] == "video"
    assert (video["seconds"], video["size"], video["created_at"]) == ("8", "1280x720", int(START))
    assert (video["completed_at"], video["expires_at"], video["error"]) == (None, None, None)


def test_files_expire_by_our_retention() -> None:
    record = _record(Phase.DONE).model_copy(update={"completed_at": START})
    assert video_object(record, retention_days=2).expires_at == int(START + 2 * 86_400)


def test_a_failure_carries_its_code_and_message() -> None:
    error = VideoError("moderation_blocked", "Change the prompt.")
    record = _record(Phase.FAILED).model_copy(update={"error": error})
    failure = video_object(record, retention_days=None).error
    assert failure is not None
    assert (failure.code, failure.message) == ("moderation_blocked", "Change the prompt.")


def test_nothing_internal_is_shown() -> None:
    shown = video_object(_record(), retention_days=None).model_dump()
    assert not {"owner", "submit", "idempotency_key", "request_hash", "restarts"} & set(shown)
