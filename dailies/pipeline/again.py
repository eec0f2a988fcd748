"""Make a failed video again, as its owner and operators may: a new video of the same request.

It is the same owner's. An operator's has the same key, tags and priority, an owner's those of the
key that asks. What the first one started from is
copied into its folder, so that either may be deleted. A failed video is made again once, however
often that is asked: the second asking is answered with the video of the first.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

from dailies.intake.accept import Acceptance, GivenInput, accept
from dailies.intake.known_keys import limits_of
from dailies.owners.key import Key, Limits
from dailies.services import Files, Services
from dailies.stores.rows import hash_key
from dailies.video.basics import Phase, Priority
from dailies.video.errors import Conflict
from dailies.video.record import Source, SourceKind, VideoRecord
from dailies.video.request import Input

__all__ = ["made_again", "make_again"]


@dataclass(frozen=True, slots=True)
class _Stored:
    """A file of ours, as an ``InputSource``."""

    files: Files
    name: str
    length: int

    async def read(self, offset: int, length: int) -> bytes:
        """``length`` bytes from ``offset``; fewer at the end."""
        length = min(length, self.length - offset)
        if length <= 0:
            return b""
        chunks = await self.files.open_range(self.name, offset=offset, length=length)
        return b"".join([chunk async for chunk in chunks])

    def open(self) -> AsyncIterator[bytes]:
        """The bytes from the beginning."""
        return self.files.stream(self.name)


async def make_again(
    services: Services,
    record: VideoRecord,
    *,
    kind: SourceKind = SourceKind.OPERATOR,
    key: Key | None = None,
    priority: Priority | None = None,
    most_unfinished: int | None = None,
) -> Acceptance:
    """Accept a new video of the request of one that failed, or give the one that was.

    Args:
        kind: who asks.
        key: with which it is made; that of the failed one, if not given.
        priority: as that of the failed one, if not given.
        most_unfinished: so many unfinished videos the owner may have.

    Raises:
        RequestError: it is refused as any other video would be; see ``accept``.
        Conflict: it did not fail (code ``video_not_failed``); what it started from is gone
            (``input_gone``); or the video that was made again is deleted (``video_deleted``).
        azure.core.exceptions.AzureError: storage did not answer; nothing was accepted.
    """
    if record.phase is not Phase.FAILED:
        raise Conflict(
            f"Only what failed is made again; the phase of video '{record.id}' is "
            f"'{record.phase}'.",
            param="video_id",
            code="video_not_failed",
        )
    folder = f"{record.id}/"
    # A file of another video, such as the source of an edit, stays where it is.
    own = [i for i in record.request.inputs if i.file and i.file.blob.startswith(folder)]
    others = tuple(item for item in record.request.inputs if item not in own)
    return await accept(
        services,
        owner=record.owner,
        request=record.request.model_copy(update={"inputs": others}),
        source=Source(kind=kind, video_id=record.id),
        idempotency_key=_key_of(record),
        key_decides=True,
        traceparent=None,
        priority=priority or record.priority,
        most_unfinished=most_unfinished,
        key=key or await _same_key(services, record),
        inputs=[await _given(services, item) for item in own],
    )


async def made_again(services: Services, record: VideoRecord) -> VideoRecord | None:
    """The video that was made of this one's request after it failed, if one was."""
    return await services.records.made_by(record.owner, hash_key(_key_of(record)))


def _key_of(record: VideoRecord) -> str:
    return f"again:{record.id}"


async def _same_key(services: Services, record: VideoRecord) -> Key | None:
    """The key that the video was made with, with its limits as they are now: what is made again
    counts for its budget too, also if it is revoked by now."""
    if record.key_id is None:
        return None
    limits = await limits_of(services, record.key_id) or Limits()
    return Key(id=record.key_id, owner=record.owner, digest="", limits=limits, tags=record.tags)


async def _given(services: Services, item: Input) -> GivenInput:
    file = item.file
    found = None if file is None else await services.files.describe(file.blob)
    if file is None or found is None:
        raise Conflict(
            "A file that the video started from is gone from storage, so it can't be made again.",
            param="video_id",
            code="input_gone",
        )
    return GivenInput(
        item.model_copy(update={"file": None, "original": None}),
        file.content_type,
        _Stored(services.files, file.blob, found.bytes),
        file.sha256,
    )
