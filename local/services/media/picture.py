"""Pictures in the encoder's own colours.

Frames are kept as the three planes of ``yuv420p`` (BT.709, limited range) from the start: panning,
zooming and writing on 8-bit planes costs a fraction of converting every frame from RGB, and that
conversion was most of the time it took to make a video.
"""

from __future__ import annotations

from dataclasses import dataclass

from av import VideoFrame
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc
from PIL import Image

WHITE = 235  # limited-range luma
BLACK = 16
NEUTRAL = 128  # chroma without colour

Box = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Picture:
    """One frame: luma at full size, the two chroma planes at half width and height."""

    y: Image.Image
    u: Image.Image
    v: Image.Image

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.y.size

    def crop(self, left: int, top: int, width: int, height: int) -> Picture:
        """The part of ``width`` x ``height`` at an even offset, copied."""
        half = (left // 2, top // 2, (left + width) // 2, (top + height) // 2)
        return Picture(
            self.y.crop((left, top, left + width, top + height)),
            self.u.crop(half),
            self.v.crop(half),
        )

    def within(self, edge: int) -> Picture:
        """The whole picture, its longer side made ``edge`` pixels long."""
        share = edge / max(self.size)
        width, height = (max(1, round(length * share)) for length in self.size)
        half = (-(-width // 2), -(-height // 2))
        smooth = Image.Resampling.BILINEAR
        return Picture(
            self.y.resize((width, height), smooth, reducing_gap=2.0),
            self.u.resize(half, smooth, reducing_gap=2.0),
            self.v.resize(half, smooth, reducing_gap=2.0),
        )

    def zoom(self, factor: float) -> Picture:
        """The middle of the picture, enlarged by ``factor`` (1.0 leaves it as it is)."""
        if factor == 1.0:
            return self.copy()
        return Picture(*(_zoomed(plane, factor) for plane in (self.y, self.u, self.v)))

    def blend(self, other: Picture, weight: float) -> Picture:
        """This picture at ``weight`` 0, ``other`` at 1, a mix between."""
        return Picture(
            Image.blend(self.y, other.y, weight),
            Image.blend(self.u, other.u, weight),
            Image.blend(self.v, other.v, weight),
        )

    def copy(self) -> Picture:
        """A picture of its own, to write on."""
        return Picture(self.y.copy(), self.u.copy(), self.v.copy())

    def stamp(self, mask: Image.Image, half: Image.Image, at: tuple[int, int], luma: int) -> None:
        """Paint grey of brightness ``luma`` through ``mask`` at an even offset, in place.

        ``half`` is the mask at half its size, which takes the colour away.
        """
        self.y.paste(luma, at, mask)
        for plane in (self.u, self.v):
            plane.paste(NEUTRAL, (at[0] // 2, at[1] // 2), half)

    def fill(self, box: Box, luma: int) -> None:
        """Fill a rectangle with grey, in place."""
        self.y.paste(luma, box)
        half = (box[0] // 2, box[1] // 2, max(box[2] // 2, box[0] // 2), (box[3] + 1) // 2)
        for plane in (self.u, self.v):
            plane.paste(NEUTRAL, half)


def from_rgb(image: Image.Image) -> Picture:
    """Convert a picture of even width and height; transparency is laid over black."""
    if "A" in image.getbands():
        backdrop = Image.new("RGBA", image.size, (0, 0, 0, 255))
        image = Image.alpha_composite(backdrop, image.convert("RGBA"))
    width, height = image.size
    frame = VideoFrame(width, height, "rgba")
    plane = frame.planes[0]
    plane.update(image.convert("RGBA").crop((0, 0, plane.line_size // 4, height)).tobytes())
    return from_frame(
        frame.reformat(
            format="yuv420p",
            dst_colorspace=Colorspace.ITU709,
            dst_color_range=ColorRange.MPEG,
        )
    )


def from_frame(frame: VideoFrame) -> Picture:
    """Take the planes of a ``yuv420p`` frame."""
    planes = []
    for plane in frame.planes:
        wide = Image.frombuffer("L", (plane.line_size, plane.height), bytes(plane))
        planes.append(wide.crop((0, 0, plane.width, plane.height)))
    return Picture(*planes)


def to_frame(picture: Picture) -> VideoFrame:
    """A frame for the encoder, tagged with its colours so that players show them right."""
    width, height = picture.size
    frame = VideoFrame(width, height, "yuv420p")
    for plane, pixels in zip(frame.planes, (picture.y, picture.u, picture.v), strict=True):
        # Rows may be padded for alignment; cropping beyond the edge adds just that padding.
        plane.update(pixels.crop((0, 0, plane.line_size, plane.height)).tobytes())
    frame.colorspace = Colorspace.ITU709
    frame.color_range = ColorRange.MPEG
    frame.color_primaries = ColorPrimaries.BT709
    frame.color_trc = ColorTrc.BT709
    return frame


def to_rgb(picture: Picture) -> Image.Image:
    """The picture as RGB, for stills."""
    width, height = picture.size
    frame = to_frame(picture).reformat(format="rgba", src_colorspace=Colorspace.ITU709)
    plane = frame.planes[0]
    wide = Image.frombuffer("RGBA", (plane.line_size // 4, height), bytes(plane))
    return wide.crop((0, 0, width, height)).convert("RGB")


def _zoomed(plane: Image.Image, factor: float) -> Image.Image:
    width, height = plane.size
    left, top = width * (1 - 1 / factor) / 2, height * (1 - 1 / factor) / 2
    box = (left, top, width - left, height - top)
    return plane.transform(
        plane.size, Image.Transform.EXTENT, box, resample=Image.Resampling.BILINEAR
    )
