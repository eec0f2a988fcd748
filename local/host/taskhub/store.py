"""Statements on the task hub's tables. Every change happens inside :meth:`Store.transaction`.

All methods are quick and synchronous; they run on the host's event loop, one at a time.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

from .history import Event, EventType
from .rows import FINAL, Instance, Message
from .work_tables import WorkTables

__all__ = ["Store"]


_EVERYTHING = """
SELECT * FROM (
    SELECT * FROM instances
    UNION ALL
    SELECT entity_id, '', substr(entity_id, 1, 1 + instr(substr(entity_id, 2), '@') - 1), '',
        json_object('exists', json('true'), 'state', state), NULL,
        json_object('entityExists', json('true')), 'Running', 0, updated_at, updated_at,
        NULL, NULL, NULL, ''
    FROM entities
)"""
"""Entities are instances that run for ever, as in Azure: ``@name``, with the state in the input."""


class Store(WorkTables):
    """The task hub's data: instances with their history and messages, and what they wait for."""

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
        """Instances and entities in the order of their ids, those after `after` only."""
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
            f"{_EVERYTHING} WHERE {' AND '.join(conditions)} ORDER BY instance_id LIMIT ?",
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


def _instance(row: sqlite3.Row) -> Instance:
    values = dict(row)
    values["starting"] = bool(values["starting"])
    return Instance(**values)


def _event(row: sqlite3.Row) -> Event:
    return Event(EventType(row["type"]), row["event_id"], row["ref"], row["name"], row["body"])
