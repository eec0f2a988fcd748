"""Characters: which name and upstream id belong to an owner's character.

A row ``c:ID`` in the owner's partition of the videos table.
"""

from __future__ import annotations

import re

from azure.data.tables.aio import TableClient, TableServiceClient
from pydantic import BaseModel, ConfigDict

from dailies.stores.tables import VIDEOS, document_of, find_row, properties_of

__all__ = ["CharacterRecord", "CharacterStore"]

_ID = re.compile(r"char_[0-9a-f]{32}")


class CharacterRecord(BaseModel):
    """A character that a deployment keeps under ``upstream_id``; times are Unix seconds."""

    model_config = ConfigDict(frozen=True)

    id: str
    owner: str
    name: str
    created_at: float
    deployment: str
    upstream_id: str


class CharacterStore:
    """The characters of all owners."""

    def __init__(self, service: TableServiceClient) -> None:
        self._table: TableClient = service.get_table_client(VIDEOS)

    async def insert(self, character: CharacterRecord) -> None:
        """Write a new character."""
        row = {"PartitionKey": character.owner, "RowKey": f"c:{character.id}"}
        await self._table.create_entity({**row, **properties_of(character.model_dump_json())})

    async def get(self, owner: str, character_id: str) -> CharacterRecord | None:
        """The owner's character, or None: also when it belongs to another."""
        if _ID.fullmatch(character_id) is None:
            return None
        row = await find_row(self._table, owner, f"c:{character_id}")
        return None if row is None else CharacterRecord.model_validate_json(document_of(row))
