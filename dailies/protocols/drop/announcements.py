"""What an event of Azure Storage says of an upload.

Event Grid schema, ``Microsoft.Storage.BlobCreated``:
https://learn.microsoft.com/azure/event-grid/event-schema-blob-storage
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

__all__ = ["Announcement", "read_announcement"]

_CREATED = "Microsoft.Storage.BlobCreated"
_SUBJECT = "/blobServices/default/containers/"


@dataclass(frozen=True, slots=True)
class Announcement:
    """A blob that was written.

    Attributes:
        names: what its name may be, the likeliest first. The address is percent-encoded as a rule,
            and the subject is not; but nothing promises either, and of some characters the subject
            keeps only the replacement character.
        etag: the one that this upload gave it, without quotes; None where the event has none.
    """

    names: tuple[str, ...]
    etag: str | None


def read_announcement(
    event_type: str | None, subject: str | None, data: Any, container: str
) -> Announcement | None:
    """The upload that an event tells of; None when it is about something else."""
    if event_type != _CREATED:
        return None
    fields = data if isinstance(data, Mapping) else {}
    names = dict.fromkeys(
        name
        for name in (_of_url(fields.get("url"), container), _of_subject(subject, container))
        if name
    )
    if not names:
        return None
    etag = fields.get("eTag")
    return Announcement(tuple(names), etag.strip('"') or None if isinstance(etag, str) else None)


def _of_url(url: object, container: str) -> str | None:
    try:
        path = urlsplit(url).path if isinstance(url, str) else ""
    except ValueError:
        return None
    # An emulator has the account's name before the container's.
    _, found, name = f"{path}".partition(f"/{container}/")
    return unquote(name) if found else None


def _of_subject(subject: str | None, container: str) -> str | None:
    prefix = f"{_SUBJECT}{container}/blobs/"
    return subject.removeprefix(prefix) if subject and subject.startswith(prefix) else None
