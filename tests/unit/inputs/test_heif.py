"""Pictures of phones: HEIC and AVIF, examined before they are decoded and turned as viewers do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image, ImageOps

from dailies.inputs.fitting import fit
from dailies.inputs.headers import check, check_file, probe
from dailies.inputs.image_info import ImageFormat
from dailies.inputs.mp4 import looks_like_mp4
from dailies.inputs.reading import BytesReader
from dailies.video.basics import Size
from dailies.video.errors import UnusableReference
from tests.unit.inputs import pictures
from tests.unit.inputs.pictures import decode, encode, heic, quadrants
from tests.unit.inputs.test_fitting import close, corners

WIDE = quadrants(320, 192)


def avif(image: Image.Image, *, orientation: int = 1) -> bytes:
    return pictures.with_orientation(image, "AVIF", orientation)


def upright(image: Image.Image, orientation: int) -> Image.Image:
    """What a viewer shows of that picture when it is a PNG."""
    png = decode(pictures.with_orientation(image, "PNG", orientation))
    return ImageOps.exif_transpose(png).convert("RGB")


def refusal(data: bytes, max_pixels: int = 1_000_000) -> UnusableReference:
    with pytest.raises(UnusableReference) as caught:
        fit(data, size=Size(32, 32), max_pixels=max_pixels)
    return caught.value


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("make", [heic, avif])
async def test_it_is_turned_once(make: object, orientation: int) -> None:
    data = make(WIDE, orientation=orientation)  # type: ignore[operator] # both take these
    expected = upright(WIDE, orientation)
    info = await check_file(BytesReader(data), max_pixels=1_000_000)
    assert info.upright == Size(*expected.size)
    result = fit(data, size=info.upright, max_pixels=1_000_000)
    assert result.original_size == info.upright
    for actual, wanted in zip(corners(decode(result.data)), corners(expected), strict=True):
        assert close(actual, wanted, by=20)


def test_exif_does_not_turn_it() -> None:
    """Phones also write the orientation into Exif; only the boxes count."""
    data = heic(WIDE)
    upright_tag = b"\x12\x01\x03\x00\x01\x00\x00\x00\x01\x00"
    assert data.count(upright_tag) <= 1
    turned = data.replace(upright_tag, b"\x12\x01\x03\x00\x01\x00\x00\x00\x06\x00")
    assert probe(turned).upright == Size(320, 192)
    image = decode(fit(turned, size=Size(320, 192), max_pixels=1_000_000).data)
    assert close(corners(image)[0], pictures.RED, by=20)


@pytest.mark.parametrize("size", [(61, 43), (64, 64), (1025, 9)])
@pytest.mark.parametrize("make", [heic, avif])
def test_any_size_is_taken(make: object, size: tuple[int, int]) -> None:
    data = make(quadrants(*size))  # type: ignore[operator] # as above
    assert probe(data).upright == Size(*size)
    assert fit(data, size=Size(32, 32), max_pixels=1_000_000).original_size == Size(*size)


def test_a_picture_of_many_tiles_is_one() -> None:
    data = heic(quadrants(640, 480), grid_tile_size=128, tile_size=128)
    assert probe(data).upright == Size(640, 480)
    image = decode(fit(data, size=Size(64, 48), max_pixels=1_000_000).data)
    assert close(corners(image)[3], pictures.WHITE, by=20)


def test_transparency_shows_the_background() -> None:
    clear = Image.new("RGBA", (64, 64), (255, 0, 0, 0))
    for data in (heic(clear), encode(clear, "AVIF")):
        image = decode(
            fit(data, size=Size(32, 32), max_pixels=1_000_000, background=(1, 2, 3)).data
        )
        assert image.getpixel((16, 16)) == (1, 2, 3)


def test_an_embedded_profile_is_brought_to_srgb() -> None:
    profile = pictures.profile_with_swapped_red_and_green()
    red = Image.new("RGB", (64, 64), pictures.RED)
    red.info["icc_profile"] = profile
    for data in (heic(red), encode(red, "AVIF", icc_profile=profile)):
        image = decode(fit(data, size=Size(32, 32), max_pixels=1_000_000).data)
        pixel = image.getpixel((16, 16))
        assert isinstance(pixel, tuple)
        assert close((pixel[0], pixel[1], pixel[2]), pictures.GREEN, by=20)


@pytest.mark.parametrize("make", [heic, avif])
def test_too_many_pixels_are_refused_before_decoding(make: object) -> None:
    data = make(WIDE)  # type: ignore[operator] # as above
    claims = pictures.claiming(data, (320, 192), (8000, 7000))
    error = refusal(claims, 50_000_000)
    assert error.code == "image_too_large"
    assert "8000x7000" in error.message


def test_what_takes_more_memory_may_have_fewer_pixels() -> None:
    common, rich = heic(WIDE), heic(WIDE, chroma=444)
    assert probe(rich).bytes_per_pixel > probe(common).bytes_per_pixel
    assert check(common, max_pixels=320 * 192).format is ImageFormat.HEIC
    error = refusal(rich, 320 * 192)
    assert error.code == "image_too_large"
    assert "HEIC of its kind" in error.message


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
@pytest.mark.parametrize("kind", ["heic", "avif"])
def test_a_picture_larger_than_it_says_takes_no_more_memory(kind: str, tmp_path: Path) -> None:
    """Its boxes say 64x64; the coded picture has 36 megapixels."""
    black = Image.new("RGB", (6000, 6000))
    # How well it is coded does not matter, and takes ten seconds.
    if kind == "heic":
        data = heic(black, enc_params={"preset": "ultrafast"})
    else:
        data = encode(black, "AVIF", speed=10)
    path = tmp_path / "liar"
    path.write_bytes(pictures.claiming(data, (6000, 6000), (64, 64)))
    found = subprocess.run(
        [sys.executable, "-c", _FIT, str(path)], capture_output=True, text=True, check=True
    )
    assert float(found.stdout) < 30, "MB"


_FIT = """
import os, pathlib, sys
from bench.memory import peak_mb, reset_peak, rss_mb
from dailies.video.errors import UnusableReference
from dailies.inputs.fitting import fit
from dailies.video.basics import Size

