"""What is known of an image before it is decoded."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from dailies.inputs.geometry import swaps_axes
from dailies.video.basics import Size
from dailies.video.errors import UnusableReference

__all__ = ["REMEDY", "ImageFormat", "ImageInfo", "broken"]

REMEDY = "Save the picture as JPEG, PNG or WebP"


class ImageFormat(StrEnum):
    """The formats that may be a reference image."""

    JPEG = "jpeg"
    PNG = "png"
    WEBP = "webp"
    HEIC = "heic"
    AVIF = "avif"


@dataclass(frozen=True, slots=True)
class ImageInfo:
    """What the header of an image says.

    ``width`` and ``height`` are in pixels as the decoder gives them; a viewer turns the picture by
    its ``orientation`` (1 to 8, as Exif counts) and shows it in the size ``upright``.

    Attributes:
        bytes_per_pixel: of memory that decoding takes at most, the file itself aside; measured.
        scans: passes over the picture that its decoder makes.
        is_whole: its end is there, as far as it was looked for.
        is_cut: the decoder cuts it to this size, which may come out a pixel smaller.
    """

    format: ImageFormat
    width: int
    height: int
    orientation: int = 1
    bytes_per_pixel: float = field(default=4.0, compare=False)
    scans: int = field(default=1, compare=False)
    is_whole: bool = field(default=True, compare=False)
    is_cut: bool = field(default=False, compare=False)

    @property
    def upright(self) -> Size:
        if swaps_axes(self.orientation):
            return Size(self.height, self.width)
        return Size(self.width, self.height)

    @property
    def pixels(self) -> int:
        return self.width * self.height


def broken(format: ImageFormat, detail: str) -> UnusableReference:
    """The error for a file of this format that can't be read."""
    return UnusableReference(
        f"The file looks like {format.name} but can't be read: {detail}. {REMEDY} again.",
        code="invalid_image",
    )
