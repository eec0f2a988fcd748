"""Bring a reference image to exactly the size that a model wants.

A video starts from its reference image, and providers refuse one whose pixel size is not that of
the video. ``fit`` takes what people have (a phone's sideways JPEG, a print shop's CMYK, a PNG with
transparency) and gives an sRGB PNG of the exact size, without metadata.

Everything here is synchronous and busy: call it in a thread. One picture is decoded at a time.
"""

from __future__ import annotations

import io
import math
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from PIL import Image, ImageCms
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from dailies.errors import UnusableReference
from dailies.references.geometry import (
    Box,
    CropBounds,
    FitMode,
    contained_size,
    covering_box,
    nearest_size,
    stored_box,
    swaps_axes,
)
from dailies.references.headers import ImageFormat, ImageInfo, check, probe
from dailies.videos import Size

__all__ = [
    "BLACK",
    "Color",
    "CropBounds",
    "FitMode",
    "Fitted",
    "ImageFormat",
    "ImageInfo",
    "check",
    "fit",
    "probe",
]

Color = tuple[int, int, int]
BLACK: Color = (0, 0, 0)

_Opened = JpegImageFile | PngImageFile | WebPImageFile
# Opening by class and not by ``Image.open``: our own limit has been checked already, and Pillow's
# is a global of the process.
_OPENERS: dict[ImageFormat, type[_Opened]] = {
    ImageFormat.JPEG: JpegImageFile,
    ImageFormat.PNG: PngImageFile,
    ImageFormat.WEBP: WebPImageFile,
}

# How much larger than needed a picture may stay after the cheap first reduction, so that the good
# filter does the visible part (see ``reducing_gap`` in Pillow's handbook).
_REDUCING_GAP = 3.0

# A picture of 50 megapixels takes up to 0.8 GB for a second or two (WebP; a JPEG 70 to 200 MB).
# More threads would finish no sooner, as decoding keeps a processor busy, but need as much each.
_ONE_AT_A_TIME = threading.Lock()

_TURN = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True, slots=True)
class Fitted:
    """A reference image ready to be sent.

    Attributes:
        data: a PNG, 8 bits per channel, RGB, sRGB, no metadata.
        size: its size in pixels, exactly as wanted.
        original_size: the upright size of what came in.
    """

    data: bytes = field(repr=False)
    size: Size
    original_size: Size
    original_format: ImageFormat
    content_type: str = "image/png"


@dataclass(frozen=True, slots=True)
class _Layout:
    """What to take from the stored picture, the size to bring it to, and where to put it."""

    source: Box
    scaled: Size
    offset: tuple[int, int]


def fit(
    data: bytes,
    *,
    size: Size | None,
    sizes: Sequence[Size] = (),
    mode: FitMode = FitMode.COVER,
    max_pixels: int,
    background: Color = BLACK,
    crop: CropBounds | None = None,
) -> Fitted:
    """Fit an image into a frame.

    The EXIF orientation is applied, then ``crop``, then the rest is laid into the frame by
    ``mode``. Colours are brought to sRGB by the embedded profile. Of an animation the first frame
    counts. Bytes behind the image (a phone's motion photo) are ignored.

    Args:
        data: a whole JPEG, PNG or WebP; its content decides, not its name.
        size: the frame in pixels; None chooses the one of ``sizes`` whose shape is nearest.
        sizes: what to choose from; the first of equals wins.
        max_pixels: refuse more pixels than this, before anything is decoded.
        background: sRGB colour of the bars of ``contain``, and behind transparent pixels.
        crop: the part of the upright image to use; None for all of it.

    Raises:
        UnusableReference: whatever is wrong with the bytes: ``invalid_image``,
            ``unsupported_image_type`` or ``image_too_large``. No other exception comes of them.
        ValueError: when there is neither ``size`` nor ``sizes``.
    """
    if size is None and not sizes:
        raise ValueError("fit needs a size, or sizes to choose from")
    info = check(data, max_pixels=max_pixels)
    with _ONE_AT_A_TIME, _decoding(info.format):
        image = _open(data, info)
        region = (crop or CropBounds()).box(info.upright.width, info.upright.height)
        frame = size or nearest_size(region[2] - region[0], region[3] - region[1], sizes)
        layout = _lay_out(region, frame, mode)
        scaled = _scale(image, layout, info.orientation)
        picture, mask = _to_srgb(scaled, image.info.get("icc_profile"))
    if info.orientation in _TURN:
        picture = picture.transpose(_TURN[info.orientation])
        mask = None if mask is None else mask.transpose(_TURN[info.orientation])
    canvas = Image.new("RGB", (frame.width, frame.height), background)
    canvas.paste(picture, layout.offset, mask)
    return Fitted(_png(canvas), frame, info.upright, info.format)


