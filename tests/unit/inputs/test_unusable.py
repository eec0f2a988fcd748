"""What ``fit`` and ``probe`` say to bytes that are no usable picture."""

from __future__ import annotations

import contextlib
import gzip
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from dailies.inputs.fitting import fit
from dailies.inputs.headers import ImageFormat, ImageInfo, check, probe
from dailies.video.basics import Size
from dailies.video.errors import UnusableReference
from tests.pictures import png
from tests.unit.inputs import pictures
from tests.unit.inputs.pictures import encode, quadrants

SIZE = Size(32, 32)
# Pillow warns of what it finds odd in metadata. That is not our subject, and as errors the warnings
# would hide whether the file is refused for itself.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")

_noise = Image.effect_noise((61, 43), 90)
_animation = [Image.new("RGB", (20, 20), color) for color in (pictures.RED, pictures.BLUE)]
SAMPLES: dict[str, bytes] = {
    "jpeg": pictures.with_orientation(_noise.convert("RGB"), "JPEG", 6),
    "progressive": encode(_noise.convert("RGB"), "JPEG", progressive=True),
    "cmyk": encode(_noise.convert("CMYK"), "JPEG"),
    "png": encode(
        _noise.convert("RGB"), "PNG", icc_profile=pictures.profile_with_swapped_red_and_green()
    ),
    "palette": encode(_noise.convert("P"), "PNG", transparency=3),
    "deep": encode(_noise.convert("I;16"), "PNG"),
    "webp": encode(_noise.convert("RGB"), "WEBP"),
    "lossless": encode(_noise.convert("RGBA"), "WEBP", lossless=True),
    "animated": encode(_animation[0], "WEBP", save_all=True, append_images=_animation[1:]),
    "heic": pictures.heic(_noise.convert("RGB"), orientation=6),
    "tiles": pictures.heic(_noise.convert("RGB").resize((96, 96)), tile_size=64),
    "avif": pictures.with_orientation(_noise.convert("RGB"), "AVIF", 6),
}


def refusal(data: bytes, max_pixels: int = 1_000_000) -> UnusableReference:
    with pytest.raises(UnusableReference) as caught:
        fit(data, size=SIZE, max_pixels=max_pixels)
    return caught.value


@pytest.mark.parametrize("name", SAMPLES)
def test_every_sample_is_sound(name: str) -> None:
    assert fit(SAMPLES[name], size=SIZE, max_pixels=1_000_000).size == SIZE


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (encode(quadrants(8, 8), "GIF"), "GIF"),
        (encode(quadrants(8, 8), "BMP"), "BMP"),
        (encode(quadrants(8, 8), "TIFF"), "TIFF"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0isom", "video"),
        (b"\0\0\0\x14ftypqt  \0\0\0\0qt  ", "QuickTime"),
        (gzip.compress(SAMPLES["jpeg"]), "gzip"),
        (b"<?xml version='1.0'?>\n<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (b"<!DOCTYPE html><title>Not found</title>", "web page"),
        (b'{"error": "not found"}', "JSON"),
        (b"%PDF-1.7", "PDF"),
        (b"PK\x03\x04" + SAMPLES["jpeg"], "ZIP"),
        (b"hello", "no image"),
        (b"\xff\xd8", "no image"),
        (b"RIFF\x10\0\0\0WAVEfmt ", "no image"),
    ],
)
def test_other_types_are_named_with_what_to_do(data: bytes, kind: str) -> None:
    error = refusal(data)
    assert error.code == "unsupported_image_type"
    assert kind in error.message
    assert "JPEG, PNG or WebP" in error.message


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff",
        b"\xff\xd8\xff\xd9",
        b"\xff\xd8\xff\xe0\xff\xff",
        b"RIFF\x10\0\0\0WEBPVP8X",
        b"RIFF\x10\0\0\0WEBPJUNK" + b"\0" * 40,
        pictures.png_claiming(0, 10),
        pictures.png_claiming(10, 0),
        pictures.png_claiming(300, 300),
    ],
)
def test_damaged_files_are_told_apart_from_other_types(data: bytes) -> None:
    assert refusal(data).code == "invalid_image"


