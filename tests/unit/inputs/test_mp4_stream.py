"""Whether an MP4 that streams by is all there."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dailies.inputs.mp4_stream import whole_mp4
from dailies.video.errors import IntegrityError
from tests.unit.inputs.pictures import box

FTYP, MOOV = box(b"ftyp", b"isom\0\0\2\0"), box(b"moov", b"index" * 30)
MDAT = box(b"mdat", b"picture" * 50)
LONG_MDAT = b"\0\0\0\1mdat" + (16 + 350).to_bytes(8, "big") + b"picture" * 50
OPEN_MDAT = b"\0\0\0\0mdat" + b"picture" * 50


async def _streamed(data: bytes, sizes: list[int]) -> bytes:
    async def chunks() -> AsyncIterator[bytes]:
        at = 0
        for size in sizes:
            yield data[at : at + size]
            at += size
        yield data[at:]

    return b"".join([chunk async for chunk in whole_mp4(chunks())])


@pytest.mark.parametrize(
    "data",
    [
        FTYP + MOOV + MDAT,
        FTYP + box(b"free", b"") + MDAT + MOOV,
        FTYP + LONG_MDAT + MOOV,
        FTYP + MOOV + OPEN_MDAT,
        FTYP + MOOV + MDAT + b"\0\0",  # some pad what they write
        FTYP + MOOV + MDAT + box(b"free", b"room" * 9)[:-9],
        b"\x1aE\xdf\xa3 this is a WebM, and nothing that is known here",
    ],
)
@given(sizes=st.lists(st.integers(0, 90), max_size=12))
async def test_what_is_whole_passes_unchanged(data: bytes, sizes: list[int]) -> None:
    assert await _streamed(data, sizes) == data


@pytest.mark.parametrize("data", [FTYP + MOOV + MDAT, FTYP + LONG_MDAT + MOOV])
@given(part=st.floats(0, 1, exclude_max=True), sizes=st.lists(st.integers(0, 90), max_size=12))
async def test_what_stops_short_is_told(data: bytes, part: float, sizes: list[int]) -> None:
    cut = data[: int(part * len(data))]
    if len(cut) == len(FTYP + MOOV) and cut.endswith(MOOV):
        return  # the index alone is a whole file, for all that its boxes say
    if len(FTYP + MOOV) < len(cut) < len(FTYP + MOOV) + 8 and data.startswith(FTYP + MOOV):
        return  # and so is what follows it, while it may be padding
    with pytest.raises(IntegrityError):
        await _streamed(cut, sizes)
