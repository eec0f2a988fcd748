"""The tables of the app, and how documents are written into their rows and found in them.

The tables themselves are made by the infrastructure, not by the app.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from azure.core import MatchConditions
from azure.core.exceptions import (
    HttpResponseError,
    ResourceModifiedError,
    ResourceNotFoundError,
)
from azure.core.rest import AsyncHttpResponse, HttpRequest
from azure.data.tables import TableEntity, UpdateMode
from azure.data.tables.aio import TableClient

__all__ = [
    "BATCHES",
    "CLAIMS",
    "DEPLOYMENTS",
    "DROPS",
    "KEYS",
    "OPEN_VIDEOS",
    "TABLES",
    "VIDEOS",
    "WEBHOOKS",
    "document_of",
    "etag_of",
    "find_row",
    "properties_of",
    "replace_row",
    "send",
    "unchanged",
]

VIDEOS = "videos"
"""A partition for each owner: records, their index in falling order, idempotency keys."""
OPEN_VIDEOS = "openvideos"
"""One row for every video with something left to do; what the sweeper reads."""
CLAIMS = "claims"
"""A partition for each deployment: which video an upstream job belongs to."""
DROPS = "drops"
"""What became of each upload into the references container (``dailies.stores.drops``)."""
DEPLOYMENTS = "deployments"
"""How deployments fare (``dailies.stores.health``)."""
KEYS = "keys"
"""Keys that were issued (``dailies.stores.keys``), and what of their rates is used."""
WEBHOOKS = "webhooks"
"""Owners' webhooks, and what is delivered to them (``dailies.stores.deliveries``)."""

BATCHES = "batches"
"""Batches, and what has become of each shot of them (``dailies.stores.batches``)."""

TABLES = (VIDEOS, OPEN_VIDEOS, CLAIMS, DROPS, DEPLOYMENTS, KEYS, WEBHOOKS, BATCHES)

# A string property holds at most 64 KiB of UTF-16, so 16,000 characters fit whatever they are.
_CHUNK = 16_000
_ABSENT = ("ResourceNotFound", "TableNotFound")
_CONDITION_FAILED: Mapping[str | None, type[HttpResponseError]] = {
    "ResourceNotFound": ResourceNotFoundError,
    "UpdateConditionNotSatisfied": ResourceModifiedError,
}
_HEADERS = {"Accept": "application/json;odata=minimalmetadata", "DataServiceVersion": "3.0"}


def properties_of(document: str) -> dict[str, str]:
    """A long text as the properties ``Doc00``, ``Doc01``, …"""
    pieces = [document[i : i + _CHUNK] for i in range(0, len(document), _CHUNK)] or [""]
    return {f"Doc{number:02d}": piece for number, piece in enumerate(pieces)}


def document_of(entity: Mapping[str, Any]) -> str:
    """The text that ``properties_of`` took apart."""
    names = sorted(name for name in entity if name.startswith("Doc"))
    return "".join(str(entity[name]) for name in names)


class _Row(TableEntity):
    """A row that ``find_row`` has read itself."""

    def __init__(self, values: Mapping[str, Any], etag: str) -> None:
        super().__init__(values)
        self._metadata = {"etag": etag, "timestamp": None}


# Of all requests to storage these two are made most. They go through the SDK's pipeline, but not
# through the layer that was generated above it: that takes twice as long, for headers that nobody
# reads. It gets what only it is made for: values of types that JSON does not have, and answers that
# are not looked for, which it asks for again and raises as what they are.


async def find_row(table: TableClient, partition: str, key: str) -> TableEntity | None:
    """A row, or None when there is none."""
    answer = await _send(table, "GET", partition, key, {})
    if _error_of(answer) in _ABSENT:
        return None
    if answer.status_code == HTTPStatus.OK:
        found: dict[str, Any] = json.loads(answer.content)
        etag = found.pop("odata.etag", None)
        if etag is not None and not any(name.endswith("@odata.type") for name in found):
            for name in ("odata.metadata", "Timestamp"):
                found.pop(name, None)
            return _Row(found, etag)
    try:
        return await table.get_entity(partition, key)
    except ResourceNotFoundError:
        return None


async def replace_row(table: TableClient, row: Mapping[str, str | bool], etag: str) -> str:
    """Write a row in the place of the one that was read with ``etag``; gives the new ETag.

    Raises:
        ResourceModifiedError: it is another by now.
        ResourceNotFoundError: it is gone.
    """
    partition, key = str(row["PartitionKey"]), str(row["RowKey"])
    answer = await _send(table, "PUT", partition, key, {"If-Match": etag}, json=row)
    written = answer.headers.get("ETag")
    if answer.status_code == HTTPStatus.NO_CONTENT and written is not None:
        return str(written)
    if _error_of(answer) in _CONDITION_FAILED:
        raise _CONDITION_FAILED[_error_of(answer)](response=answer)
    # Written with the same condition, it is not written twice.
    condition = {"mode": UpdateMode.REPLACE, **unchanged(etag)}
    return str((await table.update_entity(dict(row), **condition))["etag"])


async def _send(
    table: TableClient,
    method: str,
    partition: str,
    key: str,
    headers: Mapping[str, str],
    **body: Any,
) -> AsyncHttpResponse:
    place = f"PartitionKey='{_quoted(partition)}',RowKey='{_quoted(key)}'"
    request = HttpRequest(
        method,
        f"{table.url}/{table.table_name}({place})",
        headers={**_HEADERS, "x-ms-version": table.api_version, **headers},
        **body,
    )
    return await send(table, request)


async def send(
    table: TableClient, request: HttpRequest, *, stream: bool = False
) -> AsyncHttpResponse:
    """One request through the SDK's pipeline: signed, tried again, traced. The pipeline takes the
    answer for JSON, unless it is left to be read as a ``stream``.

    Raises:
        HttpResponseError: the service failed (5xx), however often it was tried.
        azure.core.exceptions.AzureError: it does not answer.
    """
    answer = await table._client.send_request(request, stream=stream)
    if answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        # The pipeline has tried it again: a service that is too busy is not to be asked once more.
        raise HttpResponseError(response=answer)
    return answer


def _error_of(answer: AsyncHttpResponse) -> str | None:
    """The code of an error that Storage tells of: a 404 may also come from something in between."""
    if answer.status_code < HTTPStatus.BAD_REQUEST:
        return None
    try:
        return str(json.loads(answer.content)["odata.error"]["code"])
    except (ValueError, KeyError, TypeError):
        return None


def _quoted(key: str) -> str:
    return quote(key.replace("'", "''"), safe="")


def etag_of(entity: TableEntity) -> str:
    """What tells whether a row is still the one that was read."""
    return str(entity.metadata["etag"])


def unchanged(etag: str | None) -> dict[str, Any]:
    """The condition of a write that is to fail once the row is another than that of ``etag``."""
    return {"etag": etag, "match_condition": MatchConditions.IfNotModified}
