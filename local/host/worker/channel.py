"""Frames between the host and its worker: a JSON header and one binary payload.

A frame is two big-endian 32-bit lengths, then the header (UTF-8 JSON object), then the payload.
Bodies travel as the payload and are never encoded as text. Both sides use :class:`Channel`; many
coroutines may send at once, since a frame is handed to the transport in one piece.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import Mapping
from typing import Any

__all__ = ["Channel", "ChannelClosedError"]

_LENGTHS = struct.Struct("!II")
_READ_BUFFER = 1 << 20


class ChannelClosedError(Exception):
    """The other side is gone."""


class Channel:
    """One end of the socket pair that joins the host and a worker process."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, end: socket.socket) -> Channel:
        """Wrap one end of a socket pair; takes over its ownership."""
        reader, writer = await asyncio.open_connection(sock=end, limit=_READ_BUFFER)
        return cls(reader, writer)

    async def send(self, header: Mapping[str, Any], payload: bytes = b"") -> None:
        """Send one frame, waiting while the other side is slow to read.

        :raises ChannelClosedError: the other side is gone.
        """
        head = json.dumps(header, separators=(",", ":")).encode()
        if self._writer.is_closing():
            raise ChannelClosedError("the channel is closed")
        # Without an empty one: asyncio of Python 3.12 may spin on it for ever.
        parts = [_LENGTHS.pack(len(head), len(payload)), head, *([payload] if payload else [])]
        self._writer.writelines(parts)
        try:
            await self._writer.drain()
        except (ConnectionError, RuntimeError) as gone:
            raise ChannelClosedError("the other side closed the channel") from gone

    async def receive(self) -> tuple[dict[str, Any], bytes]:
        """Wait for the next frame.

        :raises ChannelClosedError: the other side is gone, possibly in the middle of a frame.
        """
        try:
            lengths = await self._reader.readexactly(_LENGTHS.size)
            head_length, payload_length = _LENGTHS.unpack(lengths)
            head = await self._reader.readexactly(head_length)
            payload = await self._reader.readexactly(payload_length) if payload_length else b""
        except (asyncio.IncompleteReadError, ConnectionError) as gone:
            raise ChannelClosedError("the other side closed the channel") from gone
        header: dict[str, Any] = json.loads(head)
        return header, payload

    def close(self) -> None:
        """Close this end; the other side then reads end of file."""
        self._writer.close()
