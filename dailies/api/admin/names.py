"""Names of owners in operators' requests: read the same way by every call."""

from __future__ import annotations

import re
from typing import Annotated, Any

from fastapi import Path, Query
from pydantic import BeforeValidator, WithJsonSchema

from dailies.owners.key import OWNER_NAME
from dailies.video.errors import InvalidRequest

__all__ = ["OwnerName", "OwnerPath", "OwnerQuery", "read_owner"]

_OWNER = re.compile(OWNER_NAME)
_SCHEMA = {"type": "string", "pattern": f"^{OWNER_NAME}$"}
_SCHEMA_OR_NONE = {"type": "string", "pattern": f"^({OWNER_NAME})?$"}


def read_owner(value: Any) -> Any:
    """An owner's name; an empty one is none.

    Raises:
        InvalidRequest: no owner can have it.
    """
    if value in (None, ""):
        return None
    if not isinstance(value, str) or _OWNER.fullmatch(value) is None:
        raise InvalidRequest(
            "Invalid 'owner': expected 1 to 63 lower-case letters, digits and "
            "hyphens, the first no hyphen.",
            param="owner",
            code="invalid_value",
        )
    return value


OwnerName = Annotated[str | None, BeforeValidator(read_owner), WithJsonSchema(_SCHEMA_OR_NONE)]
OwnerPath = Annotated[
    str,
    BeforeValidator(read_owner),
    WithJsonSchema(_SCHEMA),
    Path(description="An owner; it need not have a key yet."),
]
OwnerQuery = Annotated[OwnerName, Query(description="Of this owner alone.")]
