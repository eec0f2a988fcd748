"""Names of owners in operators' requests."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query

__all__ = ["OwnerPath", "OwnerQuery"]

_NAME = r"^[a-z0-9][a-z0-9-]{0,62}$"
"""As in the settings; it also fits a partition key."""

OwnerPath = Annotated[str, Path(pattern=_NAME, description="An owner; it need not have a key yet.")]
OwnerQuery = Annotated[str | None, Query(pattern=_NAME, description="Of this owner alone.")]
