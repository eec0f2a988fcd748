"""Images to drop."""

from __future__ import annotations

import io

from PIL import Image

__all__ = ["png"]


def png(number: int, *, width: int = 96, height: int = 160) -> bytes:
    """A small PNG; each number gives another one."""
    colour = (number * 37 % 256, number * 91 % 256, number * 151 % 256)
    with io.BytesIO() as file:
        Image.new("RGB", (width, height), colour).save(file, "PNG")
        return file.getvalue()
