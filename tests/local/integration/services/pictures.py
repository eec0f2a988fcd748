"""Images to send, and how alike two images are."""

from __future__ import annotations

import math

from av import VideoFrame
from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageStat


def photo(width: int, height: int) -> Image.Image:
    """Something like a photograph: soft light, edges and detail, natural colours."""
    image = Image.linear_gradient("L").resize((width, height))
    colours = Image.merge("RGB", (image, image.rotate(180), image.point([90] * 256)))
    draw = ImageDraw.Draw(colours)
    for step in range(0, width, 60):
        box = (step, height // 3, step + 45, height // 3 + step // 2 + 40)
        draw.ellipse(box, fill=(200 - step // 12, 120 + step // 20, 110))
    grain = Image.effect_noise((width, height), 12).convert("RGB")
    return ImageChops.overlay(colours, grain).filter(ImageFilter.SMOOTH)


def psnr(one: Image.Image, other: Image.Image) -> float:
    """Peak signal-to-noise ratio in dB over all channels; more than 35 looks the same."""
    difference = ImageStat.Stat(ImageChops.difference(one.convert("RGB"), other.convert("RGB")))
    error = sum(
        total / count for total, count in zip(difference.sum2, difference.count, strict=True)
    )
    return 10 * math.log10(255**2 / max(error / 3, 1e-9))


def to_image(frame: VideoFrame) -> Image.Image:
    """A decoded frame as PyAV itself converts it, so not by the code under test."""
    image: Image.Image = frame.to_image()  # type: ignore[no-untyped-call]  # so in PyAV's stubs
    return image