data = pathlib.Path(sys.argv[1]).read_bytes()
reset_peak(os.getpid())
before = rss_mb(os.getpid())
try:
    fit(data, size=Size(8, 8), max_pixels=5_000_000)
except UnusableReference:
    print(peak_mb(os.getpid()) - before)
"""


def test_an_animation_is_named() -> None:
    frames = [Image.new("RGB", (64, 64), color) for color in (pictures.RED, pictures.BLUE)]
    error = refusal(encode(frames[0], "AVIF", save_all=True, append_images=frames[1:]))
    assert error.code == "unsupported_image_type"
    assert "animated AVIF" in error.message


def test_another_coding_in_the_same_boxes_is_named() -> None:
    data = heic(WIDE).replace(b"hvcC", b"vvcC")
    error = refusal(data)
    assert error.code == "unsupported_image_type"
    assert "HEIF" in error.message


@pytest.mark.parametrize("data", [heic(WIDE), avif(WIDE)])
def test_it_is_no_video(data: bytes) -> None:
    assert not looks_like_mp4(data[:16])
    assert looks_like_mp4(b"\0\0\0\x18ftypmp42\0\0\0\0")


@pytest.mark.parametrize(
    "data",
    [
        b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
        b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + pictures.box(b"meta", b"\0\0\0\0"),
        b"\0\0\0\x18ftypavif\0\0\0\0mif1avif" + pictures.box(b"meta", b"\0" * 9),
        b"\0\0\0\x18ftypavif\0\0\0\0mif1avif\xff\xff\xff\xffmeta",
        b"\0\0\0\x18ftypmif1\0\0\0\0\0\0\0\0",
        heic(WIDE).replace(b"ispe", b"free"),
        heic(WIDE).replace(b"pitm", b"free"),
        avif(WIDE).replace(b"iloc", b"free"),
        pictures.claiming(heic(WIDE), (320, 192), (0, 192)),
        pictures.claiming(heic(WIDE), (320, 192), (160, 192)),
    ],
)
def test_damaged_files_are_told_apart_from_other_types(data: bytes) -> None:
    assert refusal(data).code == "invalid_image"


@pytest.mark.parametrize("data", [heic(WIDE), avif(WIDE)], ids=["heic", "avif"])
@pytest.mark.parametrize("missing", [1, 20])
def test_what_is_cut_off_is_refused_before_it_is_decoded(data: bytes, missing: int) -> None:
    check(data, max_pixels=10**6)
    with pytest.raises(UnusableReference, match="cut off before its end") as caught:
        check(data[:-missing], max_pixels=10**6)
    assert caught.value.code == "invalid_image"
