"""A file far away, read by a thread within limits."""

from __future__ import annotations

import asyncio
import os
from typing import Any

import pytest

from dailies.footage.source import Blocks, RangeFile, in_thread
from dailies.inputs.reading import BytesReader, RangeReader
from dailies.threads import Pool
from dailies.video.errors import LimitReached

MIB = 1024**2
LIMITS: dict[str, Any] = {"seconds": 30, "most_bytes": 64 * MIB}
DATA = bytes(range(256)) * (5 * MIB // 256) + b"the end"


class Counted:
    """A reader that tells which pieces were fetched."""

    def __init__(self, data: bytes) -> None:
        self._file = BytesReader(data)
        self.fetched: list[int] = []

    @property
    def length(self) -> int:
        return self._file.length

    async def read(self, offset: int, length: int) -> bytes:
        self.fetched.append(offset)
        return await self._file.read(offset, length)


class Stuck:
    """A reader whose bytes never come."""

    length = 10

    async def read(self, offset: int, length: int) -> bytes:
        await asyncio.Event().wait()
        return b""


@pytest.fixture
def pool() -> Pool:
    return Pool("test", threads=1, seconds=60)


def _all(file: RangeFile) -> bytes:
    return b"".join(iter(lambda: file.read(100_000), b""))


async def _read(pool: Pool, file: RangeReader, most_bytes: int = 64 * MIB) -> bytes:
    return await in_thread(_all, Blocks(file), pool, seconds=30, most_bytes=most_bytes)


async def test_it_is_read_from_end_to_end(pool: Pool) -> None:
    file = Counted(DATA)
    assert await _read(pool, file) == DATA
    assert file.fetched == [number * MIB for number in range(6)]


async def test_only_what_is_asked_for_is_fetched(pool: Pool) -> None:
    def ends(file: RangeFile) -> tuple[bytes, bytes, bytes]:
        first = file.read(3)
        assert file.seek(-7, os.SEEK_END) == len(DATA) - 7 == file.tell()
        last = file.read(100)
        file.seek(1)
        file.seek(1, os.SEEK_CUR)
        return first, last, file.read(1)

    file = Counted(DATA)
    found = await in_thread(ends, Blocks(file), pool, seconds=30, most_bytes=2 * MIB)
    assert found == (DATA[:3], b"the end", DATA[2:3])
    assert file.fetched == [0, 5 * MIB]


async def test_few_blocks_are_kept(pool: Pool) -> None:
    def back(file: RangeFile) -> None:
        for offset in (0, 1, 2, 3, 4, 0):
            file.seek(offset * MIB)
            file.read(1)

    file = Counted(DATA)
    await in_thread(back, Blocks(file), pool, seconds=30, most_bytes=64 * MIB)
    assert file.fetched == [0, MIB, 2 * MIB, 3 * MIB, 4 * MIB, 0]


async def test_what_was_looked_at_before_is_not_fetched_again(pool: Pool) -> None:
    file = Counted(DATA)
    blocks = Blocks(file)
    assert await blocks.read(0, 16) == DATA[:16]
    assert await blocks.read(MIB - 3, 3) == DATA[MIB - 3 : MIB]
    assert await in_thread(lambda opened: opened.read(5), blocks, pool, **LIMITS) == DATA[:5]
    assert file.fetched == [0]
    # What stands in two blocks is fetched as it is asked for.
    assert await blocks.read(MIB - 3, 6) == DATA[MIB - 3 : MIB + 3]
    assert file.fetched == [0, MIB - 3]
    assert await blocks.read(5 * MIB + 4, MIB) == b"end"
    assert await blocks.read(len(DATA), 10) == await blocks.read(len(DATA) + 5, 10) == b""


async def test_bytes_are_limited(pool: Pool) -> None:
    with pytest.raises(LimitReached, match="too much"):
        await _read(pool, Counted(DATA), most_bytes=2 * MIB)


@pytest.mark.parametrize("seconds", [0, 0.01])
async def test_time_is_limited_though_nothing_comes(pool: Pool, seconds: float) -> None:
    with pytest.raises(LimitReached, match="seconds"):
        await in_thread(_all, Blocks(Stuck()), pool, seconds=seconds, most_bytes=MIB)


async def test_the_thread_stops_once_nobody_waits() -> None:
    pool = Pool("test", threads=1, seconds=0.01)
    with pytest.raises(LimitReached, match="thread"):
        await in_thread(_all, Blocks(Stuck()), pool, seconds=0.5, most_bytes=MIB)
    # The thread is free again, for one that waits as long as it takes.
    later = Pool("test", threads=1, seconds=60)
    assert await _read(later, BytesReader(b"free")) == b"free"


async def test_faults_of_storage_come_through(pool: Pool) -> None:
    class Broken(Counted):
        async def read(self, offset: int, length: int) -> bytes:
            raise ConnectionError("storage is away")

    with pytest.raises(ConnectionError, match="away"):
        await _read(pool, Broken(b"x"))
