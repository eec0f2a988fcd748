"""What a model can't do together: references with a first frame, a length or a size with neither.

Models take most things one by one. Which of them go together is data of a deployment as well, of
its row or of its provider's declaration, so that a request that can't be made is refused before it
is accepted, and a deployment that can't make it is never chosen.
"""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from dailies.catalogue.entry import Entry, PictureSize

__all__ = ["FIELDS", "FRAMES_OR_REFERENCES", "Limit", "Part"]


class Part(StrEnum):
    """What a request may have beside a prompt, a length and a size."""

    FIRST_FRAME = "first_frame"
    LAST_FRAME = "last_frame"
    REFERENCES = "references"
    SEED = "seed"
    NEGATIVE_PROMPT = "negative_prompt"
    SOUND = "sound"
    """A choice of sound, whichever."""
    OPTIONS = "options"

    @property
    def param(self) -> str:
        """The field of a request that asks for it."""
        return _PARAMS[self]

    @property
    def words(self) -> str:
        """What a caller calls it."""
        return _WORDS[self]


_PARAMS = {
    Part.FIRST_FRAME: "input_reference",
    Part.LAST_FRAME: "frame_images",
    Part.REFERENCES: "input_references",
    Part.SEED: "seed",
    Part.NEGATIVE_PROMPT: "negative_prompt",
    Part.SOUND: "generate_audio",
    Part.OPTIONS: "provider_options",
}
_WORDS = {part: f"'{param}'" for part, param in _PARAMS.items()} | {
    Part.FIRST_FRAME: "a first frame",
    Part.LAST_FRAME: "a last frame",
    Part.REFERENCES: "images to look like",
}

FIELDS = {part: part.value for part in Part} | {
    Part.FIRST_FRAME: "reference",
    Part.REFERENCES: "max_references",
    Part.OPTIONS: "takes_options",
}
"""The field of a deployment that promises it."""


class Limit(Entry):
    """What holds of requests that have a certain part.

    Attributes:
        when: the part.
        without: what it can't be had together with.
        needs: what it can't be had without.
        sizes, seconds: those at which it can be had; None for all.
    """

    when: Part
    without: tuple[Part, ...] = ()
    needs: tuple[Part, ...] = ()
    sizes: Annotated[tuple[PictureSize, ...], Field(min_length=1)] | None = None
    seconds: Annotated[tuple[int, ...], Field(min_length=1)] | None = None

    def broken_by(self, parts: Collection[Part]) -> str | None:
        """Why a request that has these parts can't be made; None where that stands in no way."""
        if self.when not in parts:
            return None
        amiss = [part.words for part in self.without if part in parts]
        if amiss:
            return f"It takes {self.when.words} or {' or '.join(amiss)}, not both."
        lacking = [part.words for part in self.needs if part not in parts]
        return f"It takes {self.when.words} only with {' and '.join(lacking)}." if lacking else None


FRAMES_OR_REFERENCES = (
    Limit(when=Part.REFERENCES, without=(Part.FIRST_FRAME, Part.LAST_FRAME)),
    Limit(when=Part.LAST_FRAME, needs=(Part.FIRST_FRAME,)),
)
"""A model that starts from frames, or from images to look like, and ends with a frame only where it
also starts with one."""
