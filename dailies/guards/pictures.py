"""Pictures as guards are shown them: small, upright, in the colours that viewers see."""

from __future__ import annotations

from dailies.inputs.fitting import fit
from dailies.inputs.headers import check
from dailies.video.basics import Size
from dailies.video.framing import FitMode

__all__ = ["small_picture"]

_EDGE = 1024
"""Pixels of the longer side. Whatever such a picture shows, it has less than 4 MB, which is the
most that is looked at."""
_SHORTEST = 50
"""Pixels of the shorter side; what is narrower stands between bars."""


def small_picture(data: bytes, *, max_pixels: int) -> bytes:
    """A picture that was sent, as it is looked at: a JPEG. Busy: call it in a thread.

    Raises:
        UnusableReference: it can't be decoded, or has too many pixels.
    """
    upright = check(data, max_pixels=max_pixels).upright
    scale = min(1.0, _EDGE / max(upright.width, upright.height))
    size = Size(
        max(_SHORTEST, round(upright.width * scale)), max(_SHORTEST, round(upright.height * scale))
    )
    return fit(data, size=size, mode=FitMode.CONTAIN, max_pixels=max_pixels, as_jpeg=True).data
