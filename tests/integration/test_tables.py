"""Rows as the app reads and writes them are those of the SDK."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from azure.core.exceptions import (
    HttpResponseError,
    ResourceModifiedError,
    ResourceNotFoundError,
    ServiceRequestError,
)
from azure.core.rest import HttpRequest
from azure.data.tables import EdmType, EntityProperty, TableTransactionError, UpdateMode
from azure.data.tables.aio import TableClient, TableServiceClient

from dailies.stores.rows import Operation
from dailies.stores.tables import VIDEOS, etag_of, find_row, replace_row, unchanged
from dailies.stores.transactions import write_together

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
    async def other(_: HttpRequest, **__: Any) -> Any:
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

    async def busy(_: HttpRequest, **__: Any) -> Any:
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


ODD = "\r\nHTTP/1.1 500 Oh\r\nETag: none\r\n\r\n--batch_x ü'\""


async def test_rows_are_written_together_as_the_sdk_writes_them(table: TableClient) -> None:
    etags = {}
    for name in ("ours", "sdk"):
        for key in ("old", "merged", "gone", "put"):
            at = {"PartitionKey": name, "RowKey": key}
            await table.upsert_entity({**at, "Was": "x"})
            etags[name, key] = etag_of(await table.get_entity(name, key))

    def operations(name: str) -> list[Operation]:
        def entity(key: str, **values: Any) -> dict[str, Any]:
            return {"PartitionKey": name, "RowKey": key, **values}

        exact = {"mode": UpdateMode.REPLACE, **unchanged(etags[name, "old"])}
        values = {
            "Big": EntityProperty(2**40, EdmType.INT64),
            "At": datetime(2026, 12, 1, tzinfo=UTC),
        }
        return [
            ("update", entity("old", Text=ODD, Yes=False, Count=3, Part=0.5, **values), exact),
            *(("create", entity(f"new {key}", Text=key)) for key in KEYS),
            ("update", entity("merged", Now=ODD), {"mode": UpdateMode.MERGE}),
            ("delete", entity("gone"), unchanged(etags[name, "gone"])),
            ("upsert", entity("put", Text="put"), {"mode": UpdateMode.REPLACE}),
        ]

    written = await table.submit_transaction(operations("sdk"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(table, "submit_transaction", None)
        ours = await write_together(table, operations("ours"))
    assert [bool(etag) for etag in ours] == [bool(each.get("etag")) for each in written]
    rows = {name: await rows_of(table, name) for name in ("ours", "sdk")}
    assert [{**row, "PartitionKey": "sdk"} for row in rows["ours"]] == rows["sdk"]
    assert {etag_of(row) for row in rows["ours"]} == set(ours) - {""}


LONG_AGO = "W/\"datetime'2020-01-01T00%3A00%3A00Z'\""


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        (("create", {"RowKey": "there"}), 409),
        (
            ("update", {"RowKey": "there"}, unchanged("W/\"datetime'2020-01-01T00%3A00%3A00Z'\"")),
            412,
        ),
        (("delete", {"RowKey": "missing"}), 404),
    ],
)
async def test_of_rows_that_are_written_together_none_is_where_one_is_refused(
    table: TableClient, wrong: tuple[Any, ...], status: int
) -> None:
    partition = f"together{status}"
    await table.upsert_entity({"PartitionKey": partition, "RowKey": "there", "Text": "before"})
    name, keys, *how = wrong
    with pytest.raises(TableTransactionError) as refused:
        await write_together(
            table,
            [
                ("create", {"PartitionKey": partition, "RowKey": "new"}),
                (name, {"PartitionKey": partition, **keys}, *how),
            ],
        )
    assert (refused.value.status_code, refused.value.index) == (status, 1)
    assert [row["RowKey"] for row in await rows_of(table, partition)] == ["there"]


async def test_a_body_of_rows_is_the_sdk_s_own(table: TableClient) -> None:
    bodies = []

    async def sent(request: HttpRequest, **_: Any) -> Any:
        request.prepare_multipart_body()
        bodies.append(request)
        if len(bodies) == 2:
            raise ServiceRequestError("two are enough")
        return SimpleNamespace(status_code=400, read=read)

    async def read() -> bytes:
        return b""

    operations: list[Operation] = [
        ("create", {"PartitionKey": "body", "RowKey": "it's ü", "Text": ODD}),
        ("delete", {"PartitionKey": "body", "RowKey": "two"}),
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(table._client, "send_request", sent)
        with pytest.raises(ServiceRequestError):
            await write_together(table, operations)
    ours, sdk = bodies
    assert ours.url == sdk.url
    assert without_boundaries(ours) == without_boundaries(sdk)


async def test_an_answer_of_azure_tells_the_new_etags(table: TableClient) -> None:
    """As https://learn.microsoft.com/rest/api/storageservices/performing-entity-group-transactions
    shows it."""
    part = (
        "--changesetresponse_8a28b620\r\nContent-Type: application/http\r\n"
        "Content-Transfer-Encoding: binary\r\n\r\nHTTP/1.1 204 No Content\r\n"
        "X-Content-Type-Options: nosniff\r\nCache-Control: no-cache\r\n"
        "Preference-Applied: return-no-content\r\nDataServiceVersion: 3.0;\r\n"
        "Location: https://example/Blogs(PartitionKey='p',RowKey='{0}')\r\n"
        "DataServiceId: https://example/Blogs(PartitionKey='p',RowKey='{0}')\r\n"
        "ETag: W/\"datetime'2013-09-11T00%3A28%3A55.{0}Z'\"\r\n\r\n\r\n"
    )
    content = (
        "--batchresponse_b1\r\nContent-Type: multipart/mixed; boundary=changesetresponse_8a28b620"
        f"\r\n\r\n{part.format(1)}{part.format(2)}--changesetresponse_8a28b620--\r\n"
        "--batchresponse_b1--\r\n"
    )

    async def azure(_: HttpRequest, **__: Any) -> Any:
        return SimpleNamespace(status_code=202, read=read)

    async def read() -> bytes:
        return content.encode()

    rows: list[Operation] = [("upsert", {"PartitionKey": "p", "RowKey": key}) for key in "ab"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(table._client, "send_request", azure)
        patch.setattr(table, "submit_transaction", None)
        etags = await write_together(table, rows)
    assert etags == [f"W/\"datetime'2013-09-11T00%3A28%3A55.{n}Z'\"" for n in (1, 2)]


async def rows_of(table: TableClient, partition: str) -> list[Any]:
    query = table.query_entities("PartitionKey eq @p", parameters={"p": partition})
    return [row async for row in query]


def without_boundaries(request: HttpRequest) -> str:
    body = bytes(request.content).decode()
    (outer,) = re.findall("boundary=(.*)", request.headers["Content-Type"])
    (inner,) = re.findall("boundary=([^\r]*)", body)
    return body.replace(outer, "outer").replace(inner, "inner")
