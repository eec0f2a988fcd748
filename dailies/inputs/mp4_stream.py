"""Whether an MP4 that streams by is all there, by the sizes that its boxes announce.

A provider may announce the length of the half file that it has, so lengths alone do not tell.
Format: ISO/IEC 14496-12.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from dailies.video.errors import IntegrityError

__all__ = ["BoxWalk", "whole_mp4"]

_SHORT_HEADER, _LONG_HEADER = 8, 16
_PICTURES = frozenset({b"mdat", b"moov", b"moof"})
"""What nobody can play a video without. Half a box of other kinds at the end does no harm."""


class BoxWalk:
    """Goes from box to box through a file that comes in chunks, in a few operations each."""

    def __init__(self) -> None:
        self._offset = 0
        self._next = 0  # where the next box begins
        self._header = bytearray()
        self._kind = b""
        self._has_index = False
        self._is_mp4: bool | None = None
        self._is_open_ended = False

    def feed(self, chunk: bytes) -> None:
        """Take what comes next of the file."""
        at = 0
        while at < len(chunk) and self._is_mp4 is not False and not self._is_open_ended:
            skipped = min(max(0, self._next - self._offset), len(chunk) - at)
            at += skipped
            self._offset += skipped
            taken = chunk[at : at + self._missing]
            self._header += taken
            at += len(taken)
            self._offset += len(taken)
            if not self._missing:
                self._enter()

    def check(self) -> None:
        """What is to be said at the end of the file.

        Raises:
            IntegrityError: something is missing.
        """
        if self._is_mp4 is None:
            raise IntegrityError("the video ends within its first box")
        if not self._is_mp4:
            return
        if self._offset < self._next and self._kind in _PICTURES:
            raise IntegrityError(
                f"the video stops short: its box {self._kind.decode()} would end at byte "
                f"{self._next}, and there are {self._offset}"
            )
        if not self._has_index:
            raise IntegrityError("the video has no index, so the end of it is missing")

    @property
    def _missing(self) -> int:
        """Bytes until the header of the box is whole."""
        is_long = self._header[:4] == b"\0\0\0\1"
        return (_LONG_HEADER if is_long else _SHORT_HEADER) - len(self._header)

    def _enter(self) -> None:
        size, self._kind = int.from_bytes(self._header[:4], "big"), bytes(self._header[4:8])
        if self._is_mp4 is None:
            self._is_mp4 = self._kind == b"ftyp"
        if size == 1:
            size = int.from_bytes(self._header[8:16], "big")
        start = self._offset - len(self._header)
        self._is_open_ended = size == 0  # to the end of the file
        self._has_index |= self._kind == b"moov"
        # A size that makes no sense is left to players: it is not what a broken transfer does.
        self._next = start + max(size, len(self._header))
        self._header.clear()


async def whole_mp4(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The chunks of a file, as they are.

    Raises:
        IntegrityError: at the end, when it is an MP4 and a part of it is missing.
    """
    walk = BoxWalk()
    async for chunk in chunks:
        walk.feed(chunk)
        yield chunk
    walk.check()
