"""The files in a request's body: written as they arrive, open until the request is served."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, cast

from starlette.datastructures import UploadFile

from dailies.inputs.inline import Base64Decoder, DataUrlError, TooManyBytes
from dailies.video.errors import InvalidRequest, TooLarge

__all__ = ["InlineFile", "Upload", "Uploads"]

_CHUNK = 1024**2
_MOST_FILES = 64
_SPOOLED = 256 * 1024
"""Bytes of a file that are held in memory before it goes to disk."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file of a body, an ``InputSource``; it is open while the body is.

    Attributes:
        filename: as the part of a form gives it; a data URL has none.
        where: the field that holds it, as in ``input_reference.image_url``; places in arrays are
            left out.
    """

    filename: str
    file: UploadFile = field(repr=False)
    where: str = ""

    @property
    def length(self) -> int:
        """Its bytes."""
        return self.file.size or 0

    async def read(self, offset: int, length: int) -> bytes:
        """``length`` bytes from ``offset``; fewer at the file's end."""
        await self.file.seek(offset)
        return await self.file.read(length)

    async def open(self) -> AsyncIterator[bytes]:
        """Start reading it anew."""
        await self.file.seek(0)
        while chunk := await self.file.read(_CHUNK):
            yield chunk


class Uploads:
    """All files of one body. What is written waits for ``flush``, since a parser can't wait."""

    def __init__(self) -> None:
        self.all: list[Upload] = []
        self._writes: list[tuple[Upload, bytes]] = []

    def new(self, where: str, filename: str = "") -> Upload:
        """A file with nothing in it yet, in the field ``where``.

        Raises:
            InvalidRequest: there are very many.
        """
        if len(self.all) >= _MOST_FILES:
            raise InvalidRequest(
                f"The body has more than {_MOST_FILES} files.", code="too_many_files"
            )
        spooled = cast(BinaryIO, SpooledTemporaryFile(max_size=_SPOOLED))  # noqa: SIM115 - see close
        upload = Upload(filename, UploadFile(spooled, size=0, filename=filename), where)
        self.all.append(upload)
        return upload

    def write(self, upload: Upload, data: bytes) -> None:
        """Put bytes at the end of a file."""
        if data:
            self._writes.append((upload, data))

    async def flush(self) -> None:
        """Write what waits; what is on disk is written in a thread."""
        writes, self._writes = self._writes, []
        for upload, data in writes:
            await upload.file.write(data)

    def drop(self, upload: Upload) -> None:
        """Take back a file that is none after all; nothing was written to it."""
        self.all.remove(upload)
        upload.file.file.close()

    async def close(self) -> None:
        """Close all files, which removes them."""
        for upload in self.all:
            await upload.file.close()


class InlineFile:
    """A file in a data URL, decoded into an upload as its text arrives.

    Args:
        where: see ``Upload``.
        max_bytes: of the file.
    """

    def __init__(self, uploads: Uploads, where: str, *, max_bytes: int) -> None:
        self.upload = uploads.new(where)
        self._uploads = uploads
        self._where = where
        self._decoder = Base64Decoder(max_bytes=max_bytes)
        # Base64 has a third more; written with escapes, three times that.
        self._text_left = 4 * max_bytes + 1024

    def feed(self, text: bytes) -> None:
        """Take more of the text behind the comma.

        Raises:
            InvalidRequest: it is not base64.
            TooLarge: the file has too many bytes.
        """
        self._text_left -= len(text)
        try:
            if self._text_left < 0:
                raise TooManyBytes("It has more text than a file of the largest size.")
            self._uploads.write(self.upload, self._decoder.feed(text))
        except DataUrlError as error:
            raise self.refusal(error) from None

    def finish(self) -> None:
        """Its text has ended.

        Raises:
            InvalidRequest: it ended too early, or there is nothing in it.
        """
        try:
            self._uploads.write(self.upload, self._decoder.finish())
        except DataUrlError as error:
            raise self.refusal(error) from None

    def refusal(self, error: DataUrlError) -> InvalidRequest | TooLarge:
        """The answer to what is wrong with it."""
        param = self._where.partition(".")[0]
        message = f"Invalid '{self._where}'. {error}"
        if isinstance(error, TooManyBytes):
            return TooLarge(
                f"{message} Scale the image down, or save it as JPEG.",
                param=param,
                code="image_too_large",
            )
        return InvalidRequest(message, param=param, code="invalid_image_url")
