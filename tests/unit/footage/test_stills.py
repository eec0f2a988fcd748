"""The thumbnail and the spritesheet show what is on, where and when they should."""

from __future__ import annotations

import functools
import io
import tempfile
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image

from dailies.footage.examine import stills
from dailies.inputs.reading import BytesReader
from dailies.threads import Pool
from dailies.video.basics import Variant

POOL = Pool("test", threads=1, seconds=60)
BOTH = (Variant.THUMBNAIL, Variant.SPRITESHEET)


@functools.cache
def fading(
    width: int = 320,
    height: int = 180,
    *,
    frames: int = 120,
    gop: int = 250,
    turned: float = 0,
    format: str = "mp4",
    codec: str = "libx264",
) -> bytes:
    """A video whose grey rises from 0 to 240, so that a picture tells its time; the upper half is
    blue as well."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "video"
        with av.open(str(path), "w", format=format) as container:
            stream: Any = container.add_stream(codec, rate=30)
            stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
            stream.codec_context.gop_size = gop
            if codec == "libx264":
                stream.options = {"sc_threshold": "0"}  # no key frames but those
            if turned:
                stream.set_display_rotation(turned)
            for number in range(frames):
                shade = number * 240 // frames
                picture = Image.new("RGB", (width, height), (shade, shade, shade))
                picture.paste((shade, shade, 255), (0, 0, width, height // 2))
                frame = av.VideoFrame.from_image(picture)  # type: ignore[no-untyped-call] # PyAV's
                frame.pts = number
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        return path.read_bytes()


async def made(data: bytes, variants: tuple[Variant, ...] = BOTH) -> dict[Variant, Image.Image]:
    async with POOL.place():
        found = await stills(BytesReader(data), POOL, variants)
    return {variant: Image.open(io.BytesIO(still.data)) for variant, still in found.items()}


def shade(picture: Image.Image, at: tuple[int, int]) -> int:
    """The red there: how far the video has come, from 0 to 240."""
    colour = picture.convert("RGB").getpixel(at)
    assert isinstance(colour, tuple)
    return round(colour[0])


def tiles(sheet: Image.Image) -> list[int]:
    """The shade of each tile, in the order of time."""
    width, height = sheet.width // 4, sheet.height // 3
    return [
        shade(sheet, (column * width + width // 2, row * height + height * 3 // 4))
        for row in range(3)
        for column in range(4)
    ]


WHEN = [round((tile + 0.5) / 12 * 240) for tile in range(12)]


@pytest.mark.parametrize(
    "video",
    [
        fading(),
        fading(gop=7),
        fading(gop=1),
        fading(frames=600, gop=40),
        fading(format="webm", codec="libvpx-vp9"),
    ],
    ids=["one key frame", "some", "nothing else", "leaps", "webm"],
)
async def test_each_tile_shows_the_middle_of_its_twelfth(video: bytes) -> None:
    pictures = await made(video)
    assert tiles(pictures[Variant.SPRITESHEET]) == pytest.approx(WHEN, abs=8)
    thumbnail = pictures[Variant.THUMBNAIL]
    assert shade(thumbnail, (160, 170)) == pytest.approx(120, abs=8)


@pytest.mark.parametrize(
    ("size", "thumbnail", "tile"),
    [
        ((320, 180), (320, 180), (320, 180)),
        ((180, 320), (180, 320), (180, 320)),
        ((1920, 1080), (1280, 720), (320, 180)),
        ((64, 48), (64, 48), (64, 48)),
        ((1000, 20), (1000, 20), (320, 6)),
    ],
)
async def test_their_sizes(
    size: tuple[int, int], thumbnail: tuple[int, int], tile: tuple[int, int]
) -> None:
    pictures = await made(fading(*size, frames=12))
    assert (pictures[Variant.THUMBNAIL].format, pictures[Variant.THUMBNAIL].size) == (
        "WEBP",
        thumbnail,
    )
    sheet = pictures[Variant.SPRITESHEET]
    assert (sheet.format, sheet.size) == ("JPEG", (tile[0] * 4, tile[1] * 3))


@pytest.mark.parametrize(("turned", "blue"), [(90, 0), (-90, 179), (180, None)])
async def test_they_are_upright(turned: float, blue: int | None) -> None:
    picture = (await made(fading(frames=12, turned=turned)))[Variant.THUMBNAIL].convert("RGB")
    if blue is None:
        assert picture.size == (320, 180)
        assert _is_blue(picture, (160, 170))
        assert not _is_blue(picture, (160, 10))
        return
    assert picture.size == (180, 320)
    assert _is_blue(picture, (blue, 160))
    assert not _is_blue(picture, (179 - blue, 160))


def _is_blue(picture: Image.Image, at: tuple[int, int]) -> bool:
    colour = picture.getpixel(at)
    assert isinstance(colour, tuple)
    return colour[2] > 200


async def test_a_video_of_one_frame_has_twelve_tiles() -> None:
    sheet = (await made(fading(frames=1)))[Variant.SPRITESHEET]
    assert sheet.size == (1280, 540)


@pytest.mark.parametrize("variant", BOTH)
async def test_only_what_is_wanted_is_made(variant: Variant) -> None:
    assert set(await made(fading(), (variant,))) == {variant}


async def test_what_is_decoded_for_a_tile_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A video of one key frame is not decoded whole, however long it is."""
    monkeypatch.setattr("dailies.footage.stills._TILE_PIXELS", 320 * 180 * 5)
    shades = tiles((await made(fading()))[Variant.SPRITESHEET])
    # Ten frames lie between two tiles, and each has the time to go on by four.
    assert shades == sorted(shades)
    assert shades[-1] < WHEN[-1] / 2
