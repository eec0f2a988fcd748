"""What Dailies announces: CloudEvents 1.0 on an Event Grid topic.

Delivery is at least once, so the id of an event is derived from what happened: the same video and
the same type give the same id on every attempt, and a subscriber drops what it has seen.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from azure.core.credentials import AzureKeyCredential
from azure.core.credentials_async import AsyncTokenCredential
from azure.core.messaging import CloudEvent
from azure.eventgrid.aio import EventGridPublisherClient

from dailies.telemetry.spans import publish_span
from dailies.video.basics import Phase, Variant
from dailies.video.record import StoredFile, VideoRecord

__all__ = [
    "EventPublisher",
    "EventType",
    "due_events",
    "rejected_event",
    "terminal_type",
    "video_event",
]


class EventType(StrEnum):
    """The types of events, without their common prefix ``dailies.video.``"""

    ACCEPTED = "accepted"
    UNRESOLVED = "unresolved"
    SUBMITTED = "submitted"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    DELETED = "deleted"

    @property
    def wire_name(self) -> str:
        return f"dailies.video.{self.value}"


# By itself the SDK would try for a quarter of an hour, and a video would wait for its announcement.
# Seconds.
_PATIENCE: dict[str, Any] = {"retry_total": 1, "connection_timeout": 5, "read_timeout": 10}

_TERMINAL = MappingProxyType(
    {
        Phase.DONE: EventType.COMPLETED,
        Phase.FAILED: EventType.FAILED,
        Phase.CANCELLED: EventType.CANCELLED,
    }
)


def terminal_type(record: VideoRecord) -> EventType:
    """The type of the event that ends this video.

    Raises:
        ValueError: the video has not ended.
    """
    try:
        return _TERMINAL[record.phase]
    except KeyError:
        raise ValueError(f"{record.id} has not ended: its phase is {record.phase}") from None


def due_events(record: VideoRecord) -> list[EventType]:
    """The events that this record calls for and that were not published, in order."""
    happened = [EventType.ACCEPTED]
    if record.phase is Phase.UNRESOLVED:
        happened.append(EventType.UNRESOLVED)
    if record.submit.job_id is not None:
        happened.append(EventType.SUBMITTED)
    if record.is_final:
        happened.append(terminal_type(record))
    return [kind for kind in happened if kind.value not in record.published]


def video_event(
    record: VideoRecord,
    kind: EventType,
    *,
    source: str,
    file_urls: Mapping[str, str],
    now: float,
    reason: str | None = None,
) -> CloudEvent[dict[str, Any]]:
    """The event that tells that ``kind`` happened to the video.

    ``file_urls`` are addresses without a token, by the names of ``VideoRecord.all_files``;
    ``reason`` says why it was deleted. The prompt is not part of an event.
    """
    return CloudEvent(
        source=source,
        type=kind.wire_name,
        id=f"{record.id}.{kind.value}",
        subject=f"/videos/{record.id}",
        time=datetime.fromtimestamp(now, UTC),
        data=_data(record, file_urls) | ({"reason": reason} if reason else {}),
        extensions={"traceparent": record.traceparent} if record.traceparent else None,
    )


def rejected_event(
    *,
    blob: str,
    key: str,
    error: Mapping[str, Any],
    source: str,
    now: float,
    traceparent: str | None = None,
) -> CloudEvent[dict[str, Any]]:
    """The event that tells that a dropped blob can't be used; ``key`` tells this drop apart."""
    return CloudEvent(
        source=source,
        type=EventType.REJECTED.wire_name,
        id=f"{key}.{EventType.REJECTED.value}",
        subject=f"/references/{blob}",
        time=datetime.fromtimestamp(now, UTC),
        data={"blob": blob, "error": dict(error)},
        extensions={"traceparent": traceparent} if traceparent else None,
    )


def _data(record: VideoRecord, file_urls: Mapping[str, str]) -> dict[str, Any]:
    request = record.request
    return {
        "id": record.id,
        "owner": record.owner,
        "status": record.status.value,
        "phase": record.phase.value,
        "model": request.model,
        "seconds": request.total_seconds,
        "size": str(request.size),
        "user": request.user,
        "remixed_from_video_id": request.source_video_id,
        "source": record.source.kind.value,
        "blob": record.source.blob,
        "created_at": int(record.created_at),
        "completed_at": None if record.completed_at is None else int(record.completed_at),
        "cost_usd": record.cost_usd,
        "cost_is_estimate": record.cost_is_estimate,
        "error": None if record.error is None else dataclasses.asdict(record.error),
        "files": _files(record.files, file_urls),
        **_generations(record, file_urls),
    }


def _generations(record: VideoRecord, urls: Mapping[str, str]) -> dict[str, Any]:
    """All that the job made of the prompt, where it may make several."""
    if not record.generations:
        return {}
    made = [
        {"files": _files(generation.files, urls, suffix=f"-{number}")}
        for number, generation in enumerate(record.generations, start=1)
    ]
    return {"generations": made}


def _files(
    files: Mapping[Variant, StoredFile], urls: Mapping[str, str], *, suffix: str = ""
) -> dict[str, Any]:
    return {
        variant.value: {
            "url": urls[f"{variant.value}{suffix}"],
            "content_type": file.content_type,
            "bytes": file.bytes,
            "sha256": file.sha256,
            "etag": file.etag,
        }
        for variant, file in files.items()
    }


class EventPublisher:
    """Sends events to the topic; does nothing where no topic is configured."""

    def __init__(
        self,
        endpoint: str | None,
        credential: AsyncTokenCredential | AzureKeyCredential | None,
        **transport: Any,
    ) -> None:
        self._client = (
            EventGridPublisherClient(endpoint, credential, **_PATIENCE, **transport)
            if endpoint is not None and credential is not None
            else None
        )

    async def publish(self, event: CloudEvent[Any]) -> None:
        """Hand one event to the topic.

        Raises:
            azure.core.exceptions.AzureError: the topic did not take it; send the same event again.
        """
        if self._client is None:
            return
        parent = (event.extensions or {}).get("traceparent")
        with publish_span(event.id, event.type, event.subject or "", parent=parent):
            await self._client.send(event)

    async def close(self) -> None:
        """Let go of connections."""
        if self._client is not None:
            await self._client.close()
