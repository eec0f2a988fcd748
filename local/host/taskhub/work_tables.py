"""Statements on activities, timers and entities."""

from __future__ import annotations

from collections.abc import Iterable

from .rows import ActivityRow, Instance, Operation
from .tables import Tables

__all__ = ["WorkTables"]


class WorkTables(Tables):
    """Work that waits for a worker or for its time."""

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

    def activities(self) -> list[ActivityRow]:
        """All that have not completed, oldest first."""
        return [
            ActivityRow(*row) for row in self._db.execute("SELECT * FROM activities ORDER BY id")
        ]

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

    def hold_timers(self, until: float) -> None:
        """Let no timer that is set fire before this."""
        self._db.execute("UPDATE timers SET fire_at=max(fire_at, ?)", (until,))

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
