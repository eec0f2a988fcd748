"""What a video is, and whether it is one."""

from __future__ import annotations

import functools
import random
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from fractions import Fraction
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image

from dailies.footage.examine import examine, stills
from dailies.inputs.reading import BytesReader
from dailies.threads import Pool
from dailies.video.basics import Size, Variant
from dailies.video.errors import LimitReached, UnplayableVideo
from dailies.video.probe import Findings, Probe
from tests.media import clip_bytes
from tests.unit.inputs.pictures import box

POOL = Pool("test", threads=1, seconds=60)


async def found(data: bytes) -> Findings:
    async with POOL.place():
        return await examine(BytesReader(data), POOL)


@functools.cache
def video(
    format: str = "mp4",
    codec: str = "libx264",
    audio: str | None = None,
    turned: float = 0,
    options: tuple[tuple[str, str], ...] = (),
    coding: tuple[tuple[str, str], ...] = (),
) -> bytes:
    """A second of 96x64 at 24 pictures a second, in a container and codecs of choice."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "video"
        with av.open(str(path), "w", format=format, options=dict(options)) as container:
            stream: Any = container.add_stream(codec, rate=24)
            stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
            stream.options = dict(coding)
            if turned:
                stream.set_display_rotation(turned)
            sound: Any = container.add_stream(audio, rate=48_000, layout="mono") if audio else None
            for number in range(24):
                picture = Image.new("RGB", (96, 64), (number * 10, 0, 0))
                frame = av.VideoFrame.from_image(picture)  # type: ignore[no-untyped-call] # PyAV's
                frame.pts = number
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
            for number in range(40 if sound else 0):
                block = av.AudioFrame(format="s16", layout="mono", samples=960)
                block.planes[0].update(bytes(1920))
                block.sample_rate, block.pts = 48_000, number * 960
                block.time_base = Fraction(1, 48_000)
                container.mux(sound.encode(block))
            if sound:
                container.mux(sound.encode(None))
        return path.read_bytes()


async def test_an_mp4_with_sound() -> None:
    assert (await found(video(audio="aac"))).probe == Probe(
        seconds=1.0,
        size=Size(96, 64),
        frames_per_second=24.0,
        video_codec="h264",
        audio_codec="aac",
        sound=True,
    )


def _av1() -> bytes:
    """As the encoder gives its process priority over all others, it has one of its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(video, codec="libsvtav1").result()


@pytest.mark.parametrize(
    ("made", "codecs"),
    [
        (video, ("h264", None)),
        (lambda: video(options=(("movflags", "faststart"),)), ("h264", None)),
        (lambda: video(options=(("movflags", "frag_keyframe+empty_moov"),)), ("h264", None)),
        (lambda: video(format="mov"), ("h264", None)),
        (lambda: video(codec="libx265"), ("hevc", None)),
        (_av1, ("av1", None)),
        (lambda: video(format="webm", codec="libvpx-vp9", audio="libopus"), ("vp9", "opus")),
    ],
    ids=["index behind", "index first", "fragments", "quicktime", "hevc", "av1", "webm"],
)
async def test_what_providers_may_send(
    made: Callable[[], bytes], codecs: tuple[str, str | None]
) -> None:
    probe = (await found(made())).probe
    assert (probe.video_codec, probe.audio_codec) == codecs
    assert probe.seconds == pytest.approx(1, abs=0.1)
    assert (probe.size, probe.frames_per_second) == (Size(96, 64), 24.0)


@pytest.mark.parametrize("turned", [90, -90])
async def test_a_turned_picture_has_the_size_that_players_show(turned: float) -> None:
    assert (await found(video(turned=turned))).probe.size == Size(64, 96)


async def test_bytes_behind_it_do_no_harm() -> None:
    padded = clip_bytes() + box(b"free", bytes(3 * 1024**2))
    assert (await found(padded)).probe == (await found(clip_bytes())).probe


