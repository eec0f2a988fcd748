"""What spans tell of a video."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry.trace import Span

from dailies.telemetry.spans import note, span
from dailies.video.basics import Variant
from dailies.video.record import StoredFile, VideoRecord

__all__ = ["file_span", "note_file", "note_record"]


def note_record(record: VideoRecord) -> None:
    """Tell the current span which video this is about, and how far it is."""
    note(
        {
            "dailies.video.id": record.id,
            "dailies.owner": record.owner,
            "dailies.model": record.request.model,
            "dailies.deployment": record.submit.deployment,
            "dailies.phase": record.phase.value,
            "dailies.source": record.source.kind.value,
        }
    )


@contextmanager
def file_span(video_id: str, variant: Variant) -> Iterator[Span]:
    """One file on its way from the provider into storage."""
    attributes = {"dailies.video.id": video_id, "dailies.variant": variant.value}
    with span("archive_file", attributes=attributes) as made:
        yield made


def note_file(made: Span, file: StoredFile) -> None:
    """The file is stored."""
    made.set_attributes({"dailies.bytes": file.bytes, "dailies.content_type": file.content_type})
