"""Parameters and continuation tokens of the management API."""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime

from .taskhub.rows import FINAL

__all__ = [
    "flag",
    "id_to_token",
    "moment",
    "number",
    "page_size",
    "second",
    "statuses",
    "token_to_id",
]

_PAGE_SIZE = 100
_STATUSES = FINAL | {"Pending", "Running", "Suspended", "ContinuedAsNew"}


def second(moment: float) -> str:
    """Seconds since the epoch as ISO text, whole seconds in UTC."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def flag(value: str | None, *, default: bool = False) -> bool:
    """A boolean parameter."""
    return {"true": True, "false": False}.get((value or "").lower(), default)


def number(value: str | None) -> float:
    """A numeric parameter; 0 when it is none."""
    try:
        return float(value or 0)
    except ValueError:
        return 0.0


def page_size(value: str | None) -> int:
    """The ``pageSize`` parameter."""
    return int(value) if value and value.isdigit() and int(value) > 0 else _PAGE_SIZE


def moment(value: str | None) -> float | None:
    """A time parameter (UTC unless it says otherwise) in seconds since the epoch."""
    if not value:
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def statuses(values: list[str]) -> list[str]:
    """The runtime statuses of parameters that may hold several, joined by commas.

    What is none is passed over: nothing else than that asks for all.
    """
    return [status for value in values for status in value.split(",") if status in _STATUSES]


def id_to_token(identity: str) -> str:
    """The continuation token after this id."""
    return base64.urlsafe_b64encode(identity.encode()).decode()


def token_to_id(token: str | None) -> str:
    """The id in a continuation token; empty for none or a damaged one."""
    try:
        return base64.urlsafe_b64decode(token or "").decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""
