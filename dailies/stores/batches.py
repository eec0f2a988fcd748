"""Batches in Table Storage, and what has become of their shots.

==============  ============  ====================================================
partition       row key       holds
==============  ============  ====================================================
the owner       ``b:~ID``     the batch; ``~`` inverts every digit: the newest first
the owner       ``k:SHA``     the batch made for that idempotency key; its insert is the lock
the owner       ``h:SHA``     the batch made last of that body, for requests that come again
a batch's id    ``NNNNNN``    what has become of a shot
``open``        a batch's id  that something is left to do for it; what the sweeper reads
``ended``       ``MS:ID``     that a batch ended at that time; what retention reads
==============  ============  ====================================================
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

from azure.core.exceptions import ResourceModifiedError
from azure.data.tables import TableEntity, TableTransactionError, UpdateMode
from azure.data.tables.aio import TableClient, TableServiceClient

from dailies.stores.rows import Operation, row, step_aside
from dailies.stores.tables import (
    BATCHES,
    document_of,
    etag_of,
    find_row,
    properties_of,
    unchanged,
)
from dailies.stores.transactions import write_together
from dailies.video.basics import VideoError
from dailies.video.batch import BATCH_PREFIX, Batch, Shot, ShotState, is_batch_id
from dailies.video.errors import Conflict

__all__ = ["BatchStore", "OpenBatch", "Sent"]

_OPEN = "open"
_ENDED = "ended"
_ATTEMPTS = 20
_IN_A_TRANSACTION = 100
_INVERTED = str.maketrans("0123456789abcdef", "fedcba9876543210")

Change = Callable[[Batch], Batch]


@dataclass(frozen=True, slots=True)
class OpenBatch:
    """A batch with something left to do."""

    id: str
    owner: str


@dataclass(frozen=True, slots=True)
class Sent:
    """What tells a request from others: its hashed Idempotency-Key, if it has one; else ``body``,
    its hash, and whether its client says that it ``is_again``, which began at ``began``."""

    body: str
    key: str | None
    is_again: bool
    began: float


class BatchStore:
    """The batches of all owners."""

    def __init__(self, service: TableServiceClient) -> None:
        self._table: TableClient = service.get_table_client(BATCHES)

    async def insert(self, batch: Batch, sent: Sent | None = None) -> Batch:
        """Write a new batch, which was announced; or give the one that the same request has made
        before.

        Raises:
            Conflict: the key was used before with another request (``idempotency_key_reused``), or
                for a batch that was deleted since (``batch_deleted``), or others are faster again
                and again (``busy``).
        """
        for attempt in range(_ATTEMPTS):
            earlier, marks = await self._made_before(batch, sent)
            if earlier is not None:
                return earlier
            try:
                await write_together(self._table, [("create", _entity(batch)), *marks])
            except TableTransactionError as error:
                if error.status_code not in (404, 409, 412):
                    raise
                # The SDK sends a transaction again when its answer was lost: then it is our own.
                if await self.get(batch.owner, batch.id) is not None:
                    return batch
                await step_aside(attempt)
            else:
                return batch
        raise _busy()

    async def _made_before(
        self, batch: Batch, sent: Sent | None
    ) -> tuple[Batch | None, Sequence[Operation]]:
        """What the same request has made, and else what to write so that it is found."""
        if sent is None:
            return None, ()
        key = f"h:{sent.body}" if sent.key is None else f"k:{sent.key}"
        mark = row(
            batch.owner, key, BatchId=batch.id, Body=sent.body, At=batch.created_at,
            Again=sent.is_again,
        )  # fmt: skip
        found = await find_row(self._table, batch.owner, key)
        if found is None:
            return None, [("create", mark)]
        if sent.key is not None and found["Body"] != sent.body:
            raise Conflict(
                "This Idempotency-Key was used before with another request. Use a new key for a "
                "new batch, or send the same request again.",
                code="idempotency_key_reused",
            )
        if sent.key is not None or _is_same(found, sent):
            earlier = await self.get(batch.owner, str(found["BatchId"]))
            if earlier is None:
                # It was written with its mark, so it was there.
                raise Conflict(
                    "This request has made a batch before, which was deleted since. To make it "
                    "again, send it anew with another Idempotency-Key.",
                    code="batch_deleted",
                )
            return earlier, ()
        return None, [("update", mark, {"mode": UpdateMode.REPLACE, **unchanged(etag_of(found))})]

    async def get(self, owner: str, batch_id: str) -> Batch | None:
        """One batch, or None: also when it belongs to another owner."""
        found = await self._read(owner, batch_id)
        return None if found is None else found[0]

    async def update(self, owner: str, batch_id: str, change: Change) -> Batch | None:
        """Apply ``change`` to the batch as it is now; again if someone else wrote in between.

        ``change`` must be pure: it may run more than once. Nothing is written when it returns an
        equal batch. None when there is no such batch.
        """
        for attempt in range(_ATTEMPTS):
            found = await self._read(owner, batch_id)
            if found is None:
                return None
            batch, etag = found
            changed = change(batch)
            if changed == batch:
                return batch
            try:
                condition = {"mode": UpdateMode.REPLACE, **unchanged(etag)}
                await self._table.update_entity(_entity(changed), **condition)
            except ResourceModifiedError:
                await step_aside(attempt)
            else:
                return changed
        raise _busy()

    async def list(self, owner: str, *, after: str | None, limit: int) -> Sequence[Batch]:
        """At most ``limit`` of an owner's batches, the newest first, that are older than
        ``after``."""
        low = "b:" if after is None else _key(after)
        query = self._table.query_entities(
            "PartitionKey eq @owner and RowKey gt @low and RowKey lt @high",
            parameters={"owner": owner, "low": low, "high": "b;"},
            results_per_page=limit,
        )
        found: list[Batch] = []
        async for entity in query:
            found.append(Batch.model_validate_json(document_of(entity)))
            if len(found) == limit:
                break
        return found

    async def put_shots(self, batch_id: str, shots: Sequence[Shot]) -> None:
        """Write what has become of shots; to be done again changes nothing."""
        for start in range(0, len(shots), _IN_A_TRANSACTION):
            part = shots[start : start + _IN_A_TRANSACTION]
            operations: list[Operation] = [
                ("upsert", _shot_entity(batch_id, shot), {"mode": UpdateMode.REPLACE})
                for shot in part
            ]
            await write_together(self._table, operations)

    async def shots(
        self, batch_id: str, *, after: int = 0, state: ShotState | None = None, per_page: int = 1000
    ) -> AsyncIterator[Shot]:
        """What has become of the shots after that number whose turn has come, in their order; of
        one ``state``, if it is given."""
        of_state = "" if state is None else " and State eq @state"
        query = self._table.query_entities(
            f"PartitionKey eq @batch and RowKey gt @after{of_state}",
            parameters={"batch": batch_id, "after": _shot_key(after), "state": state or ""},
            results_per_page=per_page,
        )
        async for entity in query:
            yield _shot_of(entity)

    async def to_try_again(
        self, batch_id: str, *, run: int, after: int, per_page: int
    ) -> AsyncIterator[Shot]:
        """The shots after that number that had failed before this run, in their order. Those that
        were begun in it are told too: whoever began them may not have come to count them."""
        query = self._table.query_entities(
            "PartitionKey eq @batch and RowKey gt @after and State ne @completed",
            parameters={
                "batch": batch_id,
                "after": _shot_key(after),
                "completed": ShotState.COMPLETED.value,
            },
            results_per_page=per_page,
        )
        async for entity in query:
            shot = _shot_of(entity)
            if shot.run == run or shot.state is ShotState.FAILED:
                yield shot

    async def announce(self, batch_id: str, owner: str) -> None:
        """Note that something is to be done for the batch, so that the sweeper looks."""
        await self._table.upsert_entity(row(_OPEN, batch_id, Owner=owner))

    async def close(self, batch_id: str) -> None:
        """Note that nothing is left to do for the batch."""
        await self._table.delete_entity(_OPEN, batch_id)

    async def open(self) -> AsyncIterator[OpenBatch]:
        """Every batch with something left to do, the oldest first."""
        query = self._table.query_entities(
            # The first is no owner's: an owner may well be called so.
            "PartitionKey eq @partition and RowKey ge @low and RowKey lt @high",
            parameters={"partition": _OPEN, "low": "batch_", "high": "batch`"},
        )
        async for entity in query:
            yield OpenBatch(str(entity["RowKey"]), str(entity["Owner"]))

    async def note_end(self, batch: Batch) -> None:
        """Note when the batch has ended, for retention."""
        key = _ended_key(batch.ended_at or 0.0, batch.id)
        await self._table.upsert_entity(row(_ENDED, key, Owner=batch.owner))

    async def ended(self, *, before: float) -> AsyncIterator[tuple[str, OpenBatch]]:
        """Each end before that time (Unix seconds), the oldest first, with what it is noted by."""
        query = self._table.query_entities(
            # The low bound is no owner's row: an owner may well be called so.
            "PartitionKey eq @partition and RowKey ge @low and RowKey lt @high",
            parameters={"partition": _ENDED, "low": "0", "high": _ended_key(before, "")},
        )
        async for entity in query:
            key = str(entity["RowKey"])
            yield key, OpenBatch(key.partition(":")[2], str(entity["Owner"]))

    async def forget_end(self, key: str) -> None:
        """Forget what an end was noted by."""
        await self._table.delete_entity(_ENDED, key)

    async def remove(self, batch: Batch) -> None:
        """Delete a batch and what is known of its shots; safe to do again, and the batch goes last:
        while it is there, something may be left."""
        while keys := [shot.number async for shot in _few(self.shots(batch.id, per_page=100))]:
            rows = [row(batch.id, _shot_key(number)) for number in keys]
            try:
                await write_together(self._table, [("delete", each) for each in rows])
            except TableTransactionError as error:
                if error.status_code != 404:  # others delete them too, or the answer was lost
                    raise
        await self.forget_end(_ended_key(batch.ended_at or 0.0, batch.id))
        await self._table.delete_entity(batch.owner, _key(batch.id))

    async def _read(self, owner: str, batch_id: str) -> tuple[Batch, str] | None:
        if not is_batch_id(batch_id):
            return None
        found = await find_row(self._table, owner, _key(batch_id))
        if found is None:
            return None
        return Batch.model_validate_json(document_of(found)), etag_of(found)


def _is_same(found: TableEntity, sent: Sent) -> bool:
    """Whether a body that came before came with the same request: its client says so, or that of
    the other does, which was here while this one was still arriving."""
    return sent.is_again or (bool(found["Again"]) and float(found["At"]) >= sent.began)


def _key(batch_id: str) -> str:
    return f"b:{batch_id.removeprefix(BATCH_PREFIX).translate(_INVERTED)}"


def _entity(batch: Batch) -> dict[str, object]:
    """The columns beside the document are for people who look into the table."""
    columns = {"BatchId": batch.id, "Status": batch.status.value}
    return row(batch.owner, _key(batch.id), **columns, **properties_of(batch.model_dump_json()))


def _ended_key(at: float, batch_id: str) -> str:
    return f"{int(at * 1000):013d}:{batch_id}"


async def _few(shots: AsyncIterator[Shot]) -> AsyncIterator[Shot]:
    """As many as one transaction takes."""
    number = 0
    async for shot in shots:
        yield shot
        number += 1
        if number == _IN_A_TRANSACTION:
            return


def _shot_key(number: int) -> str:
    return f"{number:06d}"


def _shot_entity(batch_id: str, shot: Shot) -> dict[str, object]:
    told = {
        "Line": shot.line,
        "CustomId": shot.custom_id,
        "Run": shot.run,
        "State": shot.state.value,
        "VideoId": shot.video_id,
        "Model": shot.model,
        "CostUsd": shot.cost_usd,
        "Code": None if shot.error is None else shot.error.code,
        "Message": None if shot.error is None else shot.error.message,
    }
    return row(
        batch_id,
        _shot_key(shot.number),
        **{name: value for name, value in told.items() if value is not None},
    )


def _shot_of(entity: TableEntity) -> Shot:
    code = entity.get("Code")
    return Shot(
        number=int(entity["RowKey"]),
        line=entity["Line"],
        custom_id=entity.get("CustomId"),
        run=entity["Run"],
        state=ShotState(entity["State"]),
        video_id=entity.get("VideoId"),
        model=entity.get("Model"),
        cost_usd=entity.get("CostUsd"),
        error=None if code is None else VideoError(code, entity.get("Message") or ""),
    )


def _busy() -> Conflict:
    return Conflict("Others change this batch at the moment; try again.", code="busy")
