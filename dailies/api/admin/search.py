"""What operators search the videos of all owners by: the query of that list."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, Field, WithJsonSchema

from dailies.api.admin.names import OwnerName
from dailies.api.paging import cursor, page_size
from dailies.protocols.messages import too_long, unsupported
from dailies.stores.search import Search
from dailies.video.basics import Phase, Status
from dailies.video.errors import InvalidRequest

__all__ = ["SearchQuery"]

_LONGEST = 256
_LONGEST_BLOB = 1024  # as names of blobs; all together have to fit into a request's first line
_MOST_DIGITS = 11  # of Unix seconds; ids have room for no later time

Word = TypeVar("Word", bound=StrEnum)


def _schema(**schema: Any) -> WithJsonSchema:
    return WithJsonSchema(schema)


_Text = Annotated[str | None, _schema(type="string", maxLength=_LONGEST)]
_BlobName = Annotated[str | None, _schema(type="string", maxLength=_LONGEST_BLOB)]
_Time = Annotated[
    str | None,
    _schema(
        anyOf=[
            {"type": "integer", "minimum": 0, "maximum": 10**_MOST_DIGITS - 1},
            {"type": "string", "format": "date-time"},
        ]
    ),
]


class SearchQuery(BaseModel):
    """Every condition holds; a text that is empty is none."""

    status: Annotated[str | None, _schema(type="string", enum=list(Status))] = None
    phase: Annotated[str | None, _schema(type="string", enum=list(Phase))] = None
    owner: OwnerName = None
    key_id: _Text = Field(default=None, description="The id of the key that it was made with.")
    tag: _Text = Field(default=None, description="One of the tags of that key.")
    user: _Text = Field(default=None, description="The end user, as the request named it.")
    model: _Text = Field(default=None, description="By its name, not by an alias.")
    provider: _Text = None
    deployment: _Text = None
    code: _Text = Field(default=None, description="Of the error that it ended with.")
    blob: _BlobName = Field(
        default=None, description="What the name of the dropped image begins with."
    )
    created_after: _Time = Field(
        default=None, description="Unix seconds, or a date with time and zone; that moment too."
    )
    created_before: _Time = Field(default=None, description="The same, without that moment.")
    after: Annotated[str | None, _schema(type="string", pattern="^video_[0-9a-f]{32}$")] = Field(
        default=None, description="Where the page begins: the `after` of the page before."
    )
    limit: Annotated[str | None, _schema(type="integer", minimum=1, maximum=100)] = Field(
        default=None, description="How many videos, 1 to 100; 20 if not given."
    )

    def search(self) -> Search:
        """The search that is asked for.

        Raises:
            InvalidRequest: naming the first parameter that is wrong.
        """
        names = ("key_id", "tag", "user", "model", "provider", "deployment", "code")
        texts = {name: _text(name, getattr(self, name)) for name in names}
        return Search(
            status=_one_of("status", self.status, Status),
            phase=_one_of("phase", self.phase, Phase),
            created_after=_time("created_after", self.created_after),
            created_before=_time("created_before", self.created_before),
            owner=self.owner,
            blob=_text("blob", self.blob, longest=_LONGEST_BLOB),
            **texts,
        )

    def place(self) -> tuple[str | None, int]:
        """After which id the page begins, and how many videos it holds.

        Raises:
            InvalidRequest: naming the first of the two that is wrong.
        """
        return cursor(self.after), page_size(self.limit)


def _text(name: str, value: str | None, longest: int = _LONGEST) -> str | None:
    if value is not None and len(value) > longest:
        raise too_long(name, longest, len(value))
    if value and not value.isprintable():
        # Storage takes none of these in what it is asked for, and nothing has such a name.
        raise InvalidRequest(
            f"Invalid '{name}': it holds a control character.", param=name, code="invalid_value"
        )
    return value or None


def _one_of(name: str, value: str | None, words: type[Word]) -> Word | None:
    if value is None:
        return None
    try:
        return words(value)
    except ValueError:
        raise unsupported(name, value, tuple(words)) from None


def _time(name: str, value: str | None) -> float | None:
    if value is None:
        return None
    if value.isascii() and value.isdecimal() and len(value) <= _MOST_DIGITS:
        return float(value)
    try:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is not None:
            return max(0.0, moment.astimezone(UTC).timestamp())
    except (ValueError, OverflowError):
        pass
    raise InvalidRequest(
        f"Invalid '{name}': expected Unix seconds, or a time such as 2026-12-01T08:00:00Z, but got "
        f"'{value[:64]}' instead.",
        param=name,
        code="invalid_value",
    )
