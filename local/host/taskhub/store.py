"""Statements on the task hub's tables. Every change happens inside :meth:`Store.transaction`.

All methods are quick and synchronous; they run on the host's event loop, one at a time.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from .history import Event, EventType

__all__ = ["FINAL", "ActivityRow", "Instance", "Message", "Operation", "Store"]

FINAL = frozenset({"Completed", "Failed", "Terminated", "Canceled"})
"""Runtime statuses that an instance does not leave by itself."""


@dataclass(frozen=True, slots=True)
class Instance:
    """A row of ``instances``; times are seconds since the epoch, payloads JSON text."""

    instance_id: str
    execution_id: str
    name: str
    version: str
    input: str | None
    output: str | None
    custom_status: str | None
    status: str
    starting: bool
    """The generation has not had its first turn."""
    created_at: float
    updated_at: float
    parent_instance_id: str | None
    parent_execution_id: str | None
    parent_task_id: int | None
    traceparent: str

    @property
    def is_final(self) -> bool:
        """Whether the instance has ended."""
        return self.status in FINAL


@dataclass(frozen=True, slots=True)
class Message:
    """Something that waits for an instance's next turn."""

    id: int
    execution_id: str | None
    """The generation that it is meant for; None for any."""
    event: Event


@dataclass(frozen=True, slots=True)
class ActivityRow:
    """An activity that has not completed."""

    id: int
    instance_id: str
    execution_id: str
    task_id: int
    name: str
    input: str | None
    traceparent: str


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation that waits for an entity."""

    id: int
    operation: str
    input: str | None
    request_id: str | None
    parent_instance_id: str | None
    parent_execution_id: str | None


class Store:
    """The task hub's data."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._db = database

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; there is no ``await`` inside."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    # -- instances -------------------------------------------------------------------------

    def instance(self, instance_id: str) -> Instance | None:
        """Read one instance."""
        row = self._db.execute(
            "SELECT * FROM instances WHERE instance_id = ?", (instance_id,)
        ).fetchone()
        return None if row is None else _instance(row)

    def insert_instance(self, item: Instance) -> None:
        """Add an instance, in place of an earlier one with the same id and all that is left."""
        self.delete_instance(item.instance_id)
        self._db.execute(
            "INSERT INTO instances VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
            (
                item.instance_id,
                item.execution_id,
                item.name,
                item.version,
                item.input,
                item.output,
                item.custom_status,
                item.status,
                int(item.starting),
                item.created_at,
                item.updated_at,
                item.parent_instance_id,
                item.parent_execution_id,
                item.parent_task_id,
                item.traceparent,
            ),
        )

    def update_instance(
        self,
        instance_id: str,
        *,
        status: str,
        now: float,
        output: str | None,
        custom_status: str | None,
    ) -> None:
        """Record the outcome of a turn."""
        self._db.execute(
            "UPDATE instances SET status=?, updated_at=?, output=?, custom_status=?, starting=0 "
            "WHERE instance_id=?",
            (status, now, output, custom_status, instance_id),
        )

    def renew_instance(
        self,
        instance_id: str,
        *,
        execution_id: str,
        argument: str | None,
        custom_status: str | None,
        now: float,
    ) -> None:
        """Continue as new: a new generation with an empty history."""
        self._db.execute(
            "UPDATE instances SET execution_id=?, input=?, custom_status=?, status='Running', "
            "starting=1, updated_at=? WHERE instance_id=?",
            (execution_id, argument, custom_status, now, instance_id),
        )
        self._db.execute("DELETE FROM history WHERE instance_id=?", (instance_id,))
        self.delete_timers(instance_id)

    def delete_instance(self, instance_id: str) -> None:
        """Remove an instance with its history, messages, timers and activities."""
        for table in "history", "inbox", "activities", "timers", "instances":
            self._db.execute(f"DELETE FROM {table} WHERE instance_id=?", (instance_id,))  # noqa: S608 - names from the line above

    def children(self, instance_id: str) -> list[str]:
        """Ids of the sub-orchestrations in an instance's history."""
        rows = self._db.execute(
            "SELECT json_extract(body, '$.InstanceId') FROM history WHERE instance_id=? AND type=?",
            (instance_id, EventType.SUB_ORCHESTRATION_CREATED),
        )
        return [row[0] for row in rows]

    def query(
        self,
        *,
        created_from: float | None,
        created_to: float | None,
        statuses: Sequence[str],
        prefix: str,
        after: str,
        limit: int,
    ) -> list[Instance]:
        """Instances in the order of their ids, those after `after` only."""
        conditions = ["instance_id > ?"]
        values: list[Any] = [after]
        if created_from is not None:
            conditions.append("created_at >= ?")
            values.append(created_from)
        if created_to is not None:
            conditions.append("created_at <= ?")
            values.append(created_to)
        if statuses:
            conditions.append(f"status IN ({','.join('?' * len(statuses))})")
            values.extend(statuses)
        if prefix:
            conditions.append("substr(instance_id, 1, ?) = ?")
            values.extend((len(prefix), prefix))
        rows = self._db.execute(
            f"SELECT * FROM instances WHERE {' AND '.join(conditions)} "  # noqa: S608 - fixed parts, values are bound
            "ORDER BY instance_id LIMIT ?",
            (*values, limit),
        )
        return [_instance(row) for row in rows]

    def instances_with_work(self) -> list[str]:
        """Instances that a start of the host has to look at."""
        rows = self._db.execute(
            "SELECT instance_id FROM instances WHERE starting = 1 "
            "UNION SELECT DISTINCT instance_id FROM inbox"
        )
        return [row[0] for row in rows]

    # -- history ---------------------------------------------------------------------------

    def history(self, instance_id: str) -> list[Event]:
        """The events of the current generation, oldest first."""
        rows = self._db.execute(
            "SELECT type, event_id, ref, name, body FROM history WHERE instance_id=? ORDER BY seq",
            (instance_id,),
        )
        return [_event(row) for row in rows]

    def append_history(self, instance_id: str, position: int, events: Iterable[Event]) -> None:
        """Add events behind the `position` that are there."""
        self._db.executemany(
            "INSERT INTO history VALUES (?,?,?,?,?,?,?)",
            (
                (instance_id, seq, int(e.type), e.event_id, e.ref, e.name, e.body)
                for seq, e in enumerate(events, position)
            ),
        )

    # -- inbox -----------------------------------------------------------------------------

    def messages(self, instance_id: str, limit: int) -> list[Message]:
        """The oldest messages for an instance."""
        rows = self._db.execute(
            "SELECT id, execution_id, type, event_id, ref, name, body FROM "
            "(SELECT *, -1 AS event_id FROM inbox WHERE instance_id=? ORDER BY id LIMIT ?)",
            (instance_id, limit),
        )
        return [Message(row["id"], row["execution_id"], _event(row)) for row in rows]

    def post(self, instance_id: str, execution_id: str | None, event: Event) -> bool:
        """Leave a message for an instance.

        :returns: whether it was kept: not when the instance has ended or is another generation.
        """
        row = self._db.execute(
            "SELECT execution_id, status FROM instances WHERE instance_id=?", (instance_id,)
        ).fetchone()
        if row is None or row["status"] in FINAL:
            return False
        if execution_id is not None and row["execution_id"] != execution_id:
            return False
        self._db.execute(
            "INSERT INTO inbox (instance_id, execution_id, type, ref, name, body) "
            "VALUES (?,?,?,?,?,?)",
            (instance_id, execution_id, int(event.type), event.ref, event.name, event.body),
        )
        return True

    def delete_messages(self, ids: Iterable[int]) -> None:
        """Remove messages that a turn has taken up."""
        self._db.executemany("DELETE FROM inbox WHERE id=?", ((i,) for i in ids))

    def delete_all_messages(self, instance_id: str) -> None:
        """Remove every message for an instance, as when it has ended."""
        self._db.execute("DELETE FROM inbox WHERE instance_id=?", (instance_id,))

    # -- activities ------------------------------------------------------------------------

    def insert_activity(
        self, instance: Instance, task_id: int, name: str, argument: str | None
    ) -> None:
        """Schedule an activity."""
        self._db.execute(
            "INSERT INTO activities (instance_id, execution_id, task_id, name, input, traceparent) "
            "VALUES (?,?,?,?,?,?)",
            (
                instance.instance_id,
                instance.execution_id,
                task_id,
                name,
                argument,
                instance.traceparent,
            ),
        )

    def next_activity(self, after: int) -> ActivityRow | None:
        """The oldest activity whose id is above `after`."""
        row = self._db.execute(
            "SELECT * FROM activities WHERE id > ? ORDER BY id LIMIT 1", (after,)
        ).fetchone()
        return None if row is None else ActivityRow(*row)

    def delete_activity(self, identity: int) -> bool:
        """Remove an activity; False when it is already gone."""
        return self._db.execute("DELETE FROM activities WHERE id=?", (identity,)).rowcount == 1

    # -- timers ----------------------------------------------------------------------------

    def insert_timer(self, instance: Instance, timer_id: int, fire_at: float) -> None:
        """Schedule a timer."""
        self._db.execute(
            "INSERT INTO timers (instance_id, execution_id, timer_id, fire_at) VALUES (?,?,?,?)",
            (instance.instance_id, instance.execution_id, timer_id, fire_at),
        )

    def delete_timers(self, instance_id: str) -> None:
        """Remove an instance's timers, as when its generation has ended."""
        self._db.execute("DELETE FROM timers WHERE instance_id=?", (instance_id,))

    def next_timer(self) -> float | None:
        """When the next timer is due."""
        due: float | None = self._db.execute("SELECT min(fire_at) FROM timers").fetchone()[0]
        return due

    def take_due_timers(self, now: float, limit: int) -> list[tuple[str, str, int, float]]:
        """Remove the timers that are due: (instance id, execution id, timer id, due time)."""
        rows = self._db.execute(
            "SELECT id, instance_id, execution_id, timer_id, fire_at FROM timers "
            "WHERE fire_at <= ? ORDER BY fire_at, id LIMIT ?",
            (now, limit),
        ).fetchall()
        self._db.executemany("DELETE FROM timers WHERE id=?", ((row["id"],) for row in rows))
        return [tuple(row)[1:] for row in rows]

    # -- entities --------------------------------------------------------------------------

    def entity_state(self, entity_id: str) -> str | None:
        """The JSON text of an entity's state; None when it does not exist."""
        row = self._db.execute(
            "SELECT state FROM entities WHERE entity_id=?", (entity_id,)
        ).fetchone()
        return None if row is None else row["state"]

    def save_entity(self, entity_id: str, state: str | None, now: float) -> None:
        """Set or, with None, delete an entity."""
        if state is None:
            self._db.execute("DELETE FROM entities WHERE entity_id=?", (entity_id,))
        else:
            self._db.execute(
                "INSERT OR REPLACE INTO entities VALUES (?,?,?)", (entity_id, state, now)
            )

    def entities(self, prefix: str, after: str, limit: int) -> list[tuple[str, str, float]]:
        """Existing entities in the order of their ids: (id, state, time of the last operation)."""
        rows = self._db.execute(
            "SELECT entity_id, state, updated_at FROM entities "
            "WHERE entity_id > ? AND substr(entity_id, 1, ?) = ? ORDER BY entity_id LIMIT ?",
            (after, len(prefix), prefix, limit),
        )
        return [tuple(row) for row in rows]

    def insert_operation(
        self,
        entity_id: str,
        operation: str,
        argument: str | None,
        request_id: str | None = None,
        caller: Instance | None = None,
    ) -> None:
        """Send an operation to an entity; with a `request_id` the caller waits for the answer."""
        self._db.execute(
            "INSERT INTO entity_inbox (entity_id, operation, input, request_id, "
            "parent_instance_id, parent_execution_id) VALUES (?,?,?,?,?,?)",
            (
                entity_id,
                operation,
                argument,
                request_id,
                caller.instance_id if caller else None,
                caller.execution_id if caller else None,
            ),
        )

    def operations(self, entity_id: str, limit: int) -> list[Operation]:
        """The oldest operations that wait for an entity."""
        rows = self._db.execute(
            "SELECT id, operation, input, request_id, parent_instance_id, parent_execution_id "
            "FROM entity_inbox WHERE entity_id=? ORDER BY id LIMIT ?",
            (entity_id, limit),
        )
        return [Operation(*row) for row in rows]

    def delete_operations(self, ids: Iterable[int]) -> None:
        """Remove operations that a batch has carried out."""
        self._db.executemany("DELETE FROM entity_inbox WHERE id=?", ((i,) for i in ids))

    def entities_with_work(self) -> list[str]:
        """Entities that a start of the host has to look at."""
        rows = self._db.execute("SELECT DISTINCT entity_id FROM entity_inbox")
        return [row[0] for row in rows]


def _instance(row: sqlite3.Row) -> Instance:
    values = dict(row)
    values["starting"] = bool(values["starting"])
    return Instance(**values)


def _event(row: sqlite3.Row) -> Event:
    return Event(EventType(row["type"]), row["event_id"], row["ref"], row["name"], row["body"])
