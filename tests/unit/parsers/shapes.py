"""What a parser is, and the shapes that would cost a careless one the most."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

__all__ = [
    "JSON",
    "MIB",
    "MOST_HEADER",
    "WORDS",
    "Parser",
    "Shape",
    "of",
    "running_loop",
    "text",
    "waits",
]

Shape = Callable[[int], bytes]
"""Gives about so many bytes."""

MIB = 1024**2
MOST_HEADER = 64 * 1024
"""Bytes. The server in the worker refuses a head that is larger."""


@dataclass(frozen=True)
class Parser:
    """A parser and what is thrown at it.

    Attributes:
        most: bytes; more never reach it, for the reason that stands beside.
    """

    name: str
    call: Callable[[bytes], object]
    shapes: Mapping[str, Shape] = field(repr=False)
    most: int = MIB


def of(*units: bytes, before: bytes = b"", after: bytes = b"") -> dict[str, Shape]:
    """Shapes that are one unit again and again."""

    def made(unit: bytes) -> Shape:
        return lambda n: before + unit * max(1, n // len(unit)) + after

    return {f"{before[-12:]!r} {unit[:24]!r}": made(unit) for unit in units}


def text(call: Callable[[str], object]) -> Callable[[bytes], object]:
    """The same parser, of text."""
    return lambda data: call(data.decode("utf-8", "replace"))


def waits(call: Callable[[bytes], Coroutine[Any, Any, object]]) -> Callable[[bytes], object]:
    """The same parser, waited for."""
    return lambda data: _runners[-1].run(call(data))


_runners: list[asyncio.Runner] = []


@contextmanager
def running_loop() -> Iterator[None]:
    """A loop for parsers that are waited for."""
    with asyncio.Runner() as runner:
        _runners.append(runner)
        yield
        _runners.pop()


JSON = {
    **of(b"{},", b"[],", b'"a":1,', b'"",', b"1.5,", b"9", b" ", b'"', b",", b"[", b'{"a":'),
    **of(b"a", b"\\\\", b"\\u0041", b'\\"', b"\\", b"\xc3\xa9", b"\xff", before=b'{"prompt":"'),
    **of(b"YWJj", b"%41", b"\\u0041", b" ", b"%", b"\\/", b"=", before=b'{"a":"data:;base64,'),
    **of(b'"data:;base64,YQ==",', b'"data:",', before=b"["),
    **of(b"9", before=b'{"a":1', after=b"e9}"),
}
WORDS = {
    **of(
        b" ",
        b"\t",
        b"x ",
        b" x",
        b"a",
        b"-",
        b".",
        b"9",
        b"0",
        b"\xff",
        b"\xc3\xa9",
        b"=",
        b",",
        b"/",
        b":",
    )
}
