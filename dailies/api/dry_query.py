"""The query ``dry_run``, which one route knows and no other may overlook: it would cost."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import Query, Request
from pydantic import WithJsonSchema

from dailies.protocols.messages import unsupported
from dailies.video.errors import InvalidRequest

__all__ = ["DryRunQuery", "is_dry_run", "refuse_dry_run", "wants_dry_run"]

_NAME = "dry_run"

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
        raise unsupported(_NAME, said, ("true", "false"))
    return said == "true"


def wants_dry_run(request: Request) -> bool:
    """Whether the query of a request asks for one, in a word that is nearly right, too: who is
    mistaken in it must not pay.

    Raises:
        InvalidRequest: nobody can tell.
    """
    for name, _ in request.query_params.multi_items():
        if name != _NAME and re.sub(r"[\W_]", "", name[:64].lower()) == "dryrun":
            raise InvalidRequest(
                f"Unknown query parameter '{name[:64]}'. Write it '{_NAME}'. Nothing was made.",
                param=name[:64],
                code="unknown_parameter",
            )
    said = request.query_params.getlist(_NAME)
    if len(said) > 1:
        raise InvalidRequest(
            f"The query parameter '{_NAME}' is there more than once. Give it once.",
            param=_NAME,
            code="repeated_parameter",
        )
    return is_dry_run(said[0] if said else None)


def refuse_dry_run(request: Request) -> None:
    """For what would make a video.

    Raises:
        InvalidRequest: the caller wants none.
    """
    if wants_dry_run(request):
        raise InvalidRequest(
            "There is a dry run of POST /v1/videos only. Nothing was made.",
            param=_NAME,
            code="unsupported_parameter",
        )
