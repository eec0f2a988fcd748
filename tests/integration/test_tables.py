"""Rows as the app reads and writes them are those of the SDK."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceModifiedError, ResourceNotFoundError
from azure.core.rest import HttpRequest
from azure.data.tables import EdmType, EntityProperty
from azure.data.tables.aio import TableClient, TableServiceClient

from dailies.stores.tables import VIDEOS, etag_of, find_row, replace_row

KEYS = ["plain", "it's", "'", "50% + 1", "%27", "ä日", "a=b&c;d:e,f(g)@", "a b"]


@pytest.fixture
def table(tables: TableServiceClient) -> TableClient:
    return tables.get_table_client(VIDEOS)


@pytest.mark.parametrize("key", KEYS)
async def test_a_row_is_read_as_the_sdk_reads_it(table: TableClient, key: str) -> None:
    row = {"Text": 'a "b" ü', "Yes": True, "Count": -7, "Whole": 3.0, "Part": 0.1, "Empty": ""}
    await table.upsert_entity({"PartitionKey": f"p{key}", "RowKey": key, **row})
    read, found = await table.get_entity(f"p{key}", key), await find_row(table, f"p{key}", key)
    assert found == read
    assert [type(value) for value in found.values()] == [type(value) for value in read.values()]
    assert etag_of(found) == etag_of(read)


@pytest.mark.parametrize(
    "value", [EntityProperty(2**40, EdmType.INT64), datetime(2026, 12, 1, 8, tzinfo=UTC), b"\x00"]
)
async def test_values_that_json_does_not_have_are_what_the_sdk_makes_of_them(
    table: TableClient, value: Any
) -> None:
    await table.upsert_entity({"PartitionKey": "typed", "RowKey": "one", "Value": value})
    found = await find_row(table, "typed", "one")
    assert found is not None
    assert found["Value"] == value


async def test_what_is_not_there_is_none(table: TableClient, tables: TableServiceClient) -> None:
    assert await find_row(table, "nobody", "nothing") is None
    assert await find_row(tables.get_table_client("nosuchtable"), "nobody", "nothing") is None


@pytest.mark.parametrize("key", KEYS)
async def test_a_row_is_replaced_as_a_whole(table: TableClient, key: str) -> None:
    place = {"PartitionKey": f"r{key}", "RowKey": key}
    await table.upsert_entity({**place, "Gone": "x", "Text": "before"})
    before = await table.get_entity(f"r{key}", key)
    etag = await replace_row(table, {**place, "Text": "ü'\"\n", "Yes": True}, etag_of(before))
    after = await table.get_entity(f"r{key}", key)
    assert after == {**place, "Text": "ü'\"\n", "Yes": True}
    assert etag_of(after) == etag != etag_of(before)


async def test_a_row_that_others_have_written_is_left_as_they_wrote_it(table: TableClient) -> None:
    place = {"PartitionKey": "others", "RowKey": "one"}
    await table.upsert_entity({**place, "Text": "first"})
    etag = etag_of(await table.get_entity("others", "one"))
    await table.upsert_entity({**place, "Text": "second"})
    with pytest.raises(ResourceModifiedError):
        await replace_row(table, {**place, "Text": "third"}, etag)
    assert (await table.get_entity("others", "one"))["Text"] == "second"
    await table.delete_entity("others", "one")
    with pytest.raises(ResourceNotFoundError):
        await replace_row(table, {**place, "Text": "third"}, etag)
    assert await find_row(table, "others", "one") is None


@pytest.mark.parametrize("status", [404, 412])
async def test_what_something_in_between_answers_is_not_taken_for_storage_s_word(
    table: TableClient, status: int
) -> None:
    async def other(_: HttpRequest) -> Any:
        return SimpleNamespace(status_code=status, headers={}, content=b"<html>Nothing here</html>")

    place = {"PartitionKey": f"between{status}", "RowKey": "one"}
    await table.upsert_entity({**place, "Text": "there"})
    etag = etag_of(await table.get_entity(place["PartitionKey"], "one"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(table._client, "send_request", other)
        found = await find_row(table, place["PartitionKey"], "one")
        written = await replace_row(table, {**place, "Text": "new"}, etag)
    assert found is not None
    assert found["Text"] == "there"
    after = await table.get_entity(place["PartitionKey"], "one")
    assert (after["Text"], etag_of(after)) == ("new", written)


async def test_a_service_that_is_too_busy_is_not_asked_once_more(table: TableClient) -> None:
    asked = 0

    async def busy(_: HttpRequest) -> Any:
        nonlocal asked
        asked += 1
        return SimpleNamespace(status_code=503, reason="Server Busy", headers={}, content=b"")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(table._client, "send_request", busy)
        patch.setattr(table, "get_entity", None)
        patch.setattr(table, "update_entity", None)
        with pytest.raises(HttpResponseError):
            await find_row(table, "busy", "one")
        with pytest.raises(HttpResponseError):
            await replace_row(table, {"PartitionKey": "busy", "RowKey": "one"}, "etag")
    assert asked == 2
