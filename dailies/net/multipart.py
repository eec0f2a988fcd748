"""A form whose files are streamed: each is read while it is sent, and read anew if sent again.

httpx's own forms want their files in memory or as blocking file objects. RFC 7578.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field

import httpx
from azure.core.exceptions import AzureError

__all__ = ["FormFile", "InputUnavailable", "StreamedForm"]


class InputUnavailable(httpx.RequestError):
    """A file of the form could not be read to its end, so the request broke off: whoever receives
    half a form of announced length can't have acted on it."""


@dataclass(frozen=True, slots=True)
class FormFile:
    """A file of a form. ``length`` is its bytes; ``open`` starts reading it."""

    name: str
    filename: str
    content_type: str
    length: int
    open: Callable[[], AsyncIterator[bytes]] = field(repr=False)


class StreamedForm:
    """The body of a ``multipart/form-data`` request; iterate it as often as it is sent.

    Names are ours and hold no quotes or line breaks. Text that is no UTF-8 (half a surrogate pair)
    is replaced.
    """

    def __init__(self, fields: Mapping[str, str], files: Sequence[FormFile]) -> None:
        self._boundary = secrets.token_hex(16)
        self._files = files
        self._head = b"".join(
            self._part(f'name="{name}"') + value.encode("utf-8", "replace") + b"\r\n"
            for name, value in fields.items()
        )
        self._tail = f"--{self._boundary}--\r\n".encode()

    @property
    def headers(self) -> dict[str, str]:
        """Type and length; without the length the body would be sent in chunks."""
        files = sum(len(self._opening(file)) + file.length + 2 for file in self._files)
        return {
            "Content-Type": f"multipart/form-data; boundary={self._boundary}",
            "Content-Length": str(len(self._head) + files + len(self._tail)),
        }

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._head
        for file in self._files:
            yield self._opening(file)
            async for chunk in _whole(file):
                yield chunk
            yield b"\r\n"
        yield self._tail

    def _opening(self, file: FormFile) -> bytes:
        return self._part(f'name="{file.name}"; filename="{file.filename}"', file.content_type)

    def _part(self, disposition: str, content_type: str | None = None) -> bytes:
        kind = f"Content-Type: {content_type}\r\n" if content_type else ""
        head = f"--{self._boundary}\r\nContent-Disposition: form-data; {disposition}\r\n{kind}\r\n"
        return head.encode()


async def _whole(file: FormFile) -> AsyncIterator[bytes]:
    """The file's bytes, exactly as many as were announced.

    Raises:
        InputUnavailable: storage did not give them.
    """
    sent = 0
    try:
        async for chunk in file.open():
            sent += len(chunk)
            if sent > file.length:
                break
            yield chunk
    except AzureError as error:
        raise InputUnavailable(f"{type(error).__name__} after {sent} bytes") from error
    if sent != file.length:
        raise InputUnavailable(f"{sent} bytes instead of {file.length}")
