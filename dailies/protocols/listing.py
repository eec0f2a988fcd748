"""Lists as OpenAI's protocol answers them, page by page."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Generic, Literal, Self, TypeVar

from pydantic import BaseModel

__all__ = ["Listed", "Page"]


class Listed(BaseModel):
    """What a list may hold. Each has its id where its protocol has it, so it is no field here."""

    if TYPE_CHECKING:
        id: str


_Entry = TypeVar("_Entry", bound=Listed)


class Page(BaseModel, Generic[_Entry]):
    """A page. ``last_id`` is the ``after`` of the next one."""

    object: Literal["list"] = "list"
    data: list[_Entry]
    first_id: str | None
    last_id: str | None
    has_more: bool

    @classmethod
    def of(cls, entries: Iterable[_Entry], *, has_more: bool) -> Self:
        """The page of these entries, after which there are more or not."""
        data = list(entries)
        first, last = (data[0].id, data[-1].id) if data else (None, None)
        return cls(data=data, first_id=first, last_id=last, has_more=has_more)
