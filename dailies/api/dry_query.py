"""The query ``dry_run``, which one route knows and no other may overlook: it would cost."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request
from pydantic import WithJsonSchema

from dailies.protocols.messages import unsupported
from dailies.video.errors import InvalidRequest

__all__ = ["DryRunQuery", "is_dry_run", "refuse_dry_run"]

DryRunQuery = Annotated[
    str | None,
    WithJsonSchema({"type": "boolean", "default": False}),
    Query(
        description="`true`: check everything and tell what would follow. Nothing is stored or "
        "spent, and no Idempotency-Key is used up."
    ),
]


def is_dry_run(value: str | None) -> bool:
    """Whether the query asks for one.

    Raises:
        InvalidRequest: it is neither true nor false.
    """
    said = (value or "false").lower()
    if said not in ("true", "false"):
        raise unsupported("dry_run", said, ("true", "false"))
    return said == "true"


def refuse_dry_run(request: Request) -> None:
    """For what would make a video.

    Raises:
        InvalidRequest: the caller wants none.
    """
    if is_dry_run(request.query_params.get("dry_run")):
        raise InvalidRequest(
            "There is a dry run of POST /v1/videos only. Nothing was made.",
            param="dry_run",
            code="unsupported_parameter",
        )
