"""Table and Blob Storage in memory, as far as the stores use them; every call can go wrong.

The stores themselves are the app's: these stand where the SDK's clients stand.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import unquote

from azure.core.exceptions import (
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
)
from azure.core.rest import HttpRequest
from azure.data.tables import TableTransactionError, UpdateMode
from azure.storage.blob.aio import ContainerClient

from dailies.stores.files import BLOCK_BYTES, BlobInfo
from dailies.video.errors import IntegrityError
from dailies.video.record import StoredFile
from tests.unit.pipeline.container import MemoryContainer

__all__ = ["MemoryFiles", "MemoryTables", "Point", "no_point", "refused"]

Point = Callable[[str], Awaitable[None]]
"""Called before and after each call; may take time, and may raise."""


async def no_point(name: str) -> None:
    """Nothing goes wrong."""


async def no_content() -> bytes:
    """The body of an answer without one."""
    return b""


class _Row(dict[str, Any]):
    """An entity as the SDK gives it, with its ETag beside it."""

    metadata: dict[str, Any]


class MemoryTables:
    """``TableServiceClient``."""

    def __init__(self, point: Point = no_point) -> None:
        self.point = point
        self.tables: dict[str, _Table] = {}

    def get_table_client(self, name: str) -> _Table:
        return self.tables.setdefault(name, _Table(self, name))


class _Table:
    """``TableClient``: point reads and writes with ETags, transactions, simple queries."""

    url, api_version = "https://tables.example", "2019-02-02"

    def __init__(self, service: MemoryTables, name: str) -> None:
        self._service = service
        self._name = self.table_name = name
        self._client = self
        self._config = SimpleNamespace(version=self.api_version)
        self._version = 0
        self.rows: dict[tuple[str, str], tuple[dict[str, Any], str]] = {}

    async def send_request(self, request: HttpRequest, *, stream: bool = False) -> SimpleNamespace:
        """What goes past the generated layer: a row that is read, or replaced. Of a transaction the
        SDK is asked, as for all that is not answered as usual."""
        if request.url.endswith("/$batch"):
            return SimpleNamespace(status_code=400, read=no_content)
        place = re.fullmatch(r".*\(PartitionKey='(.*)',RowKey='(.*)'\)", request.url)
        assert place is not None
        keys = [unquote(key).replace("''", "'") for key in place.groups()]
        try:
            if request.method == "GET":
                row = await self.get_entity(keys[0], keys[1])
                content = json.dumps({**row, "odata.etag": row.metadata["etag"]})
                return SimpleNamespace(status_code=200, headers={}, content=content)
            written = await self.update_entity(
                json.loads(request.content),
                mode=UpdateMode.REPLACE,
                etag=request.headers["If-Match"],
            )
        except (ResourceNotFoundError, ResourceModifiedError) as error:
            absent = isinstance(error, ResourceNotFoundError)
            code = "ResourceNotFound" if absent else "UpdateConditionNotSatisfied"
            content = json.dumps({"odata.error": {"code": code}})
            return SimpleNamespace(
                status_code=404 if absent else 412, headers={}, content=content, reason=str(error)
            )
        return SimpleNamespace(status_code=204, headers={"ETag": written["etag"]}, content="")

    async def get_entity(self, partition: str, row: str) -> _Row:
        await self._before("get")
        found = self._row((partition, row))
        await self._after("get")
        return found

    async def create_entity(self, entity: Mapping[str, Any]) -> None:
        await self._before("create")
        self._create(entity)
        await self._after("create")

    async def upsert_entity(
        self, entity: Mapping[str, Any], *, mode: UpdateMode = UpdateMode.MERGE
    ) -> None:
        await self._before("upsert")
        there = self.rows.get(_key(entity))
        old = there[0] if there is not None and mode is UpdateMode.MERGE else {}
        self._write({**old, **entity})
        await self._after("upsert")

    async def update_entity(
        self, entity: Mapping[str, Any], *, mode: UpdateMode, etag: str | None = None, **_: Any
    ) -> dict[str, str]:
        await self._before("update")
        key = _key(entity)
        if key not in self.rows:
            raise ResourceNotFoundError("no such entity")
        if etag is not None and self.rows[key][1] != etag:
            raise ResourceModifiedError("the condition is not met")
        old = self.rows[key][0] if mode is UpdateMode.MERGE else {}
        self._write({**old, **entity})
        written = self.rows[key][1]
        await self._after("update")
        return {"etag": written}

    async def delete_entity(
        self, partition: str, row: str, *, etag: str | None = None, **_: Any
    ) -> None:
        # The SDK does not complain when there is nothing to delete.
        await self._before("delete")
        there = self.rows.get((partition, row))
        if there is not None and etag is not None and there[1] != etag:
            raise ResourceModifiedError("the condition is not met")
        self.rows.pop((partition, row), None)
        await self._after("delete")

    async def submit_transaction(
        self, operations: Sequence[tuple[Any, ...]]
    ) -> list[dict[str, str]]:
        """All of it or nothing. An operation is ``(kind, entity)`` or ``(kind, entity, options)``,
        whose ``etag`` must be that of the row as it is. Gives the new ETag of each that is left."""
        await self._before("transaction")
        for index, (kind, entity, *options) in enumerate(operations):
            there = self.rows.get(_key(entity))
            wanted = options[0].get("etag") if options else None
            if kind == "create" and there is not None:
                raise refused(index, 409, "The specified entity already exists.")
            if kind in ("update", "delete") and there is None:
                raise refused(index, 404, "The specified resource does not exist.")
            if wanted is not None and there is not None and there[1] != wanted:
                raise refused(index, 412, "The update condition was not satisfied.")
        for kind, entity, *options in operations:
            merges = kind == "update" and options and options[0]["mode"] is UpdateMode.MERGE
            if kind == "delete":
                del self.rows[_key(entity)]
            else:
                old = self.rows[_key(entity)][0] if merges else {}
                self._write({**old, **entity})
        keys = [_key(entity) for _, entity, *_ in operations]
        written = [{"etag": self.rows[key][1]} if key in self.rows else {} for key in keys]
        await self._after("transaction")
        return written

    async def query_entities(
        self, condition: str, *, parameters: Mapping[str, str], **_: Any
    ) -> AsyncIterator[_Row]:
        await self._before("query")
        keys = sorted(
            key for key, (row, _) in self.rows.items() if _holds(condition, parameters, row)
        )
        for key in keys:
            if key in self.rows:
                yield self._row(key)

    def _row(self, key: tuple[str, str]) -> _Row:
        if key not in self.rows:
            raise ResourceNotFoundError("no such entity")
        entity, etag = self.rows[key]
        row = _Row(entity)
        row.metadata = {"etag": etag}
        return row

    def _create(self, entity: Mapping[str, Any]) -> None:
        if _key(entity) in self.rows:
            raise ResourceExistsError("the entity exists")
        self._write(entity)

    def _write(self, entity: Mapping[str, Any]) -> None:
        self._version += 1
        self.rows[_key(entity)] = (dict(entity), f"W/{self._version}")

    async def _before(self, call: str) -> None:
        await self._service.point(f"{self._name}.{call} begins")

    async def _after(self, call: str) -> None:
        await self._service.point(f"{self._name}.{call} ended")


def _key(entity: Mapping[str, Any]) -> tuple[str, str]:
    return str(entity["PartitionKey"]), str(entity["RowKey"])


def refused(index: int, status: int, message: str) -> TableTransactionError:
    response = SimpleNamespace(status_code=status, reason="Refused", headers={}, text=lambda: "")
    error = TableTransactionError(message=f"{index}:{message}", response=response, index=index)
    error.status_code = status
    return error


def _holds(condition: str, parameters: Mapping[str, str], row: Mapping[str, Any]) -> bool:
    compare: dict[str, Callable[[str, str], bool]] = {
        "eq": lambda a, b: a == b,
        "ne": lambda a, b: a != b,
        "ge": lambda a, b: a >= b,
        "gt": lambda a, b: a > b,
        "le": lambda a, b: a <= b,
        "lt": lambda a, b: a < b,
    }

    def one(comparison: str) -> bool:
        name, operator, parameter = comparison.split()
        # As in the service, nothing holds of a property that is not there.
        wanted = parameters[parameter.removeprefix("@")]
        return name in row and compare[operator](row[name], wanted)

    # An "or" stands in parentheses, and nothing but comparisons in it.
    parts = condition.split(" and ")
    return all(any(map(one, part.strip("()").split(" or "))) for part in parts)


class MemoryFiles:
    """``Files``, of which the videos' are whole or not there."""

    def __init__(self, point: Point = no_point, clock: Callable[[], float] = lambda: 0.0) -> None:
        self.point = point
        self.files: dict[str, bytes] = {}
        self.container = MemoryContainer(clock)

    @property
    def references(self) -> ContainerClient:
        return cast(ContainerClient, self.container)

    async def store(
        self, name: str, chunks: AsyncIterator[bytes], *, content_type: str, length: int | None
    ) -> StoredFile:
        await self.point(f"store {name} begins")
        data = b"".join([chunk async for chunk in chunks])
        assert len(data) < BLOCK_BYTES
        if length is not None and len(data) != length:
            raise IntegrityError(f"the body stopped after {len(data)} of {length} bytes")
        return await self.put(name, data, content_type=content_type)

    async def put(self, name: str, data: bytes, *, content_type: str) -> StoredFile:
        await self.point(f"put {name} begins")
        self.files[name] = data
        await self.point(f"put {name} ended")
        digest = hashlib.sha256(data).hexdigest()
        return StoredFile(
            blob=name, content_type=content_type, bytes=len(data), sha256=digest, etag=digest[:8]
        )

    async def put_json(self, name: str, document: Mapping[str, Any]) -> StoredFile:
        return await self.put(name, repr(document).encode(), content_type="application/json")

    async def read(self, name: str, *, max_bytes: int) -> bytes | None:
        await self.point(f"read {name} begins")
        data = self.files.get(name)
        return None if data is None else data[:max_bytes]

    async def stream(self, name: str) -> AsyncIterator[bytes]:
        await self.point(f"stream {name} begins")
        yield self._there(name)

    async def open_range(self, name: str, *, offset: int, length: int) -> AsyncIterator[bytes]:
        async def piece() -> AsyncIterator[bytes]:
            yield self._there(name)[offset : offset + length]

        return piece()

    async def describe(self, name: str) -> BlobInfo | None:
        data = self.files.get(name)
        if data is None:
            return None
        digest = hashlib.sha256(data).hexdigest()
        kind = "image/png" if name.endswith(".png") else "application/octet-stream"
        return BlobInfo(name, len(data), digest[:8], kind, {"sha256": digest})

    async def delete(self, name: str) -> bool:
        await self.point(f"delete {name} begins")
        was_there = self.files.pop(name, None) is not None
        await self.point(f"delete {name} ended")
        return was_there

    async def delete_folder(self, prefix: str) -> int:
        names = [name for name in self.files if name.startswith(prefix)]
        for name in names:
            await self.delete(name)
        return len(names)

    def url(self, name: str) -> str:
        return f"https://files.example/videos/{name}"

    async def link(
        self, file: StoredFile, *, seconds: int, filename: str, save: bool = False
    ) -> str:
        return f"{self.url(file.blob)}?seconds={seconds}"

    def _there(self, name: str) -> bytes:
        if name not in self.files:
            raise ResourceNotFoundError("no such blob")
        return self.files[name]
