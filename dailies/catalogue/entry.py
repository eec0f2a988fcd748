"""What all entries of the catalogue's file are made of."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict

from dailies.video.basics import Size

__all__ = ["Entry", "PictureSize"]


class Entry(BaseModel):
    """An entry of the catalogue's file: unknown fields are mistakes."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _parse_size(value: object) -> object:
    return Size.parse(value) if isinstance(value, str) else value


PictureSize = Annotated[Size, BeforeValidator(_parse_size)]
