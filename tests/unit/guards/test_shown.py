"""What guards are shown: pictures and texts within the limits of whoever looks at them."""

from __future__ import annotations

import io
import random

import pytest
from PIL import Image

from dailies.guards.content_safety import pieces
from dailies.guards.pictures import small_picture
from dailies.guards.webhook import webhook_key
from dailies.video.errors import UnusableReference

_MOST_PIXELS = 51_000_000
_MOST_BYTES = 4 * 1024**2


def png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("size", "seen"),
    [
        ((640, 360), (640, 360)),
        ((4000, 3000), (1024, 768)),
        ((3000, 4000), (768, 1024)),
        ((8000, 20), (1024, 50)),
        ((10, 10), (50, 50)),
        ((8, 3000), (50, 1024)),
    ],
)
def test_a_picture_is_made_small_and_no_smaller_than_is_looked_at(
    size: tuple[int, int], seen: tuple[int, int]
) -> None:
    made = small_picture(png(Image.new("RGB", size, "teal")), max_pixels=_MOST_PIXELS)
    with Image.open(io.BytesIO(made)) as image:
        assert (image.size, image.format, image.mode) == (seen, "JPEG", "RGB")


def test_whatever_it_shows_it_is_not_too_large() -> None:
    noise = random.Random(7).randbytes(1024 * 1024 * 3)
    data = png(Image.frombytes("RGB", (1024, 1024), noise))
    assert len(small_picture(data, max_pixels=_MOST_PIXELS)) < _MOST_BYTES


def test_what_hides_behind_transparency_is_seen_as_viewers_see_it() -> None:
    """A video is made of the picture on black, so that is what is judged."""
    hidden = Image.new("RGBA", (100, 100), (255, 0, 0, 0))
    with Image.open(io.BytesIO(small_picture(png(hidden), max_pixels=_MOST_PIXELS))) as image:
        assert image.getpixel((50, 50)) == (0, 0, 0)


def test_what_can_t_be_decoded_is_told() -> None:
    with pytest.raises(UnusableReference):
        small_picture(b"no picture", max_pixels=_MOST_PIXELS)


@pytest.mark.parametrize("length", [0, 1, 9_999, 10_000, 10_001, 19_800, 19_801, 45_000])
def test_a_text_is_looked_at_whole_in_pieces_that_overlap(length: int) -> None:
    text = "".join(map(chr, random.Random(length).choices(range(0x4E00, 0x9FFF), k=length)))
    found = list(pieces(text))
    assert all(len(piece) <= 10_000 for piece in found)
    whole = found[0]
    for piece in found[1:]:
        assert whole[-200:] == piece[:200]
        whole += piece[200:]
    assert whole == text


@pytest.mark.parametrize("secret", ["", "hush", "whsec_", "whsec_aGk=", "whsec_ä", "whsec_%%%%"])
def test_a_secret_that_is_none_is_told_with_how_to_make_one(secret: str) -> None:
    with pytest.raises(ValueError, match="openssl rand"):
        webhook_key(secret)


def test_a_secret_is_read_as_standard_webhooks_writes_it() -> None:
    assert webhook_key("whsec_" + "QUFB" * 8) == b"AAA" * 8
