"""A file far away as the file object that a decoder reads in its thread.

Bytes are fetched by the loop, a mebibyte at a time, where the decoder asks for them. So a video is
neither whole in memory nor on the disk, of which an instance has little; of a long one, most is
never fetched.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import TypeVar

from dailies.inputs.reading import RangeReader
from dailies.threads import Pool
from dailies.video.errors import LimitReached

__all__ = ["Blocks", "RangeFile", "in_thread"]

T = TypeVar("T")
_BLOCK = 1024**2
_KEPT_BLOCKS = 4
"""An index at one end, the pictures, the sound: what a decoder goes back and forth between."""


class Blocks:
    """A ``RangeReader`` that fetches blocks and keeps the last few of them.

    What a video is made of, its index and its first picture are looked up one after the other, and
    mostly stand in one block.
    """

    def __init__(self, file: RangeReader) -> None:
        self._file = file
        self._blocks: OrderedDict[int, bytes] = OrderedDict()

    @property
    def length(self) -> int:
        """See ``RangeReader``."""
        return self._file.length

    async def read(self, offset: int, length: int) -> bytes:
        """See ``RangeReader``."""
        length = max(0, min(length, self.length - offset))
        number, skipped = divmod(offset, _BLOCK)
        if length == 0 or skipped + length > _BLOCK:
            return await self._file.read(offset, length)
        return (await self.fetch(number))[skipped : skipped + length]

    def kept(self, number: int) -> bytes | None:
        """A block, where it is kept; for any thread, while no other one is here."""
        if number in self._blocks:
            self._blocks.move_to_end(number)
        return self._blocks.get(number)

    async def fetch(self, number: int) -> bytes:
        """A block, kept or not."""
        block = self.kept(number)
        if block is None:
            block = self._blocks[number] = await self._file.read(number * _BLOCK, _BLOCK)
            if len(self._blocks) > _KEPT_BLOCKS:
                self._blocks.popitem(last=False)
        return block


class RangeFile:
    """Reads a file that the loop can reach; for one thread, which is not the loop's.

    Args:
        seconds: from the first look at it; later ones raise.
        most_bytes: that are fetched in all.
    """

    def __init__(
        self,
        file: Blocks,
        loop: asyncio.AbstractEventLoop,
        *,
        seconds: float,
        most_bytes: int,
    ) -> None:
        self._file = file
        self._loop = loop
        self._seconds = seconds
        self._ends: float | None = None
        self._left = most_bytes
        self._position = 0
        self._is_given_up = False

    def give_up(self) -> None:
        """Nobody waits for the answer any more; the next look at it raises."""
        self._is_given_up = True

    def check(self) -> float:
        """The seconds that are left.

        Raises:
            LimitReached: none are.
        """
        now = time.monotonic()
        if self._ends is None:
            self._ends = now + self._seconds
        if self._is_given_up or now >= self._ends:
            raise LimitReached(f"it takes more than {self._seconds:g} seconds")
        return self._ends - now

    def read(self, size: int = -1) -> bytes:
        """Bytes from the position on, at most to the end of a block; none at the file's end.

        Raises:
            LimitReached: of time or bytes.
        """
        left = self.check()
        number, skipped = divmod(self._position, _BLOCK)
        if self._position >= self._file.length or size == 0:
            return b""
        block = self._block(number, left)
        piece = block[skipped:] if size < 0 else block[skipped : skipped + size]
        self._position += len(piece)
        return piece

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move the position; gives it."""
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._file.length}
        self._position = max(0, start[whence] + offset)
        return self._position

    def tell(self) -> int:
        """The position."""
        return self._position

    def seekable(self) -> bool:
        """It can be read anywhere."""
        return True

    def _block(self, number: int, seconds: float) -> bytes:
        kept = self._file.kept(number)
        if kept is not None:
            return kept
        if self._left <= 0:
            raise LimitReached("too much of it would have to be read")
        reading = asyncio.run_coroutine_threadsafe(self._file.fetch(number), self._loop)
        try:
            block = reading.result(seconds)
        except TimeoutError:
            if reading.done():
                raise  # storage's own
            reading.cancel()
            raise LimitReached(f"it takes more than {self._seconds:g} seconds") from None
        self._left -= len(block)
        return block


async def in_thread(
    work: Callable[[RangeFile], T],
    file: Blocks,
    pool: Pool,
    *,
    seconds: float,
    most_bytes: int,
) -> T:
    """What ``work`` makes of a file, in a thread of the pool that it has a place in.

    Raises:
        LimitReached: it takes more time or bytes than that.
    """
    opened = RangeFile(file, asyncio.get_running_loop(), seconds=seconds, most_bytes=most_bytes)
    try:
        return await pool.run(lambda: work(opened))
    except TimeoutError:
        raise LimitReached("its thread is not done in time") from None
    finally:
        opened.give_up()
