"""What triggers must remember: when timers are next due, which blobs were seen, what is queued."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["BlobMessage", "TriggerStore"]

_VERSION = 1
_TABLES = """
CREATE TABLE timers (
    function TEXT PRIMARY KEY,
    schedule TEXT NOT NULL,
    last_at REAL,
    next_at REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE blob_receipts (
    function TEXT NOT NULL,
    container TEXT NOT NULL,
    name TEXT NOT NULL,
    etag TEXT NOT NULL,
    PRIMARY KEY (function, container, name)
) WITHOUT ROWID;
CREATE TABLE blob_queue (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    function TEXT NOT NULL,
    container TEXT NOT NULL,
    name TEXT NOT NULL,
    etag TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    due_at REAL NOT NULL
);
CREATE INDEX blob_queue_by_time ON blob_queue (function, due_at, id);
"""


@dataclass(frozen=True)
class BlobMessage:
    """A blob that a function has still to be run for."""

    id: int
    function: str
    container: str
    name: str
    etag: str
    """Without quotes; empty when any version will do."""
    attempts: int
    """How many have begun."""


class TriggerStore:
    """The file ``triggers.db`` of the state directory."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if version == 0:
            self._db.executescript(
                f"BEGIN IMMEDIATE; {_TABLES} PRAGMA user_version={_VERSION}; COMMIT"
            )
        elif version != _VERSION:
            self._db.close()
            raise RuntimeError(f"{path} has the format {version}, this host writes {_VERSION}")

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    # -- timers ----------------------------------------------------------------------------

    def timer(self, function: str, schedule: str) -> tuple[float | None, float] | None:
        """When a timer last ran and is next due; None for a new one or another schedule."""
        row = self._db.execute(
            "SELECT last_at, next_at FROM timers WHERE function=? AND schedule=?",
            (function, schedule),
        ).fetchone()
        return None if row is None else (row[0], row[1])

    def save_timer(
        self, function: str, schedule: str, last_at: float | None, next_at: float
    ) -> None:
        """Remember when a timer ran and is next due, in seconds since the epoch."""
        self._db.execute(
            "INSERT OR REPLACE INTO timers VALUES (?,?,?,?)", (function, schedule, last_at, next_at)
        )

    # -- blobs -----------------------------------------------------------------------------

    def enqueue_new(
        self, function: str, container: str, blobs: list[tuple[str, str]], now: float
    ) -> int:
        """Queue those of the listed blobs (name, ETag) that have not been seen with this ETag.

        :returns: how many these are.
        """
        fresh = [
            (name, etag)
            for name, etag in blobs
            if not self._is_seen(function, container, name, etag)
        ]
        if not fresh:
            return 0
        self._db.execute("BEGIN IMMEDIATE")
        for name, etag in fresh:
            self._db.execute(
                "INSERT OR REPLACE INTO blob_receipts VALUES (?,?,?,?)",
                (function, container, name, etag),
            )
            self._insert(function, container, name, etag, now)
        self._db.execute("COMMIT")
        return len(fresh)

    def enqueue(self, function: str, container: str, name: str, etag: str, now: float) -> None:
        """Queue a blob that an event names, seen before or not."""
        self._insert(function, container, name, etag, now)

    def _is_seen(self, function: str, container: str, name: str, etag: str) -> bool:
        row = self._db.execute(
            "SELECT etag FROM blob_receipts WHERE function=? AND container=? AND name=?",
            (function, container, name),
        ).fetchone()
        return row is not None and row[0] == etag

    def _insert(self, function: str, container: str, name: str, etag: str, now: float) -> None:
        self._db.execute(
            "INSERT INTO blob_queue (function, container, name, etag, due_at) VALUES (?,?,?,?,?)",
            (function, container, name, etag, now),
        )

    def due_blobs(self, function: str, now: float, limit: int) -> list[BlobMessage]:
        """A function's messages whose time has come, oldest first."""
        rows = self._db.execute(
            "SELECT id, function, container, name, etag, attempts FROM blob_queue "
            "WHERE function = ? AND due_at <= ? ORDER BY due_at, id LIMIT ?",
            (function, now, limit),
        )
        return [BlobMessage(*row) for row in rows]

    def next_stranger(self, known: Sequence[str], now: float) -> BlobMessage | None:
        """The oldest message, whose time has come, for a function that is not among `known`."""
        row = self._db.execute(
            "SELECT id, function, container, name, etag, attempts FROM blob_queue "
            "WHERE function NOT IN (SELECT value FROM json_each(?)) AND due_at <= ? "
            "ORDER BY due_at, id LIMIT 1",
            (json.dumps(list(known)), now),
        ).fetchone()
        return None if row is None else BlobMessage(*row)

    def begin_attempt(self, message: BlobMessage) -> int:
        """Count an attempt before it is made, so that one that kills the host counts as well."""
        self._db.execute("UPDATE blob_queue SET attempts=attempts+1 WHERE id=?", (message.id,))
        return message.attempts + 1

    def postpone(self, message: BlobMessage, due_at: float) -> None:
        """Try again later."""
        self._db.execute("UPDATE blob_queue SET due_at=? WHERE id=?", (due_at, message.id))

    def delete_blob(self, message: BlobMessage) -> None:
        """The message is done with."""
        self._db.execute("DELETE FROM blob_queue WHERE id=?", (message.id,))