@pytest.mark.parametrize("name", ["jpeg", "progressive", "deep", "webp", "lossless"])
def test_what_is_cut_off_is_refused_before_it_is_decoded(name: str) -> None:
    whole = SAMPLES[name]
    check(whole, max_pixels=10_000)
    for length in (60, len(whole) // 2, len(whole) - 20):
        with pytest.raises(UnusableReference) as caught:
            check(whole[:length], max_pixels=10_000)
        assert caught.value.code == "invalid_image"


@pytest.mark.parametrize("name", ["jpeg", "progressive", "deep", "webp"])
def test_what_comes_behind_a_picture_is_its_own(name: str) -> None:
    check(SAMPLES[name] + b"more than a picture" * 9, max_pixels=10_000)


@pytest.mark.parametrize("size", [(1001, 1000), (100_000, 1), (1, 70_000), (2**31 - 1, 2**31 - 1)])
def test_too_many_pixels_are_refused_before_decoding(size: tuple[int, int]) -> None:
    error = refusal(pictures.png_claiming(*size))
    assert error.code == "image_too_large"
    assert f"{size[0]}x{size[1]}" in error.message
    assert "1 megapixels" in error.message


@pytest.mark.parametrize(
    ("format", "options", "enough"),
    [
        ("JPEG", {}, 60_000),
        # its coefficients stay in memory until the last scan: 3 bytes a pixel, or 6
        ("JPEG", {"progressive": True}, 70_000),
        ("JPEG", {"progressive": True, "subsampling": 0}, 100_000),
        ("PNG", {}, 60_000),
        ("WEBP", {}, 160_000),
        ("AVIF", {}, 95_000),
    ],
)
def test_what_takes_more_memory_may_have_fewer_pixels(
    format: str, options: dict[str, Any], enough: int
) -> None:
    data = encode(quadrants(300, 200), format, **options)
    error = refusal(data, enough - 10)
    assert error.code == "image_too_large"
    assert "0.06 megapixels" in error.message
    assert fit(data, size=SIZE, max_pixels=enough).size == SIZE


def test_a_jpeg_of_endless_scans_is_refused() -> None:
    data = SAMPLES["progressive"]
    last_scan = data[data.rindex(b"\xff\xda") : -2]
    error = refusal(data[:-2] + last_scan * 100_000 + data[-2:])
    assert error.code == "image_too_large"
    assert "scans" in error.message


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xd8" + b"\xff\x01" * 5_000_000,
        b"\xff\xd8" + b"\xff\xe2\0\x02" * 3_000_000,
        SAMPLES["jpeg"][:-2] + b"\xff\x01" * 5_000_000,
        SAMPLES["png"][:33] + pictures.png_chunk(b"teXt", b"") * 1_000_000 + SAMPLES["png"][33:],
        SAMPLES["jpeg"][:2] + b"\xff" * 5_000_000 + SAMPLES["jpeg"][2:],
        SAMPLES["jpeg"][:2] + b"\xff\xe2\0\x02" * 20_000 + SAMPLES["jpeg"][2:],
        b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0" + b"\0" * 10 + b"JUNK\0\0\0\0" * 1_000_000,
    ],
    ids=[
        "markers",
        "segments",
        "markers after a scan",
        "PNG chunks",
        "fill",
        "more",
        "WebP chunks",
    ],
)
def test_a_decoder_does_not_go_through_millions_of_empty_parts(data: bytes) -> None:
    """Those that are written in Python would, with all others waiting; libwebp does not mind."""
    with contextlib.suppress(UnusableReference):
        info = check(data, max_pixels=1_000_000)
        assert info.format is ImageFormat.WEBP


def test_scans_count_by_the_pixels_that_each_passes_over() -> None:
    data = SAMPLES["progressive"]
    last_scan = data[data.rindex(b"\xff\xda") : -2]
    thirty = data[:-2] + last_scan * 30 + data[-2:]
    assert probe(thirty).scans == probe(data).scans + 30
    assert check(thirty, max_pixels=100_000)
    assert "scans" in refusal(thirty, 61 * 43 + 700).message


