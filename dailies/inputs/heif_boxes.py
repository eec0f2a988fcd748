"""The boxes of a HEIF file: what its items are, where they lie, and what is said of each.

Only the box ``meta`` is read, of which real files have some kilobytes. Format: ISO/IEC 14496-12
(boxes, ``meta``, ``iloc``, ``iinf``) and 23008-12 (``pitm``, ``ipco``, ``ipma``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

__all__ = ["Box", "BoxError", "Items", "boxes"]

_MOST_BOXES = 5000
_MOST_ITEMS = 5000
"""A grid of tiles has an item for each: some two hundred for a picture of 48 megapixels."""


class BoxError(Exception):
    """The boxes make no sense."""


@dataclass(frozen=True, slots=True)
class Box:
    """One box, and what is in it."""

    kind: bytes
    content: bytes = field(repr=False)

    @property
    def version(self) -> int:
        """Of a full box."""
        return self.content[0] if self.content else 0

    @property
    def flags(self) -> int:
        """Of a full box."""
        return int.from_bytes(self.content[1:4], "big")


@dataclass(frozen=True, slots=True)
class Items:
    """The items of a file.

    Attributes:
        primary: the id of the one that is shown.
        types: the coding of each, such as ``av01`` or ``grid``.
        properties: all boxes that are said of items.
        said_of: the places of those that are said of an item.
        extents: offset and length of each item's pieces in the file; none where they lie elsewhere.
    """

    primary: int
    types: dict[int, bytes]
    properties: Sequence[Box]
    said_of: dict[int, list[int]]
    extents: dict[int, list[tuple[int, int]]]

    @classmethod
    def of(cls, meta: bytes) -> Items:
        """Read the content of the box ``meta``.

        Raises:
            BoxError: it makes no sense.
        """
        found = {box.kind: box for box in reversed(list(boxes(meta[4:])))}
        if b"pitm" not in found or b"iprp" not in found:
            raise BoxError("it names no picture")
        said = {box.kind: box for box in reversed(list(boxes(found[b"iprp"].content)))}
        none = Box(b"", b"")
        return cls(
            primary=_primary(found[b"pitm"]),
            types=_types(found.get(b"iinf", none)),
            properties=tuple(boxes(said.get(b"ipco", none).content)),
            said_of=_associations(said.get(b"ipma", none)),
            extents=_extents(found.get(b"iloc", none)),
        )

    def properties_of(self, item: int) -> list[Box]:
        """What is said of an item."""
        places = self.said_of.get(item, [])
        return [self.properties[at - 1] for at in places if 0 < at <= len(self.properties)]


class _Numbers:
    """Reads numbers one after the other."""

    def __init__(self, data: bytes, at: int) -> None:
        self._data = data
        self._at = at

    def take(self, length: int) -> int:
        """The next number, of so many bytes; none of it is 0."""
        end = self._at + length
        if end > len(self._data):
            raise BoxError("a table ends too early")
        number = int.from_bytes(self._data[self._at : end], "big")
        self._at = end
        return number

    def count(self, length: int) -> int:
        """The next number, which says how many things follow."""
        number = self.take(length)
        if number > _MOST_ITEMS:
            raise BoxError("it has too many items")
        return number


def boxes(data: bytes) -> Iterator[Box]:
    """The boxes in ``data``, one after the other.

    Raises:
        BoxError: one is larger than its place, or there are very many.
    """
    at = 0
    for _ in range(_MOST_BOXES):
        if len(data) - at < 8:
            return
        size, header = int.from_bytes(data[at : at + 4], "big"), 8
        if size == 1:
            size, header = int.from_bytes(data[at + 8 : at + 16], "big"), 16
        elif size == 0:
            size = len(data) - at
        if size < header or at + size > len(data):
            raise BoxError("the size of a box makes no sense")
        yield Box(data[at + 4 : at + 8], data[at + header : at + size])
        at += size
    raise BoxError("it has too many boxes")


def _primary(pitm: Box) -> int:
    return _Numbers(pitm.content, 4).take(2 if pitm.version == 0 else 4)


def _types(iinf: Box) -> dict[int, bytes]:
    start = 6 if iinf.version == 0 else 8
    types: dict[int, bytes] = {}
    for entry in boxes(iinf.content[start:]):
        if entry.kind == b"infe" and entry.version >= 2:
            width = 2 if entry.version == 2 else 4
            item = _Numbers(entry.content, 4).take(width)
            types[item] = entry.content[6 + width : 10 + width]
    return types


def _associations(ipma: Box) -> dict[int, list[int]]:
    if not ipma.content:
        return {}
    numbers, said = _Numbers(ipma.content, 4), dict[int, list[int]]()
    for _ in range(numbers.count(4)):
        item = numbers.take(2 if ipma.version == 0 else 4)
        # the first bit says that a reader must know the property
        wide = ipma.flags & 1
        places = [numbers.take(2 if wide else 1) for _ in range(numbers.take(1))]
        said.setdefault(item, []).extend(at & (0x7FFF if wide else 0x7F) for at in places)
    return said


def _extents(iloc: Box) -> dict[int, list[tuple[int, int]]]:
    if not iloc.content:
        return {}
    numbers, found = _Numbers(iloc.content, 4), dict[int, list[tuple[int, int]]]()
    sizes = numbers.take(2)
    of_offset, of_length, of_base, of_index = (sizes >> shift & 15 for shift in (12, 8, 4, 0))
    wide = 2 if iloc.version < 2 else 4
    for _ in range(numbers.count(wide)):
        item = numbers.take(wide)
        method = numbers.take(2) & 15 if iloc.version else 0
        numbers.take(2)  # another file, which nobody has
        base = numbers.take(of_base)
        pieces = []
        for _ in range(numbers.count(2)):
            if iloc.version:
                numbers.take(of_index)
            offset, length = numbers.take(of_offset), numbers.take(of_length)
            pieces.append((base + offset, length))
        found[item] = pieces if method == 0 else []
    return found
