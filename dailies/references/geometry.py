"""How a picture is laid into a frame: pure arithmetic on sizes and boxes.

Boxes are ``(left, top, right, bottom)`` in pixels, fractions of pixels allowed. *Stored*
coordinates are those of the file; *upright* ones are what a viewer shows once the EXIF orientation
is applied.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from dailies.videos import Size

__all__ = [
    "Box",
    "CropBounds",
    "FitMode",
    "contained_size",
    "covering_box",
    "nearest_size",
    "stored_box",
    "swaps_axes",
]

Box = tuple[float, float, float, float]


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


def _at_least_a_pixel(start: float, end: float, length: float) -> tuple[float, float]:
    if end - start >= 1:
        return start, end
    start = max(0.0, min(start, length - 1))
    return start, start + 1


def nearest_size(width: float, height: float, sizes: Sequence[Size]) -> Size:
    """The size whose shape is nearest to that of ``width`` x ``height``; the first of equals.

    Shapes are compared by ratio, so that twice as wide is as far off as half as wide. The
    arithmetic is exact: a square is equally far from 720x1280 and 1280x720.

    Raises:
        ValueError: when there is no size to choose from.
    """
    aspect = Fraction(width) / Fraction(height)

    def distance(size: Size) -> Fraction:
        ratio = aspect * size.height / size.width
        return max(ratio, 1 / ratio)

    return min(sizes, key=distance)


def covering_box(region: Box, size: Size) -> Box:
    """The largest box with the shape of ``size`` in the middle of ``region``."""
    left, top, right, bottom = region
    width, height = right - left, bottom - top
    if width * size.height > height * size.width:
        margin = (width - height * size.width / size.height) / 2
        return (left + margin, top, right - margin, bottom)
    margin = max(0.0, (height - width * size.height / size.width) / 2)
    return (left, top + margin, right, bottom - margin)


def contained_size(region: Box, size: Size) -> Size:
    """The size of ``region`` scaled, in its own shape, to just fit into ``size``."""
    width, height = region[2] - region[0], region[3] - region[1]
    scale = min(size.width / width, size.height / height)
    return Size(
        min(size.width, max(1, round(width * scale))),
        min(size.height, max(1, round(height * scale))),
    )


def swaps_axes(orientation: int) -> bool:
    """Whether that EXIF orientation turns the picture by a quarter."""
    return orientation in (5, 6, 7, 8)


def stored_box(box: Box, orientation: int, width: int, height: int) -> Box:
    """Where a box of the upright picture lies in the file, whose stored size is given.

    Cutting and scaling before turning needs no turned copy of the whole picture.
    """
    left, top, right, bottom = box
    if swaps_axes(orientation):
        left, top, right, bottom = top, left, bottom, right
    if orientation in (2, 3, 7, 8):
        left, right = width - right, width - left
    if orientation in (3, 4, 6, 7):
        top, bottom = height - bottom, height - top
    return (left, top, right, bottom)
