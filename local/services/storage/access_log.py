"""Uploads, as Azurite's access log tells of them.

Azurite raises no events. Its log has a line for each request, written when it is answered, and
tells an upload from a change of metadata or headers, which a look at the blobs can't. A line::

    127.0.0.1 - - [28/Nov/2026:10:50:25 +0000] "PUT /account/references/a%20b.png HTTP/1.1" 201 -
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

__all__ = ["AccessLog", "Upload", "read_line"]

_MOST_AT_ONCE = 4 * 1024**2


@dataclass(frozen=True, slots=True)
class Upload:
    """A blob that was written whole; ``api`` is the name that events have for the way."""

    container: str
    blob: str
    api: str


def read_line(line: str) -> Upload | None:
    """The upload that a line tells of, if it tells of one."""
    _, _, rest = line.partition('"')
    request, _, after = rest.partition('"')
    method, _, target = request.removesuffix(" HTTP/1.1").partition(" ")
    status = after.split()[:1]
    if method != "PUT" or status not in (["201"], ["202"]):
        return None
    parts = urlsplit(target)
    query = parse_qs(parts.query, keep_blank_values=True)
    comp = query.get("comp", [""])[0]
    if "restype" in query or comp not in ("", "blocklist"):
        return None
    _, _account, container, *blob = parts.path.split("/", 3)
    if not blob or not blob[0]:
        return None
    put = "CopyBlob" if status == ["202"] else "PutBlob"
    return Upload(
        unquote(container), unquote(blob[0]), "PutBlockList" if comp == "blocklist" else put
    )


class AccessLog:
    """The lines that are new since a place in the file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def end(self) -> int:
        """The place after all that is there now."""
        return self._path.stat().st_size if self._path.exists() else 0

    def read(self, place: int) -> tuple[list[str], int]:
        """The whole lines from ``place`` on, and the place after them."""
        try:
            with self._path.open("rb") as file:
                if place > self.end():
                    place = 0  # a new log took its place
                file.seek(place)
                data = file.read(_MOST_AT_ONCE)
        except FileNotFoundError:
            return [], place
        whole, newline, _ = data.rpartition(b"\n")
        if not newline:
            return [], place
        return whole.decode("utf-8", "replace").split("\n"), place + len(whole) + 1
