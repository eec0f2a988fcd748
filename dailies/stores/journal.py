"""The journal of what has been spent, in the owner's partition of the table of videos.

A row ``j:ID`` is written in the transaction that makes a video's record final, and one ``j:ID:…``
in each that changes its cost after that. So each video is in it exactly once, and no row is written
to by two videos, however many end at the same moment. ``dailies.stores.spend`` sums it up.
"""

from __future__ import annotations

import uuid

from dailies.owners.spend import correction_of, entry_of
from dailies.stores.rows import Operation, row
from dailies.stores.tables import properties_of
from dailies.video.record import VideoRecord

__all__ = ["HIGH", "LOW", "journaled"]

LOW, HIGH = "j:", "j;"
"""Between them are the rows of the journal."""


def journaled(record: VideoRecord, changed: VideoRecord) -> list[Operation]:
    """What is to be written with a record that ends, or whose cost turns out to be another."""
    if not record.is_final:
        entry, key = entry_of(changed), f"{LOW}{record.id}"
    elif record.cost_usd != changed.cost_usd:
        entry, key = correction_of(record, changed), f"{LOW}{record.id}:{uuid.uuid4().hex}"
    else:
        return []
    return [("upsert", row(record.owner, key, **properties_of(entry.model_dump_json())))]
