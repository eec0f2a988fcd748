"""Pages of an owner's videos, and what is read for them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, cast

import pytest
from azure.data.tables.aio import TableClient, TableServiceClient

from dailies.stores.pages import read_page
from dailies.stores.records import RecordStore
from dailies.stores.tables import VIDEOS
from dailies.video.basics import Size, new_id
from dailies.video.record import VideoRecord, VideoRequest

START = 1_795_262_400.0


class _Counting:
    """A table that counts the rows that it gives."""

    def __init__(self, table: TableClient) -> None:
        self._table = table
        self.given = 0

    async def query_entities(self, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        async for row in self._table.query_entities(*args, **kwargs):
            self.given += 1
            yield row


@pytest.mark.parametrize("ascending", [False, True])
async def test_a_page_of_a_model_reads_nothing_of_what_lies_between(
    tables: TableServiceClient, *, ascending: bool
) -> None:
    owner = f"between-{int(ascending)}"
    records = RecordStore(tables)
    made = []
    for number, model in enumerate(["rare", *["usual"] * 20, "rare"]):
        at = START + number
        request = VideoRequest(model=model, prompt="A pier", seconds=4, size=Size(720, 1280))
        record = VideoRecord(id=new_id(at), owner=owner, created_at=at, request=request)
        made.append(await records.insert(record))
    table = _Counting(tables.get_table_client(VIDEOS))
    page = await read_page(
        cast(TableClient, table),
        owner,
        after=None,
        limit=10,
        ascending=ascending,
        models=["rare"],
    )
    wanted = [made[0].id, made[-1].id]
    assert [each.id for each in page.records] == (wanted if ascending else wanted[::-1])
    assert table.given == 2 * len(wanted)
