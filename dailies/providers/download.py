"""A file of a finished job, checked while it streams.

Never taken for a file: an error page or a JSON document with status 200, the video where another
variant was asked for, an empty body, a body that stops short.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import AsyncIterator

import httpx

from dailies.net.numerals import whole_number
from dailies.providers.base import Content
from dailies.providers.outcomes import Kind, Outcome
from dailies.video.basics import Variant
from dailies.video.errors import IntegrityError

__all__ = ["checked_content", "inline_content"]

_CHUNK = 256 * 1024
_CODED = 4 * _CHUNK // 3 // 4 * 4
"""Characters of base64 that are decoded at a time: whole groups of four."""

_OPAQUE = {"application/octet-stream", "binary/octet-stream", "application/mp4", ""}
_DEFAULT_TYPE = {
    Variant.VIDEO: "video/mp4",
    Variant.THUMBNAIL: "image/webp",
    Variant.SPRITESHEET: "image/jpeg",
}


async def checked_content(response: httpx.Response, variant: Variant) -> Content | Outcome:
    """The file in an open answer of status 200, or why it is none.

    ``Content.chunks`` raises ``IntegrityError`` when the body ends early, breaks off or is longer
    than announced.
    """
    declared = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    family = declared.partition("/")[0]
    wanted = "video" if variant is Variant.VIDEO else "image"
    if wanted == "image" and family == "video":
        return _outcome(Kind.MISSING, "variant_unavailable", "The provider only has the video.")
    if family != wanted and declared not in _OPAQUE:
        return _bad(f"content of type '{declared[:40]}'")

    length = _length(response)
    chunks = _counted(response, length)
    try:
        first = await anext(chunks, b"")
    except IntegrityError as error:
        return _outcome(Kind.TRANSIENT, "content_broken", f"The provider failed: {error}.")
    if not first:
        return _bad("an empty body")
    if first.lstrip()[:1] in (b"<", b"{", b"["):  # markup or JSON, whatever the header says
        return _bad("a text")
    content_type = declared if family == wanted else _DEFAULT_TYPE[variant]
    return Content(content_type, length, _after(first, chunks))


def inline_content(data: str, content_type: str) -> Content:
    """A file that an answer holds as base64, decoded piece by piece.

    It is no larger than answers are read at all. ``Content.chunks`` raises ``IntegrityError`` when
    it is no base64.
    """
    length = len(data) // 4 * 3 - (len(data) - len(data.rstrip("=")))
    return Content(content_type, length, _decoded(data))


async def _decoded(data: str) -> AsyncIterator[bytes]:
    for place in range(0, len(data), _CODED):
        try:
            yield base64.b64decode(data[place : place + _CODED], validate=True)
        except (binascii.Error, ValueError) as error:
            raise IntegrityError("the content in the answer is no base64") from error


def _length(response: httpx.Response) -> int | None:
    """The announced bytes of the file; None when a coding makes them those of something else."""
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        return None
    announced = response.headers.get("content-length", "")
    return whole_number(announced)


async def _counted(response: httpx.Response, length: int | None) -> AsyncIterator[bytes]:
    total = 0
    try:
        async for chunk in response.aiter_bytes(_CHUNK):
            total += len(chunk)
            yield chunk
    except httpx.RequestError as error:
        raise IntegrityError(
            f"the content broke off after {response.num_bytes_downloaded} of {_told(length)} bytes "
            f"({type(error).__name__})"
        ) from error
    if length is not None and total != length:
        raise IntegrityError(f"the content has {total} bytes instead of {_told(length)}")


async def _after(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for chunk in rest:
        yield chunk


def _told(length: int | None) -> str:
    return "an unknown number of" if length is None else str(length)


def _bad(what: str) -> Outcome:
    return _outcome(
        Kind.TRANSIENT, "bad_content", f"The provider sent {what} in place of the file."
    )


def _outcome(kind: Kind, code: str, message: str) -> Outcome:
    return Outcome(kind, code=code, message=message, http_status=200)
