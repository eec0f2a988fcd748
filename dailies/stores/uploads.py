"""What is remembered of the uploads of one blob, so that one upload makes one video, for good.

Storage gives a blob a new ETag when it is uploaded anew, and also when only its metadata or its
headers are changed. So an upload is known by the ETag that it was first seen with, and by those
that it was given since. What was made of it outlives the video: a sidecar that is written again, or
an event that comes twice, finds the answer here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

__all__ = [
    "BlobHistory",
    "BlobState",
    "Upload",
    "UploadState",
    "idempotency_key",
    "instance_id",
]

# Of each blob, the newest: whoever asks for an older one finds it replaced.
_KEPT = 12
_MOST_ETAGS = 40


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class UploadState(StrEnum):
    """What became of an upload."""

    OPEN = "open"
    """Seen; nobody was told anything yet."""
    ACCEPTED = "accepted"
    REJECTED = "rejected"


class BlobState(_Document):
    """A blob as it is now.

    Attributes:
        etag: without quotes.
        created: when storage made the blob, ISO 8601.
        md5: hex, where storage has it: it has none of a blob that came in blocks, and forgets it
            when headers are set.
    """

    etag: str
    created: str | None = None
    bytes: int = 0
    md5: str | None = None

    def may_be(self, other: BlobState) -> bool:
        """Whether nothing but metadata or headers need have changed between the two."""
        same_bytes = self.md5 is None or other.md5 is None or self.md5 == other.md5
        return self.created == other.created and self.bytes == other.bytes and same_bytes


class Upload(_Document):
    """One upload.

    Attributes:
        etag: the one that it was first seen with: its key.
        also: those that the same upload had by other events, or after its metadata was changed.
        seen_at: Unix seconds.
        code: why it was rejected.
        begun: how often work on it began and did not come back: whatever ended it may have been
            this very file.
        faults: how often it failed by an error that is no outage's.
    """

    etag: str
    also: tuple[str, ...] = ()
    state: UploadState = UploadState.OPEN
    last_seen: BlobState
    seen_at: float
    video_id: str | None = None
    code: str | None = None
    begun: int = 0
    faults: int = 0

    def has(self, etag: str) -> bool:
        """Whether this upload is known by the ETag."""
        return etag == self.etag or etag in self.also

    def told_of(self, event_etag: str) -> Upload:
        """This upload, known by the ETag of an event too."""
        return self.model_copy(update={"also": (*self.also, event_etag)[-_MOST_ETAGS:]})

    def seen_as(self, blob: BlobState, event_etag: str | None = None) -> Upload:
        """This upload, known by these ETags too."""
        new = [tag for tag in (event_etag, blob.etag) if tag is not None and not self.has(tag)]
        also = (*self.also, *dict.fromkeys(new))[-_MOST_ETAGS:]
        return self.model_copy(update={"also": also, "last_seen": blob})


class BlobHistory(_Document):
    """The uploads of one blob, the oldest first."""

    blob: str
    uploads: tuple[Upload, ...] = ()

    def find(self, etag: str) -> Upload | None:
        """The upload that is known by an ETag."""
        return next((upload for upload in reversed(self.uploads) if upload.has(etag)), None)

    def announced(self, blob: BlobState, event_etag: str, now: float) -> BlobHistory:
        """With the upload that an event tells of, which is known by the event's ETag.

        What is there now may be that upload, or it with other metadata, or a newer one whose own
        event is on its way and will find that it was seen. Where it can be an upload that was found
        before its event came, and was given other metadata since, that is what it is taken for.
        """
        if self.find(event_etag) is not None:
            return self
        known = self.find(blob.etag)
        if known is not None:
            return self.changed(known.seen_as(blob, event_etag))
        guess = self.current(blob) if blob.etag != event_etag else None
        if guess is not None:
            # Of the guess nothing is remembered but the event: what is there has its own to come.
            return self.changed(guess.told_of(event_etag))
        return self._with_new(blob, now, event_etag)

    def current(self, blob: BlobState) -> Upload | None:
        """The upload that is there now, as far as can be told without an event.

        Where it can be the newest one with other metadata, that is what it is taken for: nothing is
        paid for a second time because of a tag that somebody has set. An event would tell better,
        so nothing is remembered of such a guess.
        """
        known = self.find(blob.etag)
        if known is not None or not self.uploads:
            return known
        newest = self.uploads[-1]
        return newest if newest.last_seen.may_be(blob) else None

    def found(self, blob: BlobState, now: float) -> BlobHistory:
        """With the upload that is there now, found without an event."""
        return self if self.current(blob) is not None else self._with_new(blob, now)

    def claimed(self, key: str, blob: BlobState, now: float) -> BlobHistory:
        """With what is there now taken for the upload ``key``, unless it is known as another."""
        upload = self.find(key)
        if self.find(blob.etag) is not None:
            return self
        if upload is not None:
            return self.changed(upload.seen_as(blob))
        # An orchestration that was started before uploads were remembered.
        return self._with_new(blob, now) if blob.etag == key else self

    def changed(self, upload: Upload) -> BlobHistory:
        """With one upload in a new state."""
        uploads = tuple(upload if known.etag == upload.etag else known for known in self.uploads)
        return self.model_copy(update={"uploads": uploads})

    def with_upload(self, etag: str, change: Callable[[Upload], Upload]) -> BlobHistory:
        """With a change to the upload that is known by the ETag, if there is one."""
        upload = self.find(etag)
        return self if upload is None else self.changed(change(upload))

    def _with_new(self, blob: BlobState, now: float, event_etag: str | None = None) -> BlobHistory:
        upload = Upload(etag=blob.etag, last_seen=blob, seen_at=now).seen_as(blob, event_etag)
        return self.model_copy(update={"uploads": (*self.uploads, upload)[-_KEPT:]})


def idempotency_key(container: str, name: str, etag: str) -> str:
    """One text for one upload: the same blob event always gives it, a re-upload never does.

    The ETag is taken as events (bare), headers (quoted) and caches (weak) write it.
    """
    bare = etag.strip().removeprefix("W/").strip('"')
    return f"drop:{container}/{name}#{bare}"


def instance_id(container: str, name: str, etag: str) -> str:
    """The id of the orchestration that waits for an upload's sidecar: 69 letters and digits."""
    key = idempotency_key(container, name, etag)
    return f"drop_{hashlib.sha256(key.encode()).hexdigest()}"
