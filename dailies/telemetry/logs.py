"""Structured logs: one JSON object a line, in the standard ``logging``.

Azure's worker sends log records to Application Insights as traces; ``parse_json(message)`` reads
the fields there. No prompt, no key and no token is ever a field: call sites name what they log, and
nothing logs a request or a record whole. Nothing is logged another way: the worker drops a record's
extra fields, and would put a traceback, which is no JSON, behind the object.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from dailies.telemetry.faults import fault_fields

__all__ = ["FaultError", "log_event", "telling_fault"]

_LOGGER = logging.getLogger("dailies")


class FaultError(Exception):
    """Something went wrong that was not expected, and the log says what: its text is the type and
    the place, for those who show or store the text of an exception."""


def log_event(
    event: str, *, level: int = logging.INFO, fault: BaseException | None = None, **fields: Any
) -> None:
    """Log that something happened; ``fields`` whose value is None are left out.

    Args:
        fault: the exception that tells of it; see ``fault_fields`` for what is logged.
    """
    if not _LOGGER.isEnabledFor(level):
        return
    about = {**fields, **(fault_fields(fault) if fault is not None else {})}
    document = {"event": event, **{k: v for k, v in about.items() if v is not None}}
    _LOGGER.log(level, json.dumps(document, default=str, ensure_ascii=False))


@contextmanager
def telling_fault(function: str, **fields: Any) -> Iterator[None]:
    """Around the work of a function that is called again when it fails: its fault is logged, and
    goes on to the host by type and place.

    The host logs and keeps what an exception says, and Durable repeats it in its histories.

    Raises:
        FaultError: in place of any exception.
    """
    try:
        yield
    except Exception as error:  # noqa: BLE001 - whatever it is, it goes on, as what it is
        log_event("function_fault", level=logging.ERROR, function=function, fault=error, **fields)
        about = fault_fields(error)
        raise FaultError(f"{about['fault']} at {about['fault_at']}") from None
