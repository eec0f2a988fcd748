"""How records are laid out in the rows of a table; ``dailies.stores.records`` has the overview."""

from __future__ import annotations

import asyncio
import hashlib
import random
import re
from typing import Any

from dailies.stores.tables import properties_of
from dailies.video.basics import ID_PREFIX
from dailies.video.record import VideoRecord

__all__ = [
    "Operation",
    "columns_of",
    "entity_of",
    "falling_row",
    "hash_key",
    "is_video_id",
    "record_row",
    "row",
    "step_aside",
    "tombstone_row",
]

Operation = tuple[str, dict[str, Any]] | tuple[str, dict[str, Any], dict[str, Any]]
"""A part of a transaction, as the SDK takes it."""

_VIDEO_ID = re.compile(f"{ID_PREFIX}[0-9a-f]{{32}}")
_INVERTED = str.maketrans("0123456789abcdef", "fedcba9876543210")


def hash_key(key: str) -> str:
    """An idempotency key as it is kept: only its SHA-256, which also fits a row key."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def is_video_id(text: str) -> bool:
    """Whether this can be the id of a video at all."""
    return _VIDEO_ID.fullmatch(text) is not None


def record_row(video_id: str) -> str:
    """The row key of a record, in rising order of time."""
    return f"v:{video_id}"


def tombstone_row(video_id: str) -> str:
    """The row key of what is left of a removed video."""
    return f"t:{video_id}"


def falling_row(video_id: str) -> str:
    """The row key under which a video stands in falling order of time."""
    return f"d:{video_id.removeprefix(ID_PREFIX).translate(_INVERTED)}"


def row(owner: str, key: str, **properties: Any) -> dict[str, Any]:
    """A row of the owner's partition."""
    return {"PartitionKey": owner, "RowKey": key, **properties}


def columns_of(record: VideoRecord) -> dict[str, str]:
    """What stands beside the document of a record, for lists, for searches, and for people who look
    into the table; what there is nothing of is left out.

    ``Columns`` says that all of it is there: rows of before 2026-12 have the first three only.
    """
    told = {
        "Status": record.status.value,
        "Phase": record.phase.value,
        "Model": record.request.model,
        "Provider": record.submit.provider,
        "Deployment": record.submit.deployment,
        "Code": None if record.error is None else record.error.code,
        "KeyId": record.key_id,
        "User": record.request.user,
        "Blob": record.source.blob,
        "Tags": "\n".join(record.tags),
        "Columns": "1",
    }
    return {name: value for name, value in told.items() if value}


def entity_of(record: VideoRecord) -> dict[str, Any]:
    """The row of a record."""
    return row(
        record.owner,
        record_row(record.id),
        **columns_of(record),
        **({"Withdrawn": True} if record.is_withdrawn else {}),
        **properties_of(record.model_dump_json()),
    )


async def step_aside(attempt: int) -> None:
    """Wait a moment after another writer was faster: jitter keeps the two from meeting again."""
    await asyncio.sleep(random.uniform(0, 0.02 * (attempt + 1)))  # noqa: S311 - no secret
