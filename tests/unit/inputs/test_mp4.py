"""What the boxes of an MP4 say, whatever the bytes are."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dailies.inputs.mp4 import BytesReader, looks_like_mp4, probe_clip
from dailies.video.basics import Size
from dailies.video.errors import UnusableReference
from tests.media import write_clip


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    return write_clip(path, seconds=1, width=128, height=64).read_bytes()


@pytest.mark.parametrize("options", [{}, {"movflags": "faststart"}], ids=["end", "beginning"])
async def test_size_and_length_wherever_the_index_is(
    tmp_path: Path, options: dict[str, str]
) -> None:
    path = write_clip(tmp_path / "clip.mp4", seconds=2, width=128, height=64, **options)
    found = await probe_clip(BytesReader(path.read_bytes()))
    assert found.size == Size(128, 64)
    assert found.seconds == pytest.approx(2, abs=0.05)


@dataclass
class Sparse:
    """A file of which only some bytes exist; counts what is read."""

    head: bytes
    hole: int
    tail: bytes
    taken: list[int] = field(default_factory=list)

    @property
    def length(self) -> int:
        return len(self.head) + self.hole + len(self.tail)

    async def read(self, offset: int, length: int) -> bytes:
        self.taken.append(length)
        if offset < len(self.head):
            return self.head[offset : offset + length]
        start = offset - len(self.head) - self.hole
        assert start >= 0, "the pictures themselves are never read"
        return self.tail[start : start + length]


async def test_a_large_file_is_not_read_whole(clip: bytes) -> None:
    moov = clip[clip.rindex(b"moov") - 4 :]
    hole = 3 * 1024**3
    mdat = (1).to_bytes(4, "big") + b"mdat" + (hole + 16).to_bytes(8, "big")
    file = Sparse(clip[: clip.index(b"ftyp") - 4 + clip[3]] + mdat, hole, moov)
    assert (await probe_clip(file)).size == Size(128, 64)
    assert sum(file.taken) < 10_000


async def test_a_turned_clip_has_its_sides_exchanged(clip: bytes) -> None:
    matrix = clip.index(b"tkhd") + 4 + 40
    turned = bytearray(clip)
    for place, value in enumerate((0, 0x10000, 0, -0x10000, 0)):
        turned[matrix + 4 * place : matrix + 4 * place + 4] = value.to_bytes(4, "big", signed=True)
    assert (await probe_clip(BytesReader(bytes(turned)))).size == Size(64, 128)


async def test_frames_count_more_than_what_the_header_claims(clip: bytes) -> None:
    duration = clip.index(b"mdhd") + 4 + 16
    claimed = clip[:duration] + (1).to_bytes(4, "big") + clip[duration + 4 :]
    assert (await probe_clip(BytesReader(claimed))).seconds == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize(
    ("options", "name", "code", "says"),
    [
        ({"movflags": "frag_keyframe+empty_moov"}, "c.mp4", "invalid_video", "fragments"),
        ({}, "c.mov", "unsupported_video_type", "QuickTime"),
    ],
)
async def test_what_is_no_plain_mp4(
    tmp_path: Path, options: dict[str, str], name: str, code: str, says: str
) -> None:
    data = write_clip(tmp_path / name, seconds=0.2, width=64, height=64, **options).read_bytes()
    with pytest.raises(UnusableReference) as caught:
        await probe_clip(BytesReader(data))
    assert caught.value.code == code
    assert says in caught.value.message
    assert "ffmpeg" in caught.value.message


async def test_a_file_that_stops_short(clip: bytes) -> None:
    with pytest.raises(UnusableReference, match="uploaded whole"):
        await probe_clip(BytesReader(clip[: len(clip) // 2]))


def _probe(data: bytes) -> None:
    """Run the parser to its end: with bytes in memory it never really waits."""
    running = probe_clip(BytesReader(data))
    with pytest.raises((StopIteration, UnusableReference)):
        running.send(None)


@given(st.binary(max_size=200))
def test_rubbish_is_refused_and_nothing_worse(data: bytes) -> None:
    _probe(data)
    _probe(b"\0\0\0\x10ftypmp42\0\0\0\0" + data)
    looks_like_mp4(data)


@given(data=st.data())
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_damaged_clip_is_read_or_refused_and_nothing_worse(
    clip: bytes, data: st.DataObject
) -> None:
    damaged = bytearray(clip)
    index = clip.rindex(b"moov") - 4
    for _ in range(data.draw(st.integers(1, 6))):
        damaged[data.draw(st.integers(index, len(clip) - 1))] = data.draw(st.integers(0, 255))
    _probe(bytes(damaged[: data.draw(st.integers(index, len(clip)))]))
