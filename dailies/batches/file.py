"""The shots of a batch, read from its file a page at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator

from dailies.protocols.batch.check import KeptShot
from dailies.services import Services
from dailies.video.batch import PAGE_SHOTS, Batch
from dailies.video.errors import IntegrityError

__all__ = ["ShotFile"]


class ShotFile:
    """The file of a batch; the page that was read last is kept."""

    def __init__(self, services: Services, batch: Batch) -> None:
        self._files = services.files
        self._batch = batch
        self._page: list[KeptShot] = []
        self._number = -1

    async def get(self, number: int) -> KeptShot:
        """The shot of that number, from 1.

        Raises:
            IntegrityError: it is not there.
        """
        page, place = divmod(number - 1, PAGE_SHOTS)
        if page != self._number:
            self._page, self._number = await self._read(page), page
        if place >= len(self._page):
            raise IntegrityError(f"{self._batch.id} has no shot {number}")
        return self._page[place]

    async def after(self, number: int) -> AsyncIterator[tuple[int, KeptShot]]:
        """Each shot after that number, with its own."""
        for following in range(number + 1, self._batch.total + 1):
            yield following, await self.get(following)

    async def _read(self, page: int) -> list[KeptShot]:
        file, offsets = self._batch.file, self._batch.pages
        if file is None or page >= len(offsets):
            raise IntegrityError(f"{self._batch.id} has no page {page}")
        begin = offsets[page]
        end = offsets[page + 1] if page + 1 < len(offsets) else file.bytes
        stream = await self._files.open_range(file.blob, offset=begin, length=end - begin)
        raw = b"".join([chunk async for chunk in stream])
        return [KeptShot.load(line) for line in raw.splitlines()]