@contextmanager
def _decoding(format: ImageFormat) -> Iterator[None]:
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


def _open(data: bytes, info: ImageInfo) -> _Opened:
    image = _OPENERS[info.format](io.BytesIO(data))
    if image.size != (info.width, info.height):
        raise UnusableReference(
            f"The {info.format.name} gives two different sizes, {info.width}x{info.height} and "
            f"{image.width}x{image.height}. Save it anew.",
            code="invalid_image",
        )
    if not isinstance(image, JpegImageFile):  # which is decoded once the scale is known
        image.load()
    return image


def _lay_out(region: Box, frame: Size, mode: FitMode) -> _Layout:
    if mode is FitMode.COVER:
        return _Layout(covering_box(region, frame), frame, (0, 0))
    if mode is FitMode.STRETCH:
        return _Layout(region, frame, (0, 0))
    scaled = contained_size(region, frame)
    offset = ((frame.width - scaled.width) // 2, (frame.height - scaled.height) // 2)
    return _Layout(region, scaled, offset)


def _scale(image: _Opened, layout: _Layout, orientation: int) -> Image.Image:
    """Cut and scale in stored coordinates; the result still has to be turned upright."""
    box = stored_box(layout.source, orientation, image.width, image.height)
    width, height = layout.scaled.width, layout.scaled.height
    if swaps_axes(orientation):
        width, height = height, width
    reduction = 1.0
    if isinstance(image, JpegImageFile):
        reduction = _draft(image, width / (box[2] - box[0]), height / (box[3] - box[1]))
    left, top, right, bottom = (edge / reduction for edge in box)
    pixels = _resizable(image)
    return pixels.resize(
        (width, height),
        Image.Resampling.LANCZOS,
        (max(0.0, left), max(0.0, top), min(right, pixels.width), min(bottom, pixels.height)),
        reducing_gap=_REDUCING_GAP,
    )


def _draft(image: JpegImageFile, scale_x: float, scale_y: float) -> float:
    """Have a large JPEG decoded at 1/2, 1/4 or 1/8, as far as the result stays sharp.

    Returns how many times smaller it will be. A photo of 50 megapixels needs 150 MB whole.
    """
    enough = (
        max(1, math.ceil(image.width * scale_x * _REDUCING_GAP)),
        max(1, math.ceil(image.height * scale_y * _REDUCING_GAP)),
    )
    full_width = image.width
    drafted = image.draft(None, enough)
    return full_width / drafted[1][2] if drafted else 1.0


def _resizable(image: Image.Image) -> Image.Image:
    """The same picture in a mode of 8 bits per channel that can be scaled smoothly."""
    image.load()
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


def _to_srgb(image: Image.Image, profile: bytes | None) -> tuple[Image.Image, Image.Image | None]:
    """The picture in sRGB, and its transparency, if any, as a mask."""
    mask = None
    if image.mode in ("LA", "RGBA"):
        mask = image.getchannel("A")
        image = image.convert(image.mode[:-1])
    if profile:
        try:
            converted = ImageCms.profileToProfile(
                image,
                ImageCms.ImageCmsProfile(io.BytesIO(profile)),
                ImageCms.createProfile("sRGB"),
                outputMode="RGB",
            )
        except (ImageCms.PyCMSError, OSError):
            converted = None  # broken, or for other colours than the picture has: as good as none
        if converted is not None:
            return converted, mask
    return image.convert("RGB"), mask


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()
