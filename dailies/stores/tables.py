"""The tables of the app, and how documents are written into their rows and found in them.

The tables themselves are made by the infrastructure, not by the app.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import TableEntity
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


def properties_of(document: str) -> dict[str, str]:
    """A long text as the properties ``Doc00``, ``Doc01``, …"""
    pieces = [document[i : i + _CHUNK] for i in range(0, len(document), _CHUNK)] or [""]
    return {f"Doc{number:02d}": piece for number, piece in enumerate(pieces)}


def document_of(entity: Mapping[str, Any]) -> str:
    """The text that ``properties_of`` took apart."""
    names = sorted(name for name in entity if name.startswith("Doc"))
    return "".join(str(entity[name]) for name in names)


async def find_row(table: TableClient, partition: str, key: str) -> TableEntity | None:
    """A row, or None when there is none."""
    try:
        return await table.get_entity(partition, key)
    except ResourceNotFoundError:
        return None


def etag_of(entity: TableEntity) -> str:
    """What tells whether a row is still the one that was read."""
    return str(entity.metadata["etag"])


def unchanged(etag: str | None) -> dict[str, Any]:
    """The condition of a write that is to fail once the row is another than that of ``etag``."""
    return {"etag": etag, "match_condition": MatchConditions.IfNotModified}
