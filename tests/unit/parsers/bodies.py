"""Parsers of requests' bodies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import Request

from dailies.api.bodies import open_body
from dailies.jsontext import parse_json
from tests.unit.parsers.shapes import JSON, MIB, MOST_HEADER, Parser, of, waits

__all__ = ["PARSERS"]


def _body(content_type: str) -> Callable[[bytes], object]:
    async def read(data: bytes) -> object:
        sent = False

        async def receive() -> dict[str, Any]:
            nonlocal sent
            if sent:
                return {"type": "http.disconnect"}
            sent = True
            return {"type": "http.request", "body": data, "more_body": False}

        headers = [(b"content-type", content_type.encode("latin-1", "replace"))]
        request = Request({"type": "http", "method": "POST", "headers": headers}, receive)
        async with open_body(request, max_inline_bytes=MIB) as body:
            return body.fields

    return waits(read)


FORM = of(b"%41", b"&", b"=", b"a=b&", b"%ff", b"%", b"+", b";", b"a[b]=c&", before=b"a=")
_PART = b'--b\r\nContent-Disposition: form-data; name="a"'
MULTIPART = {
    **of(b"--b\r\n", b"\r\n--", b"\r\n--c", b"\r", b"-", b"\n", b"\r\n--b-", b"x", b"data:"),
    **of(_PART + b"\r\n\r\nx\r\n", after=b"--b--"),
    **of(b"x", b"\r\n--", b"\r\n--b", b"\r\n--bx", b"\r", b"\xff", before=_PART + b"\r\n\r\n"),
    **of(b"YWJj", b"%41", b" ", before=_PART + b"\r\n\r\ndata:;base64,"),
    **of(b"x", b"\r\n--", before=_PART + b'; filename="a"\r\n\r\n'),
    **of(b"a: b\r\n", b"a", b": ", b" ", before=b"--b\r\n"),
    **of(b";", b'"', b'\\"', b"a=b;", b"*=", b"=", b" ", before=_PART, after=b"\r\n\r\nx"),
}
OPTIONS = of(b";", b'"', b'\\"', b'"=;', b"a=b;", b"=", b" ", b"*", b"boundary=b;", b"charset=x;")

PARSERS = (
    Parser("JSON body", _body("application/json"), JSON),
    Parser("url-encoded body", _body("application/x-www-form-urlencoded"), FORM),
    Parser("multipart body", _body("multipart/form-data; boundary=b"), MULTIPART),
    Parser(
        "content type",
        lambda data: _body("multipart/form-data; " + data.decode("latin-1"))(b""),
        OPTIONS,
        MOST_HEADER,
    ),
    Parser("JSON", lambda data: parse_json(data, most_parts=10_000), JSON),
)
