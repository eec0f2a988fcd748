"""Events: ids by what happened, small data, no prompt."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from azure.core.messaging import CloudEvent

from dailies.announce.events import (
    EventPublisher,
    EventType,
    rejected_event,
    terminal_type,
    video_event,
)
from dailies.video.basics import Phase, Size, Variant, VideoError
from dailies.video.record import StoredFile, VideoRecord, VideoRequest

START = 1_795_262_400.0
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def _record(phase: Phase = Phase.DONE, prompt: str = "A secret pier") -> VideoRecord:
    request = VideoRequest(model="sora-2", prompt=prompt, seconds=4, size=Size(720, 1280))
    file = StoredFile(
        blob="v/video.mp4", content_type="video/mp4", bytes=9, sha256="ab" * 32, etag="0x1"
    )
    return VideoRecord(
        id="video_" + "0" * 32,
        owner="alice",
        created_at=START,
        request=request,
        phase=phase,
        files={Variant.VIDEO: file},
        traceparent=TRACE,
    )


def _event(
    kind: EventType, record: VideoRecord | None = None, *, now: float = START
) -> CloudEvent[Any]:
    urls = {"video": "https://files.example/videos/v/video.mp4"}
    return video_event(record or _record(), kind, source="/dailies", file_urls=urls, now=now)


def test_an_event_keeps_its_id_however_often_it_is_made() -> None:
    assert _event(EventType.FAILED, now=1.0).id == _event(EventType.FAILED, now=2.0).id


def test_events_of_different_kinds_and_videos_have_different_ids() -> None:
    other = _record().model_copy(update={"id": "video_" + "1" * 32})
    ids = {_event(kind, record).id for record in (_record(), other) for kind in EventType}
    assert len(ids) == 2 * len(EventType)


@pytest.mark.parametrize("kind", list(EventType))
def test_no_event_holds_the_prompt_or_a_token(kind: EventType) -> None:
    event = _event(kind)
    text = json.dumps([event.data, event.subject, event.id, event.extensions])
    assert "secret" not in text
    assert "sig=" not in text


def test_an_event_is_a_cloud_event_with_the_starting_trace() -> None:
    event = _event(EventType.COMPLETED)
    assert event.specversion == "1.0"
    assert event.type == "dailies.video.completed"
    assert event.subject == "/videos/video_" + "0" * 32
    assert event.extensions == {"traceparent": TRACE}
    assert all(re.fullmatch(r"[a-z0-9]{1,20}", name) for name in event.extensions)
    assert event.time is not None
    assert event.time.timestamp() == START


def test_the_data_names_the_files_with_hash_and_etag() -> None:
    data = _event(EventType.COMPLETED).data
    assert data is not None
    assert data["files"]["video"] == {
        "url": "https://files.example/videos/v/video.mp4",
        "content_type": "video/mp4",
        "bytes": 9,
        "sha256": "ab" * 32,
        "etag": "0x1",
    }
    assert (data["status"], data["phase"], data["error"]) == ("completed", "done", None)


def test_an_event_is_small_however_long_the_prompt() -> None:
    record = _record(prompt="x" * 32_000).failed(VideoError("x", "y"), START)
    assert len(json.dumps(_event(EventType.FAILED, record).data)) < 4096


@pytest.mark.parametrize(
    ("phase", "kind"),
    [
        (Phase.DONE, EventType.COMPLETED),
        (Phase.FAILED, EventType.FAILED),
        (Phase.CANCELLED, EventType.CANCELLED),
    ],
)
def test_each_end_has_its_event(phase: Phase, kind: EventType) -> None:
    assert terminal_type(_record(phase)) is kind


def test_a_video_that_has_not_ended_has_no_terminal_event() -> None:
    with pytest.raises(ValueError, match="has not ended"):
        terminal_type(_record(Phase.RENDERING))


def test_a_rejection_keeps_its_id_and_names_the_blob() -> None:
    events = [
        rejected_event(blob="a/b.png", key="drop_1", error={"code": "x"}, source="/d", now=now)
        for now in (1.0, 2.0)
    ]
    assert {event.id for event in events} == {"drop_1.rejected"}
    assert events[0].data == {"blob": "a/b.png", "error": {"code": "x"}}


async def test_without_a_topic_nothing_is_sent_and_nothing_fails() -> None:
    publisher = EventPublisher(None, None)
    await publisher.publish(rejected_event(blob="b", key="k", error={}, source="/d", now=1.0))
    await publisher.close()
