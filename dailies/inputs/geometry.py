"""How a picture is laid into a frame: pure arithmetic on sizes and boxes.

Boxes are ``(left, top, right, bottom)`` in pixels, fractions of pixels allowed. *Stored*
coordinates are those of the file; *upright* ones are what a viewer shows once the EXIF orientation
is applied.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from dailies.video.basics import Size
from dailies.video.framing import Box

__all__ = [
    "contained_size",
    "covering_box",
    "nearest_size",
    "stored_box",
    "swaps_axes",
]


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
