"""Pictures as their decoders give them, read strip by strip so that nothing is in memory twice.

Opening is by class and not by ``Image.open``: our own limits have been checked already, and
Pillow's is a global of the process.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from PIL import Image
from PIL.AvifImagePlugin import AvifImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from dailies.inputs.image_info import ImageFormat, ImageInfo
from dailies.video.errors import UnusableReference
from dailies.video.framing import Box

__all__ = ["Picture", "decoding", "open_picture", "resized"]

_OPENERS: dict[ImageFormat, type[ImageFile]] = {
    ImageFormat.JPEG: JpegImageFile,
    ImageFormat.PNG: PngImageFile,
    ImageFormat.WEBP: WebPImageFile,
    ImageFormat.AVIF: AvifImageFile,
}

_REDUCING_GAP = 3.0
"""How much larger than needed a picture may stay after the cheap first reduction, so that the good
filter does the visible part (see ``reducing_gap`` in Pillow's handbook)."""

_SUPPORT = 2.5
"""Pixels on either side that the good filter looks at, of the picture that it makes."""

_STRIP_PIXELS = 2_000_000
_PREMULTIPLIED = {"LA": "La", "RGBA": "RGBa"}
_STRAIGHT = {"La": "LA", "RGBa": "RGBA"}


class Picture(Protocol):
    """A decoded picture, in its stored coordinates."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        ...

    @property
    def profile(self) -> bytes | None:
        """The ICC profile that its colours follow."""
        ...

    def shrink(self, enough: tuple[int, int]) -> float:
        """Decode it smaller where that is cheap, but not smaller than ``enough``; how many times
        smaller it is then."""
        ...

    def part(self, box: tuple[int, int, int, int]) -> Image.Image:
        """A part of it, in 8 bits per channel and a mode that can be scaled smoothly."""
        ...


@contextmanager
def decoding(format: ImageFormat) -> Iterator[None]:
    """Turn whatever a decoder makes of hostile or broken bytes into ``UnusableReference``."""
    try:
        yield
    except (UnusableReference, MemoryError):
        raise
    except Image.DecompressionBombError as error:
        raise UnusableReference(
            "The image has more pixels than can be decoded. Scale it down.", code="image_too_large"
        ) from error
    # Pillow's parsers raise SyntaxError, struct.error, KeyError, zlib.error, OSError and more,
    # and promise no list; only decoding runs in here.
    except Exception as error:
        raise UnusableReference(
            f"The {format.name} is damaged or incomplete and can't be decoded ({error}). "
            "Save it anew, and see that it is uploaded whole.",
            code="invalid_image",
        ) from error


def open_picture(data: bytes, info: ImageInfo) -> Picture:
    """The picture in ``data``, whose header is known. Call it, and what it gives, in ``decoding``.

    Raises:
        UnusableReference: the decoder sees another size than the header.
    """
    picture = (
        _HeicPicture(data)
        if info.format is ImageFormat.HEIC
        else _PillowPicture(_OPENERS[info.format](io.BytesIO(data)))
    )
    width, height = picture.size
    is_same = (width, height) == (info.width, info.height)
    if not is_same and not (info.is_cut and width * height <= info.pixels):
        raise UnusableReference(
            f"The {info.format.name} gives two different sizes, {info.width}x{info.height} and "
            f"{width}x{height}. Save it anew.",
            code="invalid_image",
        )
    return picture


def resized(picture: Picture, box: Box, size: tuple[int, int]) -> Image.Image:
    """The part ``box`` of a picture brought to ``size``.

    A large part is made smaller by whole factors first, strip by strip: no copy of it in other
    colours is ever whole in memory beside what the decoder gave.
    """
    wanted_x, wanted_y = size[0] / (box[2] - box[0]), size[1] / (box[3] - box[1])
    enough = (
        max(1, math.ceil(picture.size[0] * wanted_x * _REDUCING_GAP)),
        max(1, math.ceil(picture.size[1] * wanted_y * _REDUCING_GAP)),
    )
    by = picture.shrink(enough)
    left, top, right, bottom = (edge / by for edge in box)
    right, bottom = min(right, picture.size[0]), min(bottom, picture.size[1])
    image, inner = _reduced(picture, (left, top, right, bottom), size)
    image = image.resize(size, Image.Resampling.LANCZOS, inner)
    return image.convert(_STRAIGHT[image.mode]) if image.mode in _STRAIGHT else image


def _reduced(picture: Picture, box: Box, size: tuple[int, int]) -> tuple[Image.Image, Box]:
    """The surroundings of ``box``, made smaller by whole factors, and where ``box`` is in them."""
    left, top, right, bottom = box
    factors = (
        max(1, int((right - left) / size[0] / _REDUCING_GAP)),
        max(1, int((bottom - top) / size[1] / _REDUCING_GAP)),
    )
    # As far as the filter looks beyond the box.
    rim_x, rim_y = _SUPPORT * (right - left) / size[0], _SUPPORT * (bottom - top) / size[1]
    outer = (
        max(0, int(left - rim_x)),
        max(0, int(top - rim_y)),
        min(picture.size[0], math.ceil(right + rim_x)),
        min(picture.size[1], math.ceil(bottom + rim_y)),
    )
    image = _strips(picture, outer, factors)
    inner = (
        (left - outer[0]) / factors[0],
        (top - outer[1]) / factors[1],
        min((right - outer[0]) / factors[0], image.width),
        min((bottom - outer[1]) / factors[1], image.height),
    )
    return image, inner


def _strips(
    picture: Picture, box: tuple[int, int, int, int], factors: tuple[int, int]
) -> Image.Image:
    """A part of the picture, each strip of it made smaller by itself."""
    left, top, right, bottom = box
    size = (math.ceil((right - left) / factors[0]), math.ceil((bottom - top) / factors[1]))
    rows = max(1, _STRIP_PIXELS // (right - left) // factors[1])
    image: Image.Image | None = None
    for row in range(0, size[1], rows):
        start = top + row * factors[1]
        strip = picture.part((left, start, right, min(bottom, start + rows * factors[1])))
        if strip.mode in _PREMULTIPLIED:
            # Else the colours of hidden pixels would show at the rim of what is seen.
            strip = strip.convert(_PREMULTIPLIED[strip.mode])
        if factors != (1, 1):
            strip = strip.reduce(factors)
        if strip.size == size:
            return strip
        if image is None:
            image = Image.new(strip.mode, size)
        image.paste(strip, (0, row))
    assert image is not None  # noqa: S101 - a part has at least a row
    return image


class _PillowPicture:
    """A picture that Pillow decodes."""

    def __init__(self, image: ImageFile) -> None:
        self._image = image

    @property
    def size(self) -> tuple[int, int]:
        return self._image.size

    @property
    def profile(self) -> bytes | None:
        found: bytes | None = self._image.info.get("icc_profile")
        return found

    def shrink(self, enough: tuple[int, int]) -> float:
        if not isinstance(self._image, JpegImageFile):
            return 1.0
        width = self._image.width
        drafted = self._image.draft(None, enough)
        return width / drafted[1][2] if drafted else 1.0

    def part(self, box: tuple[int, int, int, int]) -> Image.Image:
        self._image.load()
        return _plain(self._image.crop(box))


class _HeicPicture:
    """A picture that libheif decodes, turns and mirrors."""

    def __init__(self, data: bytes) -> None:
        # Imported here: few pictures need it.
        import pillow_heif

        options = pillow_heif.options
        options.THUMBNAILS = options.DEPTH_IMAGES = options.AUX_IMAGES = False
        options.DECODE_THREADS = 1
        self._file = pillow_heif.open_heif(data, convert_hdr_to_8bit=True, remove_stride=False)

    @property
    def size(self) -> tuple[int, int]:
        width, height = self._file.size
        return width, height

    @property
    def profile(self) -> bytes | None:
        found: bytes | None = self._file.info.get("icc_profile")
        return found

    def shrink(self, enough: tuple[int, int]) -> float:
        return 1.0

    def part(self, box: tuple[int, int, int, int]) -> Image.Image:
        left, top, right, bottom = box
        rows = memoryview(self._file.data)[top * self._file.stride : bottom * self._file.stride]
        size, mode = (self._file.size[0], bottom - top), self._file.mode
        strip = Image.frombytes(mode, size, rows, "raw", mode, self._file.stride)
        return strip if (left, right) == (0, size[0]) else strip.crop((left, 0, right, size[1]))


def _plain(image: Image.Image) -> Image.Image:
    """The same picture in a mode of 8 bits per channel that can be scaled smoothly."""
    if image.mode.startswith("I;16"):
        # ``convert`` would clip all above 255 to white. A transparent grey, if there is one, is of
        # 16 bits and lost; so it is with colours below.
        image = image.point(lambda value: value * (1 / 256)).convert("L")
        image.info.pop("transparency", None)
    key = image.info.get("transparency")
    if isinstance(key, int | tuple) and max(key if isinstance(key, tuple) else (key,)) > 255:
        image.info.pop("transparency")
    if image.has_transparency_data:
        return image if image.mode in ("LA", "RGBA") else image.convert("RGBA")
    if image.mode in ("L", "RGB", "CMYK"):
        return image
    return image.convert("L" if image.mode == "1" else "RGB")
