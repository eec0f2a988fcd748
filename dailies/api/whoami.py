"""Who is calling, as the app sees it."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from dailies.api.context import SECURITY, Caller
from dailies.api.documents import answers

__all__ = ["router"]

router = APIRouter(tags=["operations"], dependencies=SECURITY)


class Identity(BaseModel):
    """Whose videos a request is about, and whether it may do what operators may."""

    object: Literal["identity"] = "identity"
    owner: str
    key_id: str = Field(description="Names the key, and is no secret.")
    operator: bool


@router.get("/whoami", response_model=Identity, responses=answers())
async def whoami(caller: Caller) -> Identity:
    """Whose key or token came with the request."""
    return Identity(owner=caller.name, key_id=caller.key.id, operator=caller.is_operator)
