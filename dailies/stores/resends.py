"""Requests that their client has sent again by itself.

Official clients send a request again when its answer did not come, without a key, and say how often
(``Sending.number``). Such a resend is the same request: whichever of its sendings comes first makes
the video, and the others are answered with it. An equal request that says of itself that it is the
first is another one, so equality alone decides nothing.

What a video was asked by stands in its row of the index in falling order: ``RequestHash``, the
numbers of the ``Sends`` that were answered with it and, where a resend made it, its ``Epoch``.

The race between a first sending that is still under way and its resend is decided by the owner's
*epoch*, a number that rises whenever a resend makes a video. It is the name of a row (``g:N``),
and an epoch that is over never comes back (the row ``g`` says that the owner has had one):

- a resend replaces the row in the transaction that inserts its video, on the condition that nobody
  has touched it since the resend looked for an earlier video;
- a first sending touches the row of the epoch in which it began, which fails once that is over.
  Then it looks for the video that its own resend has made: equal, of a later epoch, and not
  answered to a first sending yet.

So of the two one must look again, on any instance and in any order, while first sendings, however
many at once, do not stand in each other's way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from azure.core.exceptions import ResourceModifiedError, ResourceNotFoundError
from azure.data.tables import UpdateMode
from azure.data.tables.aio import TableClient

from dailies.stores.rows import Operation, falling_row, row, step_aside
from dailies.stores.tables import etag_of, unchanged
from dailies.video.basics import first_id
from dailies.video.errors import Conflict
from dailies.video.record import VideoRecord

__all__ = ["RESEND_SECONDS", "Epoch", "Resends", "Sending", "remembered_hash"]

RESEND_SECONDS = 600.0
"""How long after a video was accepted a resend of its request may still come. An official client
gives up after ten minutes unless it is told otherwise, and sends again then."""

_NO_EPOCH = -1
_ATTEMPTS = 12


@dataclass(frozen=True, slots=True)
class Sending:
    """One of the times that a client has sent a request.

    Attributes:
        number: 0 for the first; above, it is a resend.
        epoch: the owner's epoch when this sending began.
    """

    number: int
    epoch: int


@dataclass(frozen=True, slots=True)
class Epoch:
    """An owner's epoch as it is now; ``etag`` is that of its row."""

    number: int = _NO_EPOCH
    etag: str | None = None


def remembered_hash(record: VideoRecord, now: float) -> str | None:
    """What is kept of the request of a video that is removed: while its resend may still come."""
    if record.idempotency_key is not None or now - record.created_at > RESEND_SECONDS:
        return None
    return record.request_hash


class Resends:
    """What is known of the sendings of all owners' requests; over the table of the videos."""

    def __init__(self, videos: TableClient) -> None:
        self._videos = videos

    async def epoch(self, owner: str) -> Epoch:
        """The owner's epoch; an owner of whom nothing is known yet has none."""
        rows = self._videos.query_entities(
            "PartitionKey eq @owner and RowKey ge @low and RowKey lt @high",
            parameters={"owner": owner, "low": "g:", "high": "g;"},
        )
        newest = Epoch()
        async for found in rows:  # one; two for a moment where reads see half of a transaction
            read = Epoch(int(str(found["RowKey"])[2:]), etag_of(found))
            newest = max(newest, read, key=lambda epoch: epoch.number)
        return newest

    async def answer_with(
        self, owner: str, request_hash: str, sending: Sending, epoch: Epoch, now: float
    ) -> str | None:
        """The video that this sending is to be answered with, if another sending made it; it is
        noted that it was.

        A resend takes the newest equal video that no sending of its number was answered with, else
        the newest. A first sending takes one that a resend has made since it began.

        Raises:
            Conflict: the only such video was deleted (code ``video_deleted``).
        """
        if sending.number == 0 and sending.epoch == epoch.number:
            return None
        for attempt in range(_ATTEMPTS):
            equal = await self._equal(owner, request_hash, now)
            free = [e for e in equal if sending.number not in e.sends and e.serves(sending)]
            if free and not await self._note(owner, free[0], sending):
                await step_aside(attempt)
                continue
            if free:
                return free[0].video_id
            if sending.number == 0:
                return None
            if equal:
                return equal[0].video_id
            await self._refuse_deleted(owner, request_hash, now)
            return None
        raise Conflict("The same request is being answered several times; try again.", code="busy")

    def columns(self, record: VideoRecord, sending: Sending, epoch: Epoch) -> dict[str, Any]:
        """What the new video's row in the index says of its request."""
        columns = {"RequestHash": record.request_hash or "", "Sends": str(sending.number)}
        return columns | ({"Epoch": epoch.number + 1} if sending.number else {})

    def operations(self, owner: str, sending: Sending, epoch: Epoch) -> list[Operation]:
        """What the transaction that inserts a video does to the epoch that was seen before."""
        here = row(owner, f"g:{epoch.number}")
        following = row(owner, f"g:{epoch.number + 1}")
        if epoch.number == _NO_EPOCH:
            return [("create", row(owner, "g")), ("create", following)]
        if sending.number == 0:
            return [("update", here, {"mode": UpdateMode.MERGE})]
        return [("create", following), ("delete", here, unchanged(epoch.etag))]

    async def _equal(self, owner: str, request_hash: str, now: float) -> Sequence[_Sent]:
        """The videos that an equal request made of late, the newest first."""
        rows = self._videos.query_entities(
            "PartitionKey eq @owner and RowKey gt @low and RowKey lt @high"
            " and RequestHash eq @request_hash",
            parameters={
                "owner": owner,
                "low": "d:",
                "high": falling_row(first_id(now - RESEND_SECONDS)),
                "request_hash": request_hash,
            },
        )
        return [_Sent.of(found) async for found in rows]

    async def _note(self, owner: str, sent: _Sent, sending: Sending) -> bool:
        """Note that the sending was answered with the video; False when others were faster."""
        sends = ",".join(map(str, sorted({*sent.sends, sending.number})))
        try:
            await self._videos.update_entity(
                row(owner, falling_row(sent.video_id), Sends=sends),
                mode=UpdateMode.MERGE,
                **unchanged(sent.etag),
            )
        except (ResourceModifiedError, ResourceNotFoundError):
            return False
        return True

    async def _refuse_deleted(self, owner: str, request_hash: str, now: float) -> None:
        rows = self._videos.query_entities(
            "PartitionKey eq @owner and RowKey ge @low and RowKey lt @high"
            " and RequestHash eq @request_hash",
            parameters={
                "owner": owner,
                "low": f"t:{first_id(now - RESEND_SECONDS)}",
                "high": "t;",
                "request_hash": request_hash,
            },
            select=["RowKey"],
        )
        async for found in rows:
            raise Conflict(
                f"Your client sent this request again, and the video that it made, "
                f"'{str(found['RowKey'])[2:]}', has been deleted since. It is not made again by "
                "itself; send a new request for a new video.",
                code="video_deleted",
            )


@dataclass(frozen=True, slots=True)
class _Sent:
    """A video, and which sendings of its request were answered with it."""

    video_id: str
    sends: frozenset[int]
    epoch: int
    etag: str

    @classmethod
    def of(cls, found: Any) -> _Sent:
        return cls(
            str(found["VideoId"]),
            frozenset(int(number) for number in str(found["Sends"]).split(",")),
            int(found.get("Epoch", _NO_EPOCH)),
            etag_of(found),
        )

    def serves(self, sending: Sending) -> bool:
        return sending.number > 0 or self.epoch > sending.epoch