def scrambled(data: bytes, first: float, last: float) -> bytes:
    """The file with a part of its pictures made zeros."""
    start = data.index(b"mdat") + 4
    length = int.from_bytes(data[start - 8 : start - 4], "big") - 8
    begins, ends = start + int(length * first), start + int(length * last)
    return data[:begins] + bytes(ends - begins) + data[ends:]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no video at all",
        b"<html>Busy</html>" * 100,
        b"#EXTM3U\n#EXTINF:1,\nfile:///etc/hostname\n",
        b"ffconcat version 1.0\nfile /etc/hostname\n",
        clip_bytes()[:32],
        clip_bytes()[:-200],
        box(b"ftyp", b"isom") + box(b"moov", b"index") + box(b"mdat", bytes(500)),
        scrambled(clip_bytes(), 0, 1),
        scrambled(clip_bytes(), 0, 0.5),
        scrambled(video(coding=(("g", "8"), ("bf", "0"))), 0.7, 1),
        b"\x1a\x45\xdf\xa3" + bytes(2000),
    ],
    ids=[
        "nothing",
        "text",
        "page",
        "playlist",
        "list of files",
        "its beginning",
        "half an index",
        "boxes alone",
        "no pictures",
        "no beginning",
        "no end",
        "no webm",
    ],
)
async def test_what_does_not_play_is_told(data: bytes) -> None:
    with pytest.raises(UnplayableVideo):
        await found(data)


async def test_pictures_of_a_codec_that_nobody_knows() -> None:
    with pytest.raises(UnplayableVideo, match="no decoder knows"):
        await found(video().replace(b"avc1\0\0\0\0", b"zzzz\0\0\0\0"))


async def test_sound_of_a_codec_that_nobody_knows() -> None:
    made = video(audio="aac")
    described = made.index(b"esds")
    kind = made.index(b"\x40\x15", described)  # AAC, a stream of sound (ISO/IEC 14496-1, 7.2.6.6)
    odd = made[:kind] + b"\x02" + made[kind + 1 :]
    probe = (await found(odd.replace(b"mp4a\0\0\0\0", b"zzzz\0\0\0\0"))).probe
    assert (probe.audio_codec, probe.sound) == (None, True)


async def test_titles_that_are_no_text_do_no_harm() -> None:
    odd = video().replace(b"VideoHandler", b"Vid\xffoH\x80ndler")
    assert (await found(odd)).probe == (await found(video())).probe


async def test_a_length_of_days_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dailies.footage.probing._MOST_SECONDS", 0.9)
    with pytest.raises(LimitReached, match="days"):
        await found(video())


SAMPLES = (
    video(audio="aac"),
    video(options=(("movflags", "frag_keyframe+empty_moov"),)),
    video(format="webm", codec="libvpx-vp9", audio="libopus"),
)


def _damaged(count: int) -> Iterator[bytes]:
    """The samples with some bytes of their headers, or anywhere, made others."""
    chance = random.Random(1)
    for _ in range(count):
        data = bytearray(chance.choice(SAMPLES))
        index = max(0, data.find(b"moov"))
        first, last = (index, index + 1000) if chance.random() < 0.7 else (0, len(data))
        for _ in range(chance.randrange(1, 8)):
            data[chance.randrange(first, min(last, len(data)))] = chance.randrange(256)
        yield bytes(data)


async def test_whatever_the_bytes_are_the_answer_is_known() -> None:
    answers = {"found": 0, "not": 0}
    for data in _damaged(400):
        try:
            seconds = (await found(data)).probe.seconds
            assert 0 < seconds < 86_400
            await stills(BytesReader(data), POOL, tuple(Variant))
            answers["found"] += 1
        except (UnplayableVideo, LimitReached):
            answers["not"] += 1
    assert min(answers.values()) > 20


async def test_sound_alone_is_no_video() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sound.mp4"
        with av.open(str(path), "w") as container:
            sound = container.add_stream("aac", rate=48_000)
            sound.layout = "mono"
            block = av.AudioFrame(format="s16", layout="mono", samples=1024)
            block.planes[0].update(bytes(2048))
            block.sample_rate = 48_000
            container.mux(sound.encode(block))
            container.mux(sound.encode(None))
        with pytest.raises(UnplayableVideo, match="no picture"):
            await found(path.read_bytes())


async def test_a_frame_of_more_pixels_than_8k_is_not_decoded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("dailies.footage.opening._MOST_FRAME_PIXELS", 64 * 48 - 1)
    with pytest.raises(LimitReached, match="larger"):
        await found(clip_bytes())
    monkeypatch.setattr("dailies.footage.opening._MOST_FRAME_PIXELS", 1024 * 768)
    assert (await found(clip_bytes())).probe.size == Size(64, 48)


async def test_an_index_that_is_too_large_is_not_read() -> None:
    head = box(b"ftyp", b"isom")
    huge = head + (20 * 1024**2).to_bytes(4, "big") + b"moov" + bytes(20 * 1024**2)
    with pytest.raises(LimitReached, match="index"):
        await found(huge)
