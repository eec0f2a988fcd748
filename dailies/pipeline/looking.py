"""Looking into a stored video: its file read in pieces, one video at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from dailies.services import Files, Services
from dailies.video.errors import Busy
from dailies.video.record import StoredFile

__all__ = ["StoredVideo", "looking_place"]


@dataclass(frozen=True, slots=True)
class StoredVideo:
    """A stored file, as a ``RangeReader``."""

    files: Files
    file: StoredFile

    @property
    def length(self) -> int:
        return self.file.bytes

    async def read(self, offset: int, length: int) -> bytes:
        length = min(length, self.length - offset)
        if length <= 0:
            return b""
        chunks = await self.files.open_range(self.file.blob, offset=offset, length=length)
        return b"".join([chunk async for chunk in chunks])


@asynccontextmanager
async def looking_place(services: Services) -> AsyncIterator[None]:
    """The one place where a video is looked into.

    Raises:
        Busy: others are looked into.
    """
    async with AsyncExitStack() as held:
        try:
            await held.enter_async_context(services.footage.place())
        except TimeoutError:
            raise Busy("another video is looked into") from None
        yield
