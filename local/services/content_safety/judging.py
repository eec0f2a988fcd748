"""How severe a text or a picture is here: by plain words, and by colours.

text       "hateful", "self-harm", "sexual", "violent": 4, medium; after "slightly": 2, after
           "very": 6
picture    a tenth of it or more in pure yellow (hate), blue (self-harm), magenta (sexual) or
           red (violence): 4; half of it or more: 6
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable

from PIL import Image

__all__ = ["CATEGORIES", "blocked_items", "severities_of_picture", "severities_of_text"]

CATEGORIES = ("Hate", "SelfHarm", "Sexual", "Violence")
_WORDS = {"hateful": "Hate", "self-harm": "SelfHarm", "sexual": "Sexual", "violent": "Violence"}
_WORD = re.compile(rf"\b(?:(slightly|very) )?({'|'.join(_WORDS)})\b", re.IGNORECASE)
_DEGREES = {"slightly": 2, "": 4, "very": 6}
_COLOURS = {
    "Hate": (255, 255, 0),
    "SelfHarm": (0, 0, 255),
    "Sexual": (255, 0, 255),
    "Violence": (255, 0, 0),
}
_TOLERANCE = 60
"""By how much each channel may be off: pictures come as JPEG, frames of a video as less."""
_LOOKED_AT = (64, 64)


def severities_of_text(text: str) -> dict[str, int]:
    """0, 2, 4 or 6 for each category."""
    found = dict.fromkeys(CATEGORIES, 0)
    for degree, word in _WORD.findall(text):
        category = _WORDS[word.lower()]
        found[category] = max(found[category], _DEGREES[degree.lower()])
    return found


def severities_of_picture(data: bytes) -> dict[str, int]:
    """0, 4 or 6 for each category."""
    with Image.open(io.BytesIO(data)) as image:
        small = image.convert("RGB").resize(_LOOKED_AT, Image.Resampling.BOX)
    pixels = list(zip(*(small.getchannel(band).tobytes() for band in "RGB"), strict=True))
    found = {}
    for category, colour in _COLOURS.items():
        near = sum(
            all(abs(is_ - meant) <= _TOLERANCE for is_, meant in zip(pixel, colour, strict=True))
            for pixel in pixels
        )
        share = near / len(pixels)
        found[category] = 6 if share >= 0.5 else 4 if share >= 0.1 else 0
    return found


def blocked_items(text: str, items: Iterable[tuple[str, str, bool]]) -> list[tuple[str, str]]:
    """Those of the items (id, text, whether it is a pattern) that a text holds, whatever the case;
    each with what of it was found."""
    found = []
    for item_id, wanted, is_regex in items:
        pattern = wanted if is_regex else rf"\b{re.escape(wanted)}\b"
        if match := re.search(pattern, text, re.IGNORECASE):
            found.append((item_id, match[0]))
    return found
