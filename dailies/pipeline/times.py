"""How times are written for people and other programs; inside they are Unix seconds."""

from __future__ import annotations

from datetime import UTC, datetime

__all__ = ["rfc3339"]


def rfc3339(at: float | None) -> str | None:
    """``2026-11-21T05:00:12.345Z`` of Unix seconds (RFC 3339); None where there is no time."""
    if at is None:
        return None
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
