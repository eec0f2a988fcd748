"""How long a year of spend takes to tell.

    python -m bench.spend [--videos 10000] [--users 1000]

Writes a year of tallies of one owner onto Azurite, of so many videos a day spread over models,
keys, tags and end users, and a journal as it is just before it is summed up; then asks for each
grouping, as an operator does over HTTP.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import itertools
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx
from azure.data.tables.aio import TableServiceClient

from dailies.api.app import create_app
from dailies.api.context import Context
from dailies.owners.spend import Dimension, Entry, Tally
from dailies.pipeline.spend import sum_up
from dailies.services import Services
from dailies.stores.journal import LOW
from dailies.stores.records import RecordStore
from dailies.stores.rows import hash_key, row
from dailies.stores.tables import OPEN_VIDEOS, VIDEOS, properties_of
from dailies.stores.tallies import TallyRow
from tests.azurite import running_azurite

_OWNER = "studio"
_KEY = "bench"
_LAST = date(2026, 11, 30)
_DAYS = 365
_MOST_OPERATIONS = 100
# What ends between two runs of the timer, and as much again for one that came late.
_JOURNAL_SECONDS = 1200
_ROUNDS = 5


def main() -> int:
    """Run the bench that the command line asks for, and print what it found."""
    parser = argparse.ArgumentParser(prog="python -m bench.spend", description=__doc__)
    parser.add_argument("--videos", type=int, default=10_000, help="a day (default: %(default)s)")
    parser.add_argument("--users", type=int, default=1000, help="(default: %(default)s)")
    given = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        running_azurite(Path(folder)) as connection,
    ):
        asyncio.run(_run(connection, given.videos, given.users))
    return 0


async def _run(connection: str, videos: int, users: int) -> None:
    days = {"from": str(_LAST - timedelta(days=_DAYS - 1)), "to": str(_LAST)}
    asked = [
        {"group_by": group, **days, **more}
        for group in ("owner", "key", "user", "model", "provider", "tag", "day")
        for more in ({}, {"interval": "month"})
        if (group, more) != ("day", {"interval": "month"})
    ]
    async with TableServiceClient.from_connection_string(connection) as tables:
        rows = await _fill(tables, videos, users)
        print(f"{videos:,} videos a day for {_DAYS} days, {users:,} users: {rows:,} rows")
        async with _client(connection, RecordStore(tables)) as (client, services):
            await _ask(client, asked, "with what is in the journal")
            started = time.perf_counter()
            summed = await sum_up(services)
            took = time.perf_counter() - started
            print(f"\nsummed up {summed:,} rows of the journal in {took:.1f} s")
            await _ask(client, asked, "all of it summed up")


async def _ask(client: httpx.AsyncClient, asked: Sequence[dict[str, str]], state: str) -> None:
    print(f"\n| {state} | rows | s, median | s, longest |\n|---|---|---|---|")
    for query in asked:
        took = []
        for _ in range(_ROUNDS):
            started = time.perf_counter()
            answer = await client.get("/v1/admin/spend", params={**query, "limit": "100000"})
            took.append(time.perf_counter() - started)
            answer.raise_for_status()
        name = query["group_by"] + (", by month" if "interval" in query else "")
        rows = len(answer.json()["data"])
        print(f"| {name} | {rows:,} | {sorted(took)[_ROUNDS // 2]:.2f} | {max(took):.2f} |")


async def _fill(tables: TableServiceClient, videos: int, users: int) -> int:
    """Write it; the number of rows."""
    await tables.get_table_client(OPEN_VIDEOS).upsert_entity(
        {"PartitionKey": "owners", "RowKey": _OWNER}
    )
    videos_table = tables.get_table_client(VIDEOS)
    number = 0
    for rows in _batched(_rows(videos, users)):
        await videos_table.submit_transaction([("upsert", each) for each in rows])
        number += len(rows)
    return number


def _rows(videos: int, users: int) -> Iterator[dict[str, Any]]:
    sizes = {
        Dimension.DAY: 1,
        Dimension.MODEL: 20,
        Dimension.PROVIDER: 10,
        Dimension.KEY: 100,
        Dimension.TAG: 50,
        Dimension.USER: users,
    }
    days = [str(_LAST - timedelta(days=before)) for before in range(_DAYS)]
    for dimension, count in sizes.items():
        share = max(1, videos // count)
        tally = Tally(share, share, 4 * share, 400_000 * share, 0)
        for index in range(count):
            name = None if dimension is Dimension.DAY else f"{dimension}-{index}"
            hashed = "-" if name is None else hash_key(name)
            rows: dict[str, TallyRow] = {}
            for day in days:
                for key, label in (("s", day[:7]), ("y", day[:4])):
                    sums = rows.setdefault(f"{key}:{dimension}:{label}:{hashed}", TallyRow(name))
                    sums.add(day if key == "s" else day[:7], tally)
            for key, sums in rows.items():
                yield row(_OWNER, key, **sums.columns)
    for index in range(videos * _JOURNAL_SECONDS // 86_400):
        entry = Entry(
            day=_LAST.isoformat(),
            tally=Tally(1, 1, 4, 400_000, 0),
            key=f"key-{index % 100}",
            user=f"user-{index % users}",
            model=f"model-{index % 20}",
            provider=f"provider-{index % 10}",
            tags=(f"tag-{index % 50}",),
        )
        yield row(_OWNER, f"{LOW}video_{index:032x}", **properties_of(entry.model_dump_json()))


def _batched(rows: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    while batch := list(itertools.islice(rows, _MOST_OPERATIONS)):
        yield batch


@asynccontextmanager
async def _client(
    connection: str, records: RecordStore
) -> AsyncIterator[tuple[httpx.AsyncClient, Services]]:
    """An operator's, to the app in this process."""
    services = Services.build(
        {
            "VideoStorage": connection,
            "DAILIES_ADMIN_KEYS": f"admin=sha256:{hashlib.sha256(_KEY.encode()).hexdigest()}",
        }
    )
    services = replace(services, records=records)
    app = create_app()

    async def serve(scope: Any, receive: Any, send: Any) -> None:
        # No route of this bench asks the engine for anything.
        state = {"dailies": lambda: Context(services, None)}  # type: ignore[arg-type] # as above
        await app({**scope, "state": state}, receive, send)

    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(serve),
        base_url="http://dailies.test",
        headers={"Authorization": f"Bearer {_KEY}"},
        timeout=120,
    ) as client:
        yield client, services


if __name__ == "__main__":
    raise SystemExit(main())
