"""Which part of a picture is used, and how it is brought to another shape."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["EDGES", "Box", "CropBounds", "FitMode", "crop_document"]

Box = tuple[float, float, float, float]
"""Left, top, right, bottom."""

EDGES = ("left_fraction", "top_fraction", "right_fraction", "bottom_fraction")


class FitMode(StrEnum):
    """How a picture fills a frame of another shape.

    ``cover`` fills the frame and cuts off what sticks out, evenly on both sides; ``contain`` shows
    the whole picture between bars of the background colour; ``stretch`` distorts it.
    """

    COVER = "cover"
    CONTAIN = "contain"
    STRETCH = "stretch"


@dataclass(frozen=True, slots=True)
class CropBounds:
    """The part of the upright picture to use: its edges as fractions of width and height, 0 to 1.

    The same numbers as ``left_fraction`` … ``bottom_fraction`` of the ``crop_bounds`` of Sora 1.

    Raises:
        ValueError: when the edges leave 0 to 1 or enclose nothing.
    """

    left: float = 0.0
    top: float = 0.0
    right: float = 1.0
    bottom: float = 1.0

    def __post_init__(self) -> None:
        if not (0 <= self.left < self.right <= 1 and 0 <= self.top < self.bottom <= 1):
            raise ValueError(
                "crop bounds must be fractions from 0 to 1 with left < right and top < bottom, "
                f"got left={self.left}, top={self.top}, right={self.right}, bottom={self.bottom}"
            )

    def box(self, width: float, height: float) -> Box:
        """The bounds in pixels of a picture of that size; never less than a pixel each way."""
        left, right = _at_least_a_pixel(self.left * width, self.right * width, width)
        top, bottom = _at_least_a_pixel(self.top * height, self.bottom * height, height)
        return (left, top, right, bottom)


def crop_document(crop: CropBounds) -> dict[str, float]:
    """The bounds as they are written in JSON."""
    return dict(zip(EDGES, (crop.left, crop.top, crop.right, crop.bottom), strict=True))


def _at_least_a_pixel(start: float, end: float, length: float) -> tuple[float, float]:
    if end - start >= 1:
        return start, end
    start = max(0.0, min(start, length - 1))
    return start, start + 1
