"""Bring a reference image to exactly the size that a model wants.

A video starts from its reference image, and providers refuse one whose pixel size is not that of
the video. ``fit`` takes what people have (a phone's sideways JPEG, a print shop's CMYK, a PNG with
transparency) and gives an sRGB picture of the exact size, without metadata: a PNG, or a JPEG where
that would be large, as providers take a few megabytes within a request.

Everything here is synchronous and busy: call it in a thread, and one at a time, as each takes what
memory its decoder needs (``ImageInfo.bytes_per_pixel``).
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, field

from PIL import Image, ImageCms

from dailies.inputs.decoding import decoding, open_picture, resized
from dailies.inputs.geometry import (
    contained_size,
    covering_box,
    nearest_size,
    stored_box,
    swaps_axes,
)
from dailies.inputs.headers import check
from dailies.inputs.image_info import ImageFormat
from dailies.video.basics import Size
from dailies.video.framing import Box, CropBounds, FitMode

__all__ = [
    "BLACK",
    "LARGEST_PICTURE",
    "Color",
    "Fitted",
    "fit",
]

Color = tuple[int, int, int]
BLACK: Color = (0, 0, 0)
LARGEST_PICTURE = 3 * 1024**2
"""Bytes of a PNG that is sent as it is: the strictest provider takes 5 MB as base64."""
_QUALITY = 95

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
        data: a PNG or JPEG, 8 bits per channel, RGB, sRGB, no metadata.
        size: its size in pixels, exactly as wanted.
        original_size: the upright size of what came in.
    """

    data: bytes = field(repr=False)
    size: Size
    original_size: Size
    original_format: ImageFormat
    content_type: str


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
    as_jpeg: bool = False,
) -> Fitted:
    """Fit an image into a frame.

    The orientation that Exif or XMP tell is applied, then ``crop``, then the rest is laid into the
    frame by ``mode``. Colours are brought to sRGB by the embedded profile. Of an animation the
    first frame counts. Bytes behind the image (a phone's motion photo) are ignored.

    Args:
        data: a whole JPEG, PNG, WebP, HEIC or AVIF; its content decides, not its name.
        size: the frame in pixels; None chooses the one of ``sizes`` whose shape is nearest.
        sizes: what to choose from; the first of equals wins.
        max_pixels: refuse more pixels than this, before anything is decoded.
        background: sRGB colour of the bars of ``contain``, and behind transparent pixels.
        crop: the part of the upright image to use; None for all of it.
        as_jpeg: whatever its size; a PNG takes as long to write as all the rest.

    Raises:
        UnusableReference: whatever is wrong with the bytes: ``invalid_image``,
            ``unsupported_image_type`` or ``image_too_large``. No other exception comes of them.
        ValueError: when there is neither ``size`` nor ``sizes``.
    """
    if size is None and not sizes:
        raise ValueError("fit needs a size, or sizes to choose from")
    info = check(data, max_pixels=max_pixels)
    with decoding(info.format):
        picture = open_picture(data, info)
        width, height = picture.size
        upright = Size(height, width) if swaps_axes(info.orientation) else Size(width, height)
        region = (crop or CropBounds()).box(upright.width, upright.height)
        frame = size or nearest_size(region[2] - region[0], region[3] - region[1], sizes)
        layout = _lay_out(region, frame, mode)
        box = stored_box(layout.source, info.orientation, width, height)
        scaled = resized(picture, box, _stored(layout.scaled, info.orientation))
        profile = picture.profile
        del picture  # the memory of the whole picture
        image, mask = _to_srgb(scaled, profile)
    if info.orientation in _TURN:
        image = image.transpose(_TURN[info.orientation])
        mask = None if mask is None else mask.transpose(_TURN[info.orientation])
    canvas = Image.new("RGB", (frame.width, frame.height), background)
    canvas.paste(image, layout.offset, mask)
    made, content_type = _encoded(canvas, LARGEST_PICTURE if not as_jpeg else 0)
    return Fitted(made, frame, upright, info.format, content_type)


def _stored(size: Size, orientation: int) -> tuple[int, int]:
    """A size of the upright picture, as it is before turning."""
    if swaps_axes(orientation):
        return size.height, size.width
    return size.width, size.height


def _lay_out(region: Box, frame: Size, mode: FitMode) -> _Layout:
    if mode is FitMode.COVER:
        return _Layout(covering_box(region, frame), frame, (0, 0))
    if mode is FitMode.STRETCH:
        return _Layout(region, frame, (0, 0))
    scaled = contained_size(region, frame)
    offset = ((frame.width - scaled.width) // 2, (frame.height - scaled.height) // 2)
    return _Layout(region, scaled, offset)


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


def _encoded(image: Image.Image, largest_png: int) -> tuple[bytes, str]:
    buffer = io.BytesIO()
    if largest_png:
        image.save(buffer, "PNG")
        if buffer.tell() <= largest_png:
            return buffer.getvalue(), "image/png"
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=_QUALITY, subsampling=0)
    return buffer.getvalue(), "image/jpeg"
