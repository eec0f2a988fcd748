"""Reading a file in pieces, from memory or from wherever it lies, by one and the same parser.

A parser is a generator: it yields ``(offset, length)``, is sent the bytes that are there (fewer at
the file's end), and returns what it found. So it takes no side on how bytes come, and a file of any
size is examined with a mebibyte of it in memory at a time.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Protocol, TypeVar

__all__ = ["BytesReader", "RangeReader", "Reading", "read_bytes", "read_file"]

T = TypeVar("T")
Reading = Generator[tuple[int, int], bytes, T]
"""A parser that asks for pieces of a file."""

_AHEAD = 1024**2
"""Bytes that are fetched at once: most of what a parser asks for next lies behind it."""


class RangeReader(Protocol):
    """A file whose pieces can be read."""

    @property
    def length(self) -> int:
        """Its bytes."""
        ...

    async def read(self, offset: int, length: int) -> bytes:
        """``length`` bytes from ``offset``; fewer at the file's end."""
        ...


@dataclass(frozen=True, slots=True)
class BytesReader:
    """Bytes in memory."""

    data: bytes

    @property
    def length(self) -> int:
        """See ``RangeReader``."""
        return len(self.data)

    async def read(self, offset: int, length: int) -> bytes:
        """See ``RangeReader``."""
        return self.data[offset : offset + length]


def read_bytes(parser: Reading[T], data: bytes) -> T:
    """What the parser finds in bytes in memory."""
    piece: bytes | None = None
    while True:
        try:
            offset, length = next(parser) if piece is None else parser.send(piece)
        except StopIteration as end:
            found: T = end.value
            return found
        piece = data[offset : offset + length]


async def read_file(parser: Reading[T], file: RangeReader) -> T:
    """What the parser finds in a file."""
    start, block = 0, b""
    piece: bytes | None = None
    while True:
        try:
            offset, length = next(parser) if piece is None else parser.send(piece)
        except StopIteration as end:
            found: T = end.value
            return found
        wanted = min(offset + length, file.length)
        if offset < start or wanted > start + len(block):
            start, block = offset, await file.read(offset, max(length, _AHEAD))
        piece = block[offset - start : offset - start + length]
