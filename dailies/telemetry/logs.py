"""Structured logs: one JSON object a line, in the standard ``logging``.

Azure's worker sends log records to Application Insights as traces; ``parse_json(message)`` reads
the fields there. No prompt, no key and no token is ever a field: call sites name what they log, and
nothing logs a request or a record whole.
"""

from __future__ import annotations

import json
import logging
from typing import Any

__all__ = ["log_event"]

_LOGGER = logging.getLogger("dailies")


def log_event(
    event: str, *, level: int = logging.INFO, exc_info: bool = False, **fields: Any
) -> None:
    """Log that something happened; ``fields`` whose value is None are left out."""
    if not _LOGGER.isEnabledFor(level):
        return
    document = {"event": event, **{k: v for k, v in fields.items() if v is not None}}
    _LOGGER.log(level, json.dumps(document, default=str, ensure_ascii=False), exc_info=exc_info)
