"""The image that the demo drops: a lighthouse at dusk, drawn and not stored."""

from __future__ import annotations

import io
import itertools
import math
import random

from PIL import Image, ImageChops, ImageDraw, ImageFilter

__all__ = ["lighthouse"]

_WIDTH, _HEIGHT = 1600, 1000  # no size that a model takes: the app has to fit it
_HORIZON = 640
_SUN = (1130, 560)

_Colour = tuple[int, int, int]
_SKY: tuple[tuple[float, _Colour], ...] = (
    (0.0, (22, 28, 74)),
    (0.45, (120, 62, 120)),
    (0.75, (236, 118, 96)),
    (1.0, (255, 205, 128)),
)


def lighthouse() -> bytes:
    """The picture as PNG, 1600x1000 pixels; the same bytes each time."""
    image = Image.new("RGB", (_WIDTH, _HEIGHT))
    draw = ImageDraw.Draw(image)
    chance = random.Random(7)
    _sky(draw, chance)
    image = _glow(image)
    draw = ImageDraw.Draw(image)
    _hills(draw)
    _sea(draw, chance)
    image = _beam(image)
    draw = ImageDraw.Draw(image)
    _cliff(draw)
    _tower(draw)
    _gulls(draw)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def _gradient(position: float) -> _Colour:
    for (low, start), (high, end) in itertools.pairwise(_SKY):
        if position <= high:
            return _mix(start, end, (position - low) / (high - low))
    return _SKY[-1][1]


def _mix(start: _Colour, end: _Colour, share: float) -> _Colour:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(start, end, strict=True))
    return red, green, blue


def _sky(draw: ImageDraw.ImageDraw, chance: random.Random) -> None:
    for y in range(_HORIZON):
        draw.line([(0, y), (_WIDTH, y)], fill=_gradient(y / _HORIZON))
    for _ in range(140):
        x, y = chance.randrange(_WIDTH), int(chance.random() ** 2 * _HORIZON * 0.5)
        shade = chance.randint(150, 255)
        draw.ellipse([x, y, x + chance.choice((1, 1, 2)), y + 1], fill=(shade, shade, shade))


def _glow(image: Image.Image) -> Image.Image:
    x, y = _SUN
    light = Image.new("RGB", image.size)
    halo = ImageDraw.Draw(light)
    halo.ellipse([x - 170, y - 170, x + 170, y + 170], fill=(150, 90, 50))
    light = light.filter(ImageFilter.GaussianBlur(60))
    image = _add(image, light)
    ImageDraw.Draw(image).ellipse([x - 78, y - 78, x + 78, y + 78], fill=(255, 236, 190))
    return image


def _add(image: Image.Image, light: Image.Image) -> Image.Image:
    return ImageChops.add(image, light)


def _hills(draw: ImageDraw.ImageDraw) -> None:
    for depth, colour in enumerate([(112, 62, 108), (78, 46, 92)]):
        crest = [
            (x, _HORIZON - 46 + depth * 22 - 34 * math.sin(x / 190 + depth) - 12 * math.sin(x / 61))
            for x in range(0, _WIDTH + 10, 10)
        ]
        draw.polygon([(0, _HORIZON), *crest, (_WIDTH, _HORIZON)], fill=colour)


def _sea(draw: ImageDraw.ImageDraw, chance: random.Random) -> None:
    for y in range(_HORIZON, _HEIGHT):
        share = (y - _HORIZON) / (_HEIGHT - _HORIZON)
        draw.line([(0, y), (_WIDTH, y)], fill=_mix((196, 104, 104), (18, 26, 62), share**0.6))
    for _ in range(520):
        y = _HORIZON + int(chance.random() ** 1.6 * (_HEIGHT - _HORIZON))
        spread = 60 + (y - _HORIZON) * 0.55
        x = chance.gauss(_SUN[0], spread)
        length = 8 + (y - _HORIZON) * 0.14 * chance.random()
        draw.line([(x - length, y), (x + length, y)], fill=(255, 206, 140), width=2)


def _beam(image: Image.Image) -> Image.Image:
    light = Image.new("RGB", image.size)
    ImageDraw.Draw(light).polygon([(392, 246), (1600, 40), (1600, 230)], fill=(110, 96, 60))
    return _add(image, light.filter(ImageFilter.GaussianBlur(14)))


def _cliff(draw: ImageDraw.ImageDraw) -> None:
    outline = [(0, 610), (150, 596), (300, 600), (470, 606), (560, 640), (610, 720)]
    draw.polygon([*outline, (700, 830), (660, _HEIGHT), (0, _HEIGHT)], fill=(26, 22, 44))
    draw.line(outline, fill=(150, 84, 96), width=5)


def _tower(draw: ImageDraw.ImageDraw) -> None:
    left, right, top, bottom, bands = 358, 428, 280, 604, 6
    for band in range(bands):
        upper, lower = (top + (bottom - top) * part / bands for part in (band, band + 1))
        # the tower widens towards its foot by 22 pixels on either side
        grow_upper, grow_lower = (22 * (y - top) / (bottom - top) for y in (upper, lower))
        corners = [(left - grow_upper, upper), (right + grow_upper, upper)]
        corners += [(right + grow_lower, lower), (left - grow_lower, lower)]
        draw.polygon(corners, fill=(228, 222, 226) if band % 2 else (190, 44, 58))
    draw.rectangle([346, 268, 440, 282], fill=(30, 26, 46))
    draw.rectangle([366, 226, 420, 268], fill=(255, 240, 180), outline=(30, 26, 46), width=4)
    draw.polygon([(358, 226), (428, 226), (393, 190)], fill=(150, 34, 48))


def _gulls(draw: ImageDraw.ImageDraw) -> None:
    for x, y, wing in [(760, 250, 26), (840, 300, 20), (700, 330, 16), (930, 230, 14)]:
        for side in (-1, 1):
            points = [(x, y), (x + side * wing * 0.5, y - wing * 0.45), (x + side * wing, y)]
            draw.line(points, fill=(30, 26, 50), width=4, joint="curve")
