"""Deliveries to webhooks, and which of them is due when.

In the partition of an owner:

=============  ======================================  =========================
row key        holds                                   read as
=============  ======================================  =========================
``d:ID``       the delivery                            a point; its insert is the lock
``t:~AT:ID``   its id, in falling order of time        a range, for lists
``v:VIDEO:ID`` its id, by the video that it tells of   a range
=============  ======================================  =========================

These three are written at once. What is due stands elsewhere, so that a receiver that does not
answer is in nobody's way: each receiver (sink) has a partition of its own, ``q:SINK``, with a row
``AT:ID`` in rising order of time, and a row in ``:sinks``, which says that there is something for
it, and how it fares.

A row of a queue is written before the delivery says that it is due then, and removed after: so for
each delivery that is pending there is one at its time, or an earlier one, whatever dies in between.
One that there is no use for any more is found when it is due, and removed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from azure.core.exceptions import ResourceModifiedError, ResourceNotFoundError
from azure.data.tables import TableTransactionError, UpdateMode
from azure.data.tables.aio import TableClient, TableServiceClient

from dailies.owners.deliveries import Delivery
from dailies.stores.rows import Operation, row
from dailies.stores.tables import (
    WEBHOOKS,
    document_of,
    etag_of,
    find_row,
    properties_of,
    unchanged,
)
from dailies.stores.transactions import write_together

__all__ = ["DeliveryPage", "DeliveryStore", "Due", "Found", "Queue", "Sink"]

_SINKS = ":sinks"
"""No owner has such a name."""
_LAST_MS = 10**13 - 1
_MS_DIGITS = 13


@dataclass(frozen=True, slots=True)
class Sink:
    """A receiver that something is to be delivered to.

    Attributes:
        origin: scheme, host and port.
        faults: how often it was not there, in a row; ``rests_until`` is when it is tried again.
    """

    id: str
    owner: str
    origin: str
    faults: int
    rests_until: float
    etag: str


@dataclass(frozen=True, slots=True)
class Due:
    """A row of a sink's queue."""

    sink: str
    key: str
    owner: str

    @property
    def at(self) -> float:
        """When it is due."""
        return int(self.key.partition(":")[0]) / 1000

    @property
    def delivery_id(self) -> str:
        return self.key.partition(":")[2]

    def is_earlier(self, at: float) -> bool:
        """Whether it was written for an earlier time than this one, by what a row tells of it."""
        return self.key.partition(":")[0] < _rising(at)


@dataclass(frozen=True, slots=True)
class Queue:
    """What of a sink is due, the oldest first, and when the next one is that is not."""

    due: Sequence[Due]
    next_at: float | None


@dataclass(frozen=True, slots=True)
class Found:
    """A delivery, and what tells whether it is still the one that was read."""

    delivery: Delivery
    etag: str


@dataclass(frozen=True, slots=True)
class DeliveryPage:
    """Deliveries, and after which place the list goes on; None at its end."""

    deliveries: Sequence[Delivery]
    after: str | None


