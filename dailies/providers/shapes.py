"""A size in pixels, in the words of providers that take an aspect ratio and a resolution.

A row of the catalogue names the sizes that its model really makes, so both are exact for them.
"""

from __future__ import annotations

from dailies.video.basics import Size

__all__ = ["aspect_ratio", "resolution", "shape"]

_RATIOS = (
    (16, 9),
    (9, 16),
    (1, 1),
    (4, 3),
    (3, 4),
    (3, 2),
    (2, 3),
    (21, 9),
    (9, 21),
    (5, 4),
    (4, 5),
)
_LINES = {360: "360p", 480: "480p", 540: "540p", 576: "576p", 720: "720p", 768: "768p"} | {
    1080: "1080p",
    1440: "1440p",
    2160: "4k",
}
# Encoders want multiples of 8 or 16: 854x480 and 848x480 are both called 16:9.
_TOLERANCE = 0.02


def shape(size: Size) -> tuple[str, str]:
    """Both.

    Raises:
        ValueError: as either.
    """
    return aspect_ratio(size), resolution(size)


def aspect_ratio(size: Size) -> str:
    """``16:9`` of 1280x720.

    Raises:
        ValueError: no usual ratio is within two hundredths of it.
    """
    width, height = min(_RATIOS, key=lambda ratio: abs(ratio[0] / ratio[1] / size.aspect - 1))
    if abs(width / height / size.aspect - 1) > _TOLERANCE:
        raise ValueError(f"{size} has no usual aspect ratio")
    return f"{width}:{height}"


def resolution(size: Size) -> str:
    """``720p`` of 1280x720 and of 720x1280: the shorter side.

    Raises:
        ValueError: the shorter side is no usual number of lines.
    """
    shorter = min(size.width, size.height)
    if shorter not in _LINES:
        raise ValueError(f"{size} is no usual resolution")
    return _LINES[shorter]
