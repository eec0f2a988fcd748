"""A recorded night: the rows that a quiet app leaves, to which a test adds what went wrong.

Every row is made of an envelope that Application Insights was sent, and every line is one that the
code writes, with fields that it has there. The queries run over it in DuckDB, as they are.
"""

from __future__ import annotations

import functools
import itertools
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import duckdb_kql

from tests.infra.project import ROOT, read_code
from tests.queries.seen import ENVELOPES, Envelope, like, row_of
from tests.queries.tables import TABLES

__all__ = ["NOW", "Night", "query"]

NOW = datetime(2026, 11, 29, 3, 0, tzinfo=UTC)
_TYPES = {
    "string": "VARCHAR",
    "datetime": "TIMESTAMP",
    "dynamic": "JSON",
    "real": "DOUBLE",
    "int": "INTEGER",
    "bool": "BOOLEAN",
}
_ALWAYS = timedelta(days=30)
_DUE = 5  # minutes between sweeps


@functools.cache
def query(name: str) -> str:
    """The text of ``infra/queries/NAME.kql``."""
    return (ROOT / "infra" / "queries" / f"{name}.kql").read_text(encoding="utf-8")


@functools.cache
def _log_fields() -> Mapping[str, frozenset[str]]:
    return read_code().log_fields


class Night:
    """What was told until ``NOW``; times are minutes before it."""

    def __init__(self, *, swept: float = 1) -> None:
        """``swept``: when the last sweep came to its end."""
        self._rows: dict[str, list[dict[str, Any]]] = {name: [] for name in TABLES}
        self._ids = itertools.count(1)
        for envelope in ENVELOPES:  # what was seen is of days before
            self._add(envelope, 60 * 60)
        self._sweeps(swept)
        self.video("quiet", ago=40)

    # -- what is told

    def line(self, ago: float, event: str, *, parent: str | None = None, **fields: Any) -> None:
        """A line of the app's."""
        known = _log_fields()[event]
        assert set(fields) <= known, f"{event} has no {sorted(set(fields) - known)}"
        envelope = next(e for e in ENVELOPES if '"job_checked"' in e["baseData"].get("message", ""))
        data = {**envelope["baseData"], "message": json.dumps({"event": event, **fields})}
        tags = {**envelope["tags"], "ai.operation.id": fields.get("video_id", "another")}
        self._add({**envelope, "baseData": data, "tags": tags}, ago, operation_ParentId=parent)

    def request(self, ago: float, name: str, code: str, *, success: bool) -> str:
        """An execution, as the host tells of it; its id."""
        envelope = like("RequestData", success=success)
        envelope["baseData"] |= {"name": name, "responseCode": code, "id": f"r{next(self._ids)}"}
        self._add(envelope, ago)
        return str(envelope["baseData"]["id"])

    def text(self, ago: float, category: str, message: str) -> None:
        """A line of the host's."""
        envelope = like("MessageData", severityLevel="Warning")
        envelope["baseData"] |= {"message": message, "properties": {"Category": category}}
        self._add(envelope, ago)

    def span(self, ago: float, name: str, milliseconds: int, operation: str, **base: Any) -> None:
        """A span of the app's, of a kind that was seen; ``properties`` are added to what it has."""
        envelope = like("RemoteDependencyData", name=name)
        properties = envelope["baseData"]["properties"] | base.pop("properties", {})
        duration = f"0.00:00:{milliseconds / 1000:06.3f}"
        envelope["baseData"] |= {"duration": duration, "properties": properties, **base}
        envelope["tags"]["ai.operation.id"] = operation
        self._add(envelope, ago)

    def metric(self, ago: float, name: str, values: tuple[float, ...], **dimensions: str) -> None:
        """A metric of the app's, as it is sent each minute."""
        envelope = like("MetricData")
        point = {"name": name, "value": sum(values), "count": len(values)}
        point |= {"min": min(values), "max": max(values)}
        about = {f"dailies.{key}": value for key, value in dimensions.items()}
        envelope["baseData"] = {"metrics": [point], "properties": about}
        self._add(envelope, ago)

    # -- what happens

    def video(self, name: str, *, ago: float = 10, ended: bool = True, **end: Any) -> None:
        """A video's whole life, or up to its render."""
        about = {"video_id": name}
        job = {"deployment": "azure-sora-2", "job_id": f"job_{name}"}
        self.line(ago, "video_accepted", **about, owner="alice", model="sora-2")
        self.published(ago, name, "accepted")
        self.line(ago - 0.1, "submit_answered", **about, **job, outcome="accepted", attempt=1)
        self.line(ago - 0.5, "job_checked", **about, **job, outcome="accepted", status="running")
        if ended:
            self.line(ago - 1, "file_stored", **about, variant="video", bytes=4_000_000)
            self.end(ago - 1.1, name, **end)
            self.published(ago - 1.2, name, "completed")

    def end(self, ago: float, name: str, **fields: Any) -> None:
        """The line that ends a video."""
        usual = {"model": "sora-2", "phase": "done", "seconds_taken": 66.0, "cost_usd": 0.8}
        usual["cost_is_estimate"] = False
        self.line(ago, "video_ended", video_id=name, owner="alice", **{**usual, **fields})

    def published(self, ago: float, name: str, kind: str) -> None:
        """An event that the topic took."""
        self.line(ago, "event_published", video_id=name, type=kind)

    def _sweeps(self, last: float) -> None:
        """Of an hour."""
        for number in range(12):
            ago = last + number * _DUE
            for name in ("sweep", "sweep_references"):
                self.request(ago, name, "0", success=True)
            self.line(ago, "sweep_done", late=False, open=1, oldest_seconds=60, actions={})
            self.line(ago, "drop_sweep_done", late=False, open=0, stalled=0, oldest_seconds=0)

    # -- what is asked

    def ask(self, text: str, within: timedelta = _ALWAYS) -> list[dict[str, Any]]:
        """The rows that a query answers, of what was told within some time."""
        since = (NOW - within).replace(tzinfo=None)
        connection = self._database
        for name in TABLES:
            connection.execute(
                f"CREATE OR REPLACE VIEW {name} AS SELECT * FROM all_{name} "
                f"WHERE timestamp > TIMESTAMP '{since}'"
            )
        answer = duckdb_kql.query(connection, text, query_now=NOW)
        return [dict(zip(answer.columns, row, strict=True)) for row in answer.fetchall()]

    @functools.cached_property
    def _database(self) -> duckdb.DuckDBPyConnection:
        connection = duckdb_kql.connect()
        for name, columns in TABLES.items():
            declared = ", ".join(f'"{column}" {_TYPES[kind]}' for column, kind in columns.items())
            connection.execute(f"CREATE TABLE all_{name} ({declared})")
            if rows := self._rows[name]:
                kinds = {column: _TYPES[kind] for column, kind in columns.items()}
                connection.execute(
                    f"INSERT INTO all_{name} SELECT unnest(from_json(?, ?), recursive := true)",
                    [json.dumps(rows), json.dumps([kinds])],
                )
        return connection

    def _add(self, envelope: Envelope, ago: float, **columns: Any) -> None:
        table, row = row_of(envelope)
        at = (NOW - timedelta(minutes=ago)).replace(tzinfo=None)
        given = {**row, **{k: v for k, v in columns.items() if v is not None}}
        known = dict.fromkeys(TABLES[table])
        self._rows[table].append({**known, **given, "timestamp": at.isoformat(sep=" ")})
