"""Paths of requests, decoded as Kestrel does and written again as YARP's forwarder does.

Kestrel leaves ``%2F`` and what is no UTF-8 as it is, refuses ``%00``, and resolves dot segments
afterwards; the forwarder then encodes what no path may hold, the percent signs that were left among
it. So the app sees ``a%2Fb`` where a caller has sent that, and never two segments.
"""

from __future__ import annotations

import re
from urllib.parse import quote

__all__ = ["BadPathError", "decoded", "encoded"]

_ESCAPES = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
_ABSOLUTE = re.compile(rb"https?://[^/?#]*", re.IGNORECASE)
_KEPT = "!$&'()*+,-./:;=@_~"
"""What YARP leaves as it is in a path, beside letters and digits."""
_SLASH = 0x2F
_LONGEST_CHARACTER = 4  # bytes, in UTF-8


class BadPathError(ValueError):
    """No path that Kestrel takes."""


def decoded(raw: bytes) -> str:
    """The path of a request's target as the host sees it.

    :raises BadPathError: it has no slash before it, or a zero byte in it.
    """
    text = _ABSOLUTE.sub(b"", raw, count=1).decode("ascii") or "/"
    if not text.startswith("/"):
        raise BadPathError(text)
    return _without_dots(_ESCAPES.sub(lambda found: _unescaped(found.group()), text))


def encoded(path: str) -> str:
    """A decoded path as it is sent to the worker."""
    return quote(path, safe=_KEPT)


def _unescaped(escapes: str) -> str:
    octets = bytes.fromhex(escapes.replace("%", ""))
    if 0 in octets:
        raise BadPathError("%00")
    text = ""
    position = 0
    while position < len(octets):
        character = _character(octets[position:])
        if character is None:
            text += escapes[3 * position : 3 * position + 3]
            position += 1
        else:
            text += character
            position += len(character.encode())
    return text


def _character(octets: bytes) -> str | None:
    """The character that these begin with; None where it stays encoded."""
    if octets[0] == _SLASH:
        return None
    for length in range(1, _LONGEST_CHARACTER + 1):
        try:
            return octets[:length].decode()
        except UnicodeDecodeError:
            continue
    return None


def _without_dots(path: str) -> str:
    kept: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in (".", ".."):
        kept.append("")
    return "/" + "/".join(kept)
