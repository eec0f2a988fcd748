"""How a request's body is read: its kinds, its limits, and what a caller did wrong."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterable

import pytest
from fastapi import Request
from starlette.types import Message

from dailies.api import bodies
from dailies.api.bodies import Upload, open_body
from dailies.errors import InvalidRequest, RequestError, TooLarge, TooSlow
from dailies.references.inputs import digest

LIMIT = 3 * 1024**2
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=b"


def request(content_type: str, *pieces: bytes, then: str = "") -> Request:
    """A request whose body comes in pieces; ``then`` is ``leaves`` or ``waits``, or nothing."""
    messages: list[Message] = [
        {"type": "http.request", "body": piece, "more_body": bool(then) or number < len(pieces)}
        for number, piece in enumerate(pieces, 1)
    ]

    async def receive() -> Message:
        if messages:
            return messages.pop(0)
        if then == "waits":
            await asyncio.sleep(60)
        return {"type": "http.disconnect"}

    return _request(content_type, receive)


def _request(content_type: str, receive: Callable[[], Awaitable[Message]]) -> Request:
    headers = [(b"content-type", content_type.encode())]
    scope = {"type": "http", "method": "POST", "headers": headers, "app": object()}
    return Request(scope, receive)


def part(name: str, value: bytes, filename: str | None = None) -> bytes:
    file = f'; filename="{filename}"' if filename else ""
    head = f'--b\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'
    return head.encode() + value + b"\r\n"


async def refusal(given: Request) -> RequestError:
    with pytest.raises(RequestError) as caught:
        async with open_body(given, max_inline_bytes=LIMIT):
            pass
    return caught.value


@pytest.mark.parametrize(
    ("content_type", "pieces"),
    [
        (JSON, [b'{"prompt": "a pi', b'er", "video": {"id": "v"}}']),
        ("text/plain", [b'{"prompt": "a pier", "video": {"id": "v"}}']),
        (FORM, [b"prompt=a+pi", b"er&video%5Bid%5D=v"]),
        (MULTIPART, [part("prompt", b"a pier") + part("video[id]", b"v") + b"--b--"]),
    ],
)
async def test_every_kind_of_body_has_one_shape(content_type: str, pieces: list[bytes]) -> None:
    async with open_body(request(content_type, *pieces), max_inline_bytes=LIMIT) as body:
        assert dict(body.fields) == {"prompt": "a pier", "video": {"id": "v"}}


async def test_a_file_is_read_in_pieces_while_the_body_is_open() -> None:
    content = bytes(range(256)) * 20_000  # more than is spooled in memory
    form = part("video", content, "clip.mp4") + part("video", b"two", "second.mp4") + b"--b--"
    async with open_body(request(MULTIPART, form), max_inline_bytes=LIMIT) as body:
        first, second = body.uploads
        assert (first.filename, first.length) == ("clip.mp4", len(content))
        assert await first.read(250, 10) == content[250:260]
        assert await digest(first) == hashlib.sha256(content).hexdigest()
        assert await digest(first) == hashlib.sha256(content).hexdigest()
        assert first.file._in_memory is False
        assert body.fields["video"] is second
    assert first.file.file.closed


@pytest.mark.parametrize("content_type", [JSON, FORM])
async def test_more_text_than_a_request_needs_is_a_413(content_type: str) -> None:
    piece = b"x" * 1024**2
    error = await refusal(request(content_type, *[piece] * 6))
    assert (error.status, error.code) == (413, "body_too_large")
    assert isinstance(error, TooLarge)


async def test_a_field_that_is_too_long_is_an_error() -> None:
    form = part("prompt", b"x" * 5 * 1024**2) + b"--b--"
    error = await refusal(request(MULTIPART, form))
    assert (error.status, error.code) == (400, "invalid_form")


@pytest.mark.parametrize("content_type", [JSON, FORM, MULTIPART])
async def test_a_body_that_ends_too_early_is_the_callers(content_type: str) -> None:
    error = await refusal(request(content_type, part("prompt", b"a pi"), then="leaves"))
    assert isinstance(error, InvalidRequest)
    assert error.code == "incomplete_body"


@pytest.mark.parametrize("content_type", [JSON, MULTIPART])
async def test_a_body_that_does_not_arrive_is_a_408(
    content_type: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "_LONGEST_READ_SECONDS", 0.05)
    error = await refusal(request(content_type, part("prompt", b"a pi"), then="waits"))
    assert isinstance(error, TooSlow)
    assert "send the request again" in error.message


@pytest.mark.parametrize(
    ("content_type", "pieces", "code"),
    [
        (JSON, [b""], "missing_body"),
        (JSON, [b" \n"], "missing_body"),
        (JSON, [b"{"], "invalid_json"),
        (JSON, [b"[1]"], "invalid_json"),
        (JSON, [b"\xff\xfe"], "invalid_json"),
        (JSON, [b"[" * 100_000], "invalid_json"),
        (FORM, [b"&".join(b"a%d=1" % n for n in range(70))], "invalid_form"),
        (MULTIPART, [b"no form"], "invalid_form"),
        ("multipart/form-data", [b"--b--"], "invalid_form"),
    ],
)
async def test_what_is_no_body_says_what_is_wrong(
    content_type: str, pieces: Iterable[bytes], code: str
) -> None:
    error = await refusal(request(content_type, *pieces))
    assert (error.status, error.code) == (400, code)


async def test_an_error_of_the_route_closes_the_files() -> None:
    form = part("video", b"clip", "clip.mp4") + b"--b--"
    seen: list[Upload] = []

    async def fails() -> None:
        async with open_body(request(MULTIPART, form), max_inline_bytes=LIMIT) as body:
            seen.extend(body.uploads)
            raise LookupError

    with pytest.raises(LookupError):
        await fails()
    assert seen[0].file.file.closed
