"""The tables of the task hub, one SQLite file in WAL mode.

``synchronous=NORMAL`` keeps every committed transaction when a process is killed; only a crash of
the operating system can lose the last ones.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

__all__ = ["open_database"]

_VERSION = 1

_TABLES = """
CREATE TABLE instances (
    instance_id TEXT PRIMARY KEY,
    execution_id TEXT NOT NULL,
    name TEXT NOT NULL,
    version TEXT NOT NULL,
    input TEXT,
    output TEXT,
    custom_status TEXT,
    status TEXT NOT NULL,
    starting INTEGER NOT NULL,
    created_at REAL NOT NULL,
    updated_at REAL NOT NULL,
    parent_instance_id TEXT,
    parent_execution_id TEXT,
    parent_task_id INTEGER,
    traceparent TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX instances_starting ON instances (instance_id) WHERE starting = 1;
CREATE INDEX instances_by_creation ON instances (created_at);

CREATE TABLE history (
    instance_id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    type INTEGER NOT NULL,
    event_id INTEGER NOT NULL,
    ref INTEGER,
    name TEXT,
    body TEXT NOT NULL,
    PRIMARY KEY (instance_id, seq)
) WITHOUT ROWID;

CREATE TABLE inbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    instance_id TEXT NOT NULL,
    execution_id TEXT,
    type INTEGER NOT NULL,
    ref INTEGER,
    name TEXT,
    body TEXT NOT NULL
);
CREATE INDEX inbox_by_instance ON inbox (instance_id, id);

CREATE TABLE activities (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    instance_id TEXT NOT NULL,
    execution_id TEXT NOT NULL,
    task_id INTEGER NOT NULL,
    name TEXT NOT NULL,
    input TEXT,
    traceparent TEXT NOT NULL
);
CREATE INDEX activities_by_instance ON activities (instance_id);

CREATE TABLE timers (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    instance_id TEXT NOT NULL,
    execution_id TEXT NOT NULL,
    timer_id INTEGER NOT NULL,
    fire_at REAL NOT NULL
);
CREATE INDEX timers_by_time ON timers (fire_at);
CREATE INDEX timers_by_instance ON timers (instance_id);

CREATE TABLE entities (
    entity_id TEXT PRIMARY KEY,
    state TEXT,
    updated_at REAL NOT NULL
) WITHOUT ROWID;

CREATE TABLE entity_inbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    entity_id TEXT NOT NULL,
    operation TEXT NOT NULL,
    input TEXT,
    request_id TEXT,
    parent_instance_id TEXT,
    parent_execution_id TEXT
);
CREATE INDEX entity_inbox_by_entity ON entity_inbox (entity_id, id);
"""


def open_database(path: Path) -> sqlite3.Connection:
    """Open the hub's file, creating its tables on first use.

    The connection is in autocommit mode: transactions are begun and ended explicitly.

    :raises RuntimeError: the file was written by another version of the host.
    """
    database = sqlite3.connect(path, isolation_level=None, cached_statements=256)
    database.row_factory = sqlite3.Row
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "cache_size=-16000"):
        database.execute(f"PRAGMA {pragma}")
    (version,) = database.execute("PRAGMA user_version").fetchone()
    if version == 0:
        database.executescript(f"BEGIN IMMEDIATE; {_TABLES} PRAGMA user_version={_VERSION}; COMMIT")
    elif version != _VERSION:
        database.close()
        raise RuntimeError(
            f"{path} has the task hub format {version}, this host writes {_VERSION}: "
            "use another --state-dir, or delete the file to start afresh"
        )
    return database
