"""JSON from outside, measured before it becomes objects.

Two bytes of JSON (``[]``) become more than a hundred in memory, so a limit on its length is none on
what it takes. A scan that makes no objects counts what would become one, and stops there; it takes
JSON as it arrives. What is wrong with JSON is left to the parser, which is Python's own: up to the
first error both see the same. (The streaming parsers that others keep give a string only whole, so
none of them would do where a string holds a file.)
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

__all__ = [
    "JsonPiece",
    "JsonScanner",
    "RepeatedKey",
    "TooComplex",
    "broken_text",
    "is_unicode",
    "parse_json",
]

_PIECE = 64 * 1024
_NO_MARKS = bytes(byte for byte in range(256) if byte not in b"[]{}:,")
# The rest of a string, up to its quote or the end of what is there.
_STRING = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+', re.DOTALL)
_LONGEST_KEY = 64
_MOST_DIGITS = 1000


class TooComplex(ValueError):
    """It holds more than anything that is meant here could."""


class RepeatedKey(ValueError):
    """An object has a key twice.

    Attributes:
        key: what can be shown of it: JSON can spell half a character, which can't be sent on.
    """

    def __init__(self, key: str) -> None:
        self.key = key[:_LONGEST_KEY].encode("utf-8", "replace").decode()
        super().__init__(f"the key '{self.key}' is there twice")


@dataclass(frozen=True, slots=True)
class JsonPiece:
    """A piece of JSON: either of a string, without its quotes and still escaped, or of what is
    between strings. ``begins`` and ``ends`` say where the string does."""

    data: bytes
    is_string: bool = False
    begins: bool = False
    ends: bool = False


class JsonScanner:
    """Cuts JSON into pieces as it arrives, and counts.

    Args:
        most_parts: of strings, containers, commas and colons together.
        most_depth: of containers in containers.
    """

    def __init__(self, *, most_parts: int, most_depth: int) -> None:
        self._left = most_parts
        self._most_depth = most_depth
        self._in_string = False
        self._is_escaped = False
        self._string = bytearray()
        self._keys: list[bytes] = []

    @property
    def path(self) -> tuple[str, ...]:
        """The keys that lead to where the scan is; of an array, nothing."""
        return tuple(key.decode("utf-8", "replace") for key in self._keys if key)

    def feed(self, text: bytes) -> Iterator[JsonPiece]:
        """The pieces of what comes next; what is not taken is not scanned.

        Raises:
            TooComplex: there are more parts, or they lie deeper, than is allowed.
        """
        for start in range(0, len(text), _PIECE):
            yield from self._scan(text[start : start + _PIECE])

    def _scan(self, text: bytes) -> Iterator[JsonPiece]:
        at, begins = 0, False
        while at < len(text):
            if self._in_string:
                end = self._end_of_string(text, at)
                ends = end < len(text)
                piece = text[at:end]
                if len(self._string) < _LONGEST_KEY:
                    self._string += piece[:_LONGEST_KEY]
                self._in_string = not ends
                yield JsonPiece(piece, is_string=True, begins=begins, ends=ends)
                at, begins = end + 1, False
                continue
            quote = text.find(b'"', at)
            end = len(text) if quote < 0 else quote
            if end > at:
                self._count(text[at:end])
                yield JsonPiece(text[at:end])
            if quote >= 0:
                self._take(1)
                self._in_string = begins = True
                self._string.clear()
                if quote + 1 == len(text):
                    yield JsonPiece(b"", is_string=True, begins=True)
            at = end + 1

    def _end_of_string(self, text: bytes, at: int) -> int:
        """Where the string's quote is; the end of the text when it is not there."""
        start = at + 1 if self._is_escaped else at
        self._is_escaped = False
        match = _STRING.match(text, start)
        end = match.end() if match else start
        if text[end : end + 1] == b"\\":  # what it escapes is in the next piece
            self._is_escaped = True
            return len(text)
        return end

    def _count(self, between: bytes) -> None:
        for mark in between.translate(None, _NO_MARKS):
            if mark in b"]}":
                if self._keys:
                    self._keys.pop()
                continue
            self._take(1)
            if mark in b"[{":
                self._keys.append(b"")
                if len(self._keys) > self._most_depth:
                    raise TooComplex(f"it is nested deeper than {self._most_depth} levels")
            elif mark == 0x3A and self._keys:
                self._keys[-1] = bytes(self._string[:_LONGEST_KEY])

    def _take(self, parts: int) -> None:
        self._left -= parts
        if self._left < 0:
            raise TooComplex("it has too many values")


def parse_json(text: bytes | str, *, most_parts: int, most_depth: int = 32) -> Any:
    """The document in a text of UTF-8, with or without a byte order mark.

    Args:
        most_parts: see ``JsonScanner``.

    Raises:
        TooComplex: it has more parts, or lies deeper, than is allowed; a ValueError.
        RepeatedKey: an object has a key twice, of which parsers would drop one; a ValueError.
        ValueError: it is no JSON (``json.JSONDecodeError`` tells where), no UTF-8, or has a number
            that is no value.
    """
    raw = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    for _ in JsonScanner(most_parts=most_parts, most_depth=most_depth).feed(raw):
        pass
    return json.loads(
        text if isinstance(text, str) else text.decode("utf-8-sig"),
        object_pairs_hook=_unique,
        parse_constant=_no_constant,
        parse_float=_finite,
        parse_int=_whole,
    )


def is_unicode(text: str) -> bool:
    """Whether it can be stored and sent: JSON can spell half a surrogate pair, which can't."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def broken_text(document: Any, path: str = "") -> str | None:
    """Where in a parsed document the first text is that is no Unicode, as ``data.0.name``; of a key
    that is none, the object that has it. None where there is none."""
    if isinstance(document, str):
        return None if is_unicode(document) else path
    if isinstance(document, dict):
        inner = [(str(key), value) for key, value in document.items()]
        if not all(is_unicode(key) for key, _ in inner):
            return path
    elif isinstance(document, list):
        inner = [(str(number), value) for number, value in enumerate(document)]
    else:
        return None
    found = (broken_text(value, f"{path}.{name}" if path else name) for name, value in inner)
    return next((each for each in found if each is not None), None)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) < len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise RepeatedKey(key)
            seen.add(key)
    return document


def _whole(digits: str) -> int:
    if len(digits) > _MOST_DIGITS:
        raise ValueError(f"a number has more than {_MOST_DIGITS} digits")
    return int(digits)


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError("a number is too large")
    return number


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON value")
