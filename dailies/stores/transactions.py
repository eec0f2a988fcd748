"""Rows that are written together, or not at all.

A transaction of Table Storage is one request whose body is a request for each row, as MIME parts
(https://learn.microsoft.com/rest/api/storageservices/performing-entity-group-transactions). The SDK
says what each is, but takes Python's package for mails to put them into one body and to take the
answer apart; that is five of the six milliseconds that a transaction costs the worker.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from http import HTTPStatus
from uuid import uuid4

from azure.core.rest import HttpRequest
from azure.data.tables._table_batch import TableBatchOperations
from azure.data.tables.aio import TableClient

from dailies.stores.rows import Operation
from dailies.stores.tables import send

__all__ = ["write_together"]

_HEADERS = {"Accept": "application/json", "DataServiceVersion": "3.0"}
# A line of an answer's body begins so only where a part begins: JSON has no line breaks of its own.
_PART = re.compile(rb"^HTTP/1\.1 ([0-9]{3})", re.MULTILINE)
_ETAG = re.compile(rb"^ETag:[ \t]*([^\r\n]+)", re.MULTILINE | re.IGNORECASE)


async def write_together(table: TableClient, operations: Sequence[Operation]) -> Sequence[str]:
    """Write rows of one partition, all or none; gives their new ETags, empty where one is deleted.

    Any answer but that all are written is the SDK's to tell of. It is asked anew: what was refused
    is refused again, and what was written although no answer said so fails by its own condition.

    Raises:
        TableTransactionError: one was refused, and nothing was written.
    """
    batch = TableBatchOperations(table._client._config, table.url, table.table_name)
    for operation in operations:
        batch.add_operation(operation)
    boundary = f"batch_{uuid4()}"
    request = HttpRequest(
        "POST",
        f"{table.url}/$batch",
        headers={
            **_HEADERS,
            "x-ms-version": table.api_version,
            "Content-Type": f"multipart/mixed; boundary={boundary}",
        },
        content=b"".join(_body(batch.requests, boundary)),
    )
    answer = await send(table, request, stream=True)
    content = await answer.read()
    if answer.status_code == HTTPStatus.ACCEPTED:
        etags = list(_written(content))
        if len(etags) == len(operations):
            return etags
    written = await table.submit_transaction(operations)
    return [str(each.get("etag") or "") for each in written]


def _body(requests: Iterable[HttpRequest], boundary: str) -> Iterator[bytes]:
    changes = f"changeset_{uuid4()}"
    yield f"--{boundary}\r\nContent-Type: multipart/mixed; boundary={changes}\r\n\r\n".encode()
    for number, request in enumerate(requests):
        headers = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
        yield (
            f"--{changes}\r\nContent-Type: application/http\r\n"
            f"Content-Transfer-Encoding: binary\r\nContent-ID: {number}\r\n\r\n"
            f"{request.method} {request.url} HTTP/1.1\r\n{headers}\r\n"
        ).encode()
        yield _content(request)
        yield b"\r\n"
    yield f"--{changes}--\r\n\r\n--{boundary}--\r\n".encode()


def _content(request: HttpRequest) -> bytes:
    content = request.content or b""
    return content if isinstance(content, bytes) else str(content).encode()


def _written(content: bytes) -> Iterator[str]:
    """The new ETag of each row that was written; of one that was not, nothing."""
    _, *parts = _PART.split(content)
    for status, part in zip(parts[::2], parts[1::2], strict=True):
        if status.startswith(b"2"):
            head, _, _ = part.partition(b"\r\n\r\n")
            etag = _ETAG.search(head)
            yield "" if etag is None else etag[1].decode("latin-1")