class DeliveryStore:
    """The deliveries of all owners."""

    def __init__(self, service: TableServiceClient) -> None:
        self._table: TableClient = service.get_table_client(WEBHOOKS)

    async def insert(self, delivery: Delivery, origin: str) -> bool:
        """Write a delivery that is due; False when it was written before: then it is left alone."""
        if await self.get(delivery.owner, delivery.id) is not None:
            return False
        await self._queue(delivery, origin)
        owner, delivery_id = delivery.owner, delivery.id
        operations: list[Operation] = [
            ("create", _entity(delivery)),
            ("create", row(owner, f"t:{_falling(delivery.created_at)}:{delivery_id}")),
        ]
        if delivery.video_id is not None:
            operations.append(("create", row(owner, f"v:{delivery.video_id}:{delivery_id}")))
        try:
            await write_together(self._table, operations)
        except TableTransactionError as error:
            if error.status_code != 409:
                raise
            # The SDK sends a transaction again when its answer was lost: then it is our own.
            found = await self.get(owner, delivery_id)
            return found is not None and found.delivery == delivery
        return True

    async def get(self, owner: str, delivery_id: str) -> Found | None:
        """A delivery of the owner's."""
        found = await find_row(self._table, owner, f"d:{delivery_id}")
        if found is None:
            return None
        return Found(Delivery.model_validate_json(document_of(found)), etag_of(found))

    async def change(self, found: Found, changed: Delivery, origin: str) -> bool:
        """Write a delivery in the place of what was read; False when another was faster."""
        if changed.next_at is not None:
            await self._queue(changed, origin)
        try:
            await self._table.update_entity(
                _entity(changed), mode=UpdateMode.REPLACE, **unchanged(found.etag)
            )
        except (ResourceModifiedError, ResourceNotFoundError):
            return False
        before = found.delivery.next_at
        if changed.next_at is not None and (before is None or changed.next_at < before):
            # Whoever looked before the delivery said so took the row for one of no use.
            await self._queue(changed, origin)
        return True

    async def forget_due(self, due: Due) -> None:
        """Remove a row of a queue."""
        await self._table.delete_entity(_queue_of(due.sink), due.key)

    # -- the receivers

    async def sinks(self) -> AsyncIterator[Sink]:
        """Every receiver that there is something for."""
        rows = self._table.query_entities(
            "PartitionKey eq @partition", parameters={"partition": _SINKS}
        )
        async for found in rows:
            if "Owner" not in found:
                continue  # the version before noted how one fares that was given up meanwhile
            yield Sink(
                id=str(found["RowKey"]),
                owner=str(found["Owner"]),
                origin=str(found["Origin"]),
                faults=int(found.get("Faults", 0)),
                rests_until=float(found.get("RestsUntil", 0.0)),
                etag=etag_of(found),
            )

    async def queue(self, sink: str, now: float, *, most: int) -> Queue:
        """What is due for a receiver, ``most`` of it."""
        rows = self._table.query_entities(
            "PartitionKey eq @partition",
            parameters={"partition": _queue_of(sink)},
            results_per_page=most + 1,
        )
        due: list[Due] = []
        async for found in rows:
            each = Due(sink, str(found["RowKey"]), str(found["Owner"]))
            if each.at > now:
                return Queue(due, each.at)
            if len(due) == most:
                return Queue(due, now)
            due.append(each)
        return Queue(due, None)

    async def rest(self, sink: Sink, *, faults: int, until: float) -> None:
        """Note how a receiver fares, if there is something for it still."""
        await self._note(sink.id, faults=faults, until=until)

    async def wake(self, sink: str) -> None:
        """Forget that a receiver was not there, as somebody says that it is."""
        await self._note(sink, faults=0, until=0.0)

    async def _note(self, sink: str, *, faults: int, until: float) -> None:
        # Never a row of its own: nobody could tell whose receiver that is.
        note = row(_SINKS, sink, Faults=faults, RestsUntil=float(until))
        try:
            await self._table.update_entity(note, mode=UpdateMode.MERGE)
        except ResourceNotFoundError:
            return  # it was given up by another execution, as nothing is left for it

    async def close(self, sink: Sink) -> None:
        """Note that there is nothing for a receiver, unless something has come meanwhile."""
        try:
            await self._table.delete_entity(_SINKS, sink.id, **unchanged(sink.etag))
        except (ResourceModifiedError, ResourceNotFoundError):
            return

    # -- lists

    async def list(self, owner: str, *, after: str = "", limit: int) -> DeliveryPage:
        """An owner's deliveries, the newest first; ``after`` is of the page before."""
        return await self._page(owner, "t:", after, limit)

    async def of_video(self, owner: str, video_id: str, *, limit: int) -> Sequence[Delivery]:
        """The deliveries that tell of one of the owner's videos, the oldest first."""
        page = await self._page(owner, f"v:{video_id}:", "", limit)
        return sorted(page.deliveries, key=lambda delivery: (delivery.created_at, delivery.id))

    async def begun_before(self, owner: str, before: float) -> AsyncIterator[tuple[str, str]]:
        """The owner's deliveries that were begun before then, the newest first: the id of each, and
        the key by which it is listed."""
        async for found in self._ids(owner, "t:", f"t:{_falling(before)}"):
            yield found

    async def forget(self, owner: str, delivery_id: str, listed: str) -> bool:
        """Forget a delivery, unless it has not ended; whether it is forgotten."""
        found = await self.get(owner, delivery_id)
        if found is not None and found.delivery.next_at is not None:
            return False
        keys = [listed]  # the last, as what is left is found by it
        if found is not None:
            keys.insert(0, f"d:{delivery_id}")
            if found.delivery.video_id is not None:
                keys.insert(0, f"v:{found.delivery.video_id}:{delivery_id}")
        for key in keys:
            await self._table.delete_entity(owner, key)
        return True

    async def _page(self, owner: str, prefix: str, after: str, limit: int) -> DeliveryPage:
        deliveries: list[Delivery] = []
        last: str | None = None
        async for delivery_id, key in self._ids(owner, prefix, f"{prefix}{after}", limit + 1):
            if len(deliveries) == limit:
                return DeliveryPage(deliveries, last)
            found = await self.get(owner, delivery_id)
            if found is not None:
                deliveries.append(found.delivery)
                last = key.removeprefix(prefix)
        return DeliveryPage(deliveries, None)

    async def _ids(
        self, owner: str, prefix: str, low: str, page: int = 1000
    ) -> AsyncIterator[tuple[str, str]]:
        """The ids of deliveries, and their rows' keys, in the order of these."""
        rows = self._table.query_entities(
            "PartitionKey eq @owner and RowKey gt @low and RowKey lt @high",
            parameters={"owner": owner, "low": low, "high": f"{prefix[:-1]};"},
            select=["RowKey"],
            results_per_page=page,
        )
        async for found in rows:
            key = str(found["RowKey"])
            yield key.rpartition(":")[2], key

    async def _queue(self, delivery: Delivery, origin: str) -> None:
        """Write when the delivery is due, and then that there is something for its receiver.

        That last, and anew each time: whoever has found the queue empty before, and is about to
        note that there is nothing, sees that, or has noted it already.
        """
        due = f"{_rising(delivery.next_at or 0.0)}:{delivery.id}"
        await self._table.upsert_entity(row(_queue_of(delivery.sink), due, Owner=delivery.owner))
        await self._table.upsert_entity(
            row(_SINKS, delivery.sink, Owner=delivery.owner, Origin=origin), mode=UpdateMode.MERGE
        )


def _queue_of(sink: str) -> str:
    return f"q:{sink}"


def _rising(at: float) -> str:
    return f"{int(at * 1000):0{_MS_DIGITS}d}"


def _falling(at: float) -> str:
    return f"{_LAST_MS - int(at * 1000):0{_MS_DIGITS}d}"


def _entity(delivery: Delivery) -> dict[str, str]:
    """The columns beside the document are for people who look into the table."""
    return row(
        delivery.owner,
        f"d:{delivery.id}",
        Type=delivery.type,
        State=delivery.state.value,
        Sink=delivery.sink,
        **properties_of(delivery.model_dump_json()),
    )
