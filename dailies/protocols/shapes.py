"""Sizes in the words of other services: an aspect ratio and a resolution.

``16:9`` and ``720p`` say of a size what two services never measure quite alike, so a ratio is taken
with a little play; whatever is told of a size here, is understood as that size.
"""

from __future__ import annotations

import math
import re

from dailies.video.basics import Size

__all__ = ["has_ratio", "lines_of", "lines_read", "ratio_of", "ratio_read", "resolution_of"]

_RATIO = re.compile(r"(\d{1,4}(?:\.\d{1,3})?)\s*[:/]\s*(\d{1,4}(?:\.\d{1,3})?)")
_LINES = re.compile(r"(\d{3,4})p?", re.IGNORECASE)
_NEAR = 0.01
"""Sizes are made of whole pixels: 480x854 is called 9:16."""
_USUAL = ((16, 9), (9, 16), (1, 1), (4, 3), (3, 4), (3, 2), (2, 3), (21, 9), (9, 21))
_NAMED_LINES = {"4k": 2160}


def ratio_read(text: str) -> float | None:
    """The quotient that ``16:9`` or ``16/9`` stands for; None of anything else."""
    match = _RATIO.fullmatch(text)
    if match is None or not float(match[2]):
        return None
    return float(match[1]) / float(match[2]) or None


def has_ratio(size: Size, aspect: float) -> bool:
    """Whether a size is called by that ratio."""
    return abs(size.aspect / aspect - 1) < _NEAR


def ratio_of(size: Size) -> str:
    """``16:9`` of 1280x720; the exact quotient of a size that has no usual one."""
    for width, height in _USUAL:
        if has_ratio(size, width / height):
            return f"{width}:{height}"
    common = math.gcd(size.width, size.height)
    return f"{size.width // common}:{size.height // common}"


def lines_read(text: str) -> int | None:
    """720 of ``720p`` or ``720``, 2160 of ``4k``; None of anything else."""
    named = _NAMED_LINES.get(text.lower())
    match = _LINES.fullmatch(text)
    return named if match is None else int(match[1])


def lines_of(size: Size) -> int:
    """What is called 720p has 720 on its shorter side."""
    return min(size.width, size.height)


def resolution_of(size: Size) -> str:
    """``720p`` of 1280x720."""
    return f"{lines_of(size)}p"