def test_a_jpeg_that_gives_two_sizes_is_refused() -> None:
    data = encode(Image.new("RGB", (16, 16)), "JPEG")
    at = data.index(b"\xff\xc0")
    frame = bytearray(data[at : at + 19])
    frame[5:9] = b"\x40\x00\x40\x00"
    assert refusal(data[: at + 19] + bytes(frame) + data[at + 19 :]).code == "invalid_image"


@pytest.mark.parametrize("name", SAMPLES)
def test_a_picture_cut_in_half_is_refused(name: str) -> None:
    data = SAMPLES[name]
    error = refusal(data[: len(data) // 2])
    assert error.code == "invalid_image"
    assert "Save" in error.message


@pytest.mark.parametrize("name", SAMPLES)
def test_a_picture_cut_anywhere_raises_nothing_else(name: str) -> None:
    data = SAMPLES[name]
    for length in range(0, len(data), max(1, len(data) // 60)):
        with contextlib.suppress(UnusableReference):
            fit(data[:length], size=SIZE, max_pixels=1_000_000)


@given(name=st.sampled_from(sorted(SAMPLES)), data=st.data())
@settings(max_examples=300, deadline=None)
def test_a_damaged_picture_raises_nothing_else(name: str, data: st.DataObject) -> None:
    damaged = bytearray(SAMPLES[name])
    # the first bytes hold the structure: damage there more often than their share
    reach = data.draw(st.sampled_from([64, 700, len(damaged)]))
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, min(reach, len(damaged)) - 1))
        damaged[at : at + 1] = data.draw(st.binary(max_size=3))
    with contextlib.suppress(UnusableReference):
        fit(bytes(damaged), size=SIZE, max_pixels=1_000_000)


@given(
    head=st.sampled_from([b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF\0\0\0\0WEBPVP8X"]),
    tail=st.binary(max_size=200),
)
@settings(deadline=None)
def test_no_bytes_raise_anything_else(head: bytes, tail: bytes) -> None:
    with contextlib.suppress(UnusableReference):
        fit(head + tail, size=SIZE, max_pixels=1_000_000)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("jpeg", ImageInfo(ImageFormat.JPEG, 61, 43, 6)),
        ("progressive", ImageInfo(ImageFormat.JPEG, 61, 43)),
        ("deep", ImageInfo(ImageFormat.PNG, 61, 43)),
        ("webp", ImageInfo(ImageFormat.WEBP, 61, 43)),
        ("lossless", ImageInfo(ImageFormat.WEBP, 61, 43)),
        ("animated", ImageInfo(ImageFormat.WEBP, 20, 20)),
    ],
)
def test_probe_reads_format_size_and_orientation(name: str, expected: ImageInfo) -> None:
    assert probe(SAMPLES[name]) == expected


def test_probe_needs_only_the_beginning() -> None:
    large = encode(_noise.resize((900, 900)), "PNG")
    assert probe(large[:32]) == ImageInfo(ImageFormat.PNG, 900, 900)
    assert probe(SAMPLES["webp"][:32]) == ImageInfo(ImageFormat.WEBP, 61, 43)


def test_probe_shows_the_upright_size() -> None:
    assert probe(SAMPLES["jpeg"]).upright == Size(43, 61)


@given(exif=st.binary(max_size=60))
def test_broken_metadata_means_upright(exif: bytes) -> None:
    data = encode(Image.new("L", (2, 2)), "PNG")
    at = 33  # behind IHDR
    for head in (b"", b"II*\0", b"MM\0*"):
        chunk = pictures.png_chunk(b"eXIf", head + exif)
        assert 1 <= probe(data[:at] + chunk + data[at:]).orientation <= 8


@pytest.mark.parametrize(("width", "height"), [(1, 1), (7, 400), (400, 7)])
def test_a_picture_of_too_few_pixels_shows_nothing(width: int, height: int) -> None:
    with pytest.raises(UnusableReference, match="at least 8 pixels") as refused:
        check(png(1, width=width, height=height), max_pixels=1_000_000)
    assert refused.value.code == "image_too_small"


def test_a_small_picture_is_one() -> None:
    assert check(png(1, width=8, height=8), max_pixels=1_000_000).pixels == 64
