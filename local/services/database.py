"""The state that outlives the process, in one SQLite file.

Used from the event loop's thread alone: every write is a short transaction in the write-ahead log,
and is on disk when the answer leaves, so that a killed process forgets nothing it has promised.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS jobs (
    seq INTEGER PRIMARY KEY, id TEXT UNIQUE NOT NULL, body TEXT NOT NULL, deleted_sim REAL
);
CREATE TABLE IF NOT EXISTS calls (
    job_id TEXT NOT NULL, event TEXT NOT NULL, PRIMARY KEY (job_id, event)
);
CREATE TABLE IF NOT EXISTS characters (id TEXT PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS events (
    seq INTEGER PRIMARY KEY, topic TEXT NOT NULL, received_at REAL NOT NULL, body TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS subscriptions (url TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS deliveries (
    event_seq INTEGER NOT NULL, url TEXT NOT NULL, state TEXT NOT NULL, due_sim REAL NOT NULL,
    first_sim REAL NOT NULL, attempts TEXT NOT NULL, PRIMARY KEY (event_seq, url)
);
CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (state, due_sim);
"""


class Database:
    """A thin layer over the connection; rows come back as ``sqlite3.Row``."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.executescript(_SCHEMA)

    def rows(self, sql: str, *values: object) -> list[sqlite3.Row]:
        """All rows of a query."""
        return self._connection.execute(sql, values).fetchall()

    def row(self, sql: str, *values: object) -> sqlite3.Row | None:
        """The first row of a query."""
        found: sqlite3.Row | None = self._connection.execute(sql, values).fetchone()
        return found

    def write(self, sql: str, *values: object) -> int:
        """Run one statement; returns the id of the row that it inserted, if it did."""
        return self._connection.execute(sql, values).lastrowid or 0

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All writes inside are kept, or none."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def read_meta(self, key: str) -> Any:
        """A JSON value stored by ``write_meta``, or None."""
        row = self.row("SELECT value FROM meta WHERE key = ?", key)
        return None if row is None else json.loads(row["value"])

    def write_meta(self, key: str, value: object) -> None:
        """Store a small JSON value under a name."""
        self.write(
            "INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            key,
            json.dumps(value),
        )

    def close(self) -> None:
        """Close the file."""
        self._connection.close()
