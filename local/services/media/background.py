"""A soft, slowly drifting field of coloured light for videos without an input."""

from __future__ import annotations

import colorsys
import math
import random
from functools import lru_cache

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from local.services.media.picture import Picture, from_rgb
from local.services.media.spec import FRAME_RATE

_MARGIN = 0.45  # how much larger than the frame the field is, as a fraction
_REDUCTION = 8  # light is blurred anyway, so it is drawn small and enlarged


class Background:
    """A field larger than the frame, over which the frame wanders."""

    def __init__(self, width: int, height: int, seed: int) -> None:
        self._size = (width, height)
        self._reach = (_even(width * _MARGIN / 2), _even(height * _MARGIN / 2))
        rng = random.Random(seed)
        self._phase = rng.uniform(0, 2 * math.pi)
        field = (width + 2 * self._reach[0], height + 2 * self._reach[1])
        self._field = from_rgb(_paint(field, rng))

    def at(self, frame: int) -> Picture:
        """The part of the field that frame number ``frame`` shows."""
        turn = self._phase + frame / FRAME_RATE * 0.42
        # Offsets are even because a chroma sample covers two by two pixels.
        left = self._reach[0] + _even(self._reach[0] * 0.96 * math.cos(turn))
        top = self._reach[1] + _even(self._reach[1] * 0.96 * math.sin(turn * 0.8))
        return self._field.crop(left, top, *self._size)


def _paint(size: tuple[int, int], rng: random.Random) -> Image.Image:
    small = (max(32, size[0] // _REDUCTION), max(32, size[1] // _REDUCTION))
    hue = rng.random()
    field = Image.new("RGB", small, _colour(hue, 0.8, 0.09))
    reach = max(small)
    for shift, brightness, extent in (
        (0.00, 0.42, 0.32),
        (0.08, 0.36, 0.24),
        (-0.10, 0.32, 0.26),
        (0.48, 0.34, 0.20),
        (0.14, 0.50, 0.12),
        (-0.04, 0.62, 0.10),
    ):
        light = Image.new("RGB", small)
        radius = reach * extent * rng.uniform(0.8, 1.2)
        x, y = rng.uniform(0.1, 0.9) * small[0], rng.uniform(0.1, 0.9) * small[1]
        ImageDraw.Draw(light).ellipse(
            (x - radius, y - radius, x + radius, y + radius),
            fill=_colour((hue + shift) % 1, 0.86, brightness),
        )
        field = ImageChops.screen(field, light.filter(ImageFilter.GaussianBlur(radius * 0.55)))
    large = field.resize(size, Image.Resampling.BICUBIC)
    # A little noise keeps eight-bit gradients from showing as bands.
    return ImageChops.overlay(large, _grain(size))


@lru_cache(maxsize=4)
def _grain(size: tuple[int, int]) -> Image.Image:
    """Noise that all videos of a size share: making it takes as long as ten frames."""
    return Image.effect_noise(size, 6).convert("RGB")


def _colour(hue: float, saturation: float, brightness: float) -> tuple[int, int, int]:
    red, green, blue = colorsys.hsv_to_rgb(hue, saturation, brightness)
    return round(red * 255), round(green * 255), round(blue * 255)


def _even(value: float) -> int:
    return int(value) // 2 * 2
