"""How a picture is to be turned: Exif first, else XMP, wherever a format keeps them."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from dailies.inputs.headers import probe
from dailies.inputs.orientation import orientation, profile_in_text
from dailies.video.basics import Size
from tests.unit.inputs import pictures
from tests.unit.inputs.pictures import encode, png_chunk, xmp

PICTURE = Image.new("RGB", (4, 2))
XMP_IN_JPEG = b"http://ns.adobe.com/xap/1.0/\0"


def exif(orientation: int | None) -> bytes:
    block = Image.Exif()
    block[0x010E] = "a picture"
    if orientation is not None:
        block[0x0112] = orientation
    return block.tobytes()


def jpeg(*segments: bytes) -> bytes:
    data = encode(PICTURE, "JPEG")
    inserted = b"".join(b"\xff\xe1" + struct.pack(">H", 2 + len(s)) + s for s in segments)
    return data[:2] + inserted + data[2:]


def png(*chunks: tuple[bytes, bytes], at_end: bool = False) -> bytes:
    data = encode(PICTURE, "PNG")
    at = len(data) - 12 if at_end else 33
    return data[:at] + b"".join(png_chunk(kind, body) for kind, body in chunks) + data[at:]


def raw_profile(name: str, block: bytes) -> bytes:
    """As ImageMagick writes it."""
    digits = block.hex()
    lines = "\n".join(digits[at : at + 72] for at in range(0, len(digits), 72))
    return f"\n{name}\n{len(block):8}\n{lines}\n".encode()


def text(keyword: bytes, body: bytes) -> tuple[bytes, bytes]:
    return b"tEXt", keyword + b"\0" + body


def packed_text(keyword: bytes, body: bytes) -> tuple[bytes, bytes]:
    return b"zTXt", keyword + b"\0\0" + zlib.compress(body)


def unicode_text(keyword: bytes, body: bytes, *, packed: bool) -> tuple[bytes, bytes]:
    head = keyword + (b"\0\1\0" if packed else b"\0\0\0") + b"en\0a title\0"
    return b"iTXt", head + (zlib.compress(body) if packed else body)


XMP_KEYWORD = b"XML:com.adobe.xmp"
CARRIERS = {
    "JPEG Exif": jpeg(exif(6)),
    "JPEG XMP": jpeg(XMP_IN_JPEG + xmp(6)),
    "JPEG XMP, as an element": jpeg(XMP_IN_JPEG + xmp(6, as_element=True)),
    "JPEG Exif without it, and XMP": jpeg(exif(None), XMP_IN_JPEG + xmp(6)),
    "JPEG Exif before XMP": jpeg(XMP_IN_JPEG + xmp(3), exif(6)),
    "PNG Exif": png((b"eXIf", exif(6).removeprefix(b"Exif\0\0"))),
    "PNG Exif behind the picture": png((b"eXIf", exif(6)[6:]), at_end=True),
    "PNG raw profile": png(text(b"Raw profile type exif", raw_profile("exif", exif(6)))),
    "PNG raw profile, packed": png(
        packed_text(b"Raw profile type APP1", raw_profile("exif", exif(6)))
    ),
    "PNG XMP": png(unicode_text(XMP_KEYWORD, xmp(6), packed=False)),
    "PNG XMP, packed": png(unicode_text(XMP_KEYWORD, xmp(6), packed=True)),
    "PNG XMP as a raw profile": png(text(b"Raw profile type xmp", raw_profile("xmp", xmp(6)))),
    "PNG Exif before XMP": png(
        unicode_text(XMP_KEYWORD, xmp(3), packed=False), (b"eXIf", exif(6)[6:])
    ),
    "WebP Exif": encode(PICTURE, "WEBP", exif=exif(6)),
    "WebP XMP": encode(PICTURE, "WEBP", xmp=xmp(6)),
    "WebP Exif before XMP": encode(PICTURE, "WEBP", exif=exif(6), xmp=xmp(3)),
}


@pytest.mark.parametrize("carrier", CARRIERS)
def test_every_carrier_turns_the_picture(carrier: str) -> None:
    assert probe(CARRIERS[carrier]).orientation == 6
    assert probe(CARRIERS[carrier]).upright == Size(2, 4)


@pytest.mark.parametrize("carrier", ["JPEG Exif", "JPEG XMP", "PNG Exif", "PNG XMP", "WebP Exif"])
def test_viewers_agree(carrier: str) -> None:
    with Image.open(io.BytesIO(CARRIERS[carrier])) as image:
        assert ImageOps.exif_transpose(image).size == (2, 4)


@pytest.mark.parametrize(
    "data",
    [
        png(),
        jpeg(XMP_IN_JPEG + xmp(9)),
        jpeg(XMP_IN_JPEG + b'tiff:Orientation="66"'),
        jpeg(XMP_IN_JPEG + b"tiff:Orientation is not told"),
        png(packed_text(b"Raw profile type exif", b"")),
        png((b"zTXt", b"Raw profile type exif\0\0no deflate")),
        png(text(b"Raw profile type exif", b"\nexif\n 10\nno digits")),
        png(text(b"Raw profile type exif", b"0")),
        png(text(b"Comment", xmp(6))),
        png((b"iTXt", XMP_KEYWORD)),
    ],
)
def test_what_is_no_orientation_is_upright(data: bytes) -> None:
    assert probe(data).orientation == 1


def test_a_text_is_unpacked_only_as_far_as_it_is_looked_at() -> None:
    bomb = png(packed_text(b"Raw profile type exif", b"\0" * 500_000_000))
    assert len(bomb) < 1024**2
    assert probe(bomb).orientation == 1


@given(head=st.sampled_from([b"", b"II*\0", b"MM\0*", b"Exif\0\0II*\0"]), rest=st.binary())
def test_no_exif_raises(head: bytes, rest: bytes) -> None:
    assert 1 <= orientation(head + rest) <= 8


@given(packet=st.binary() | st.builds(lambda text: b"tiff:Orientation" + text, st.binary()))
def test_no_xmp_and_no_profile_raises(packet: bytes) -> None:
    assert 1 <= orientation(b"", packet) <= 8
    assert len(profile_in_text(packet)) <= len(packet)


def test_pictures_with_orientation_are_what_they_say() -> None:
    assert probe(pictures.with_orientation(PICTURE, "JPEG", 8)).orientation == 8
