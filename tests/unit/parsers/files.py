"""Parsers of pictures and clips."""

from __future__ import annotations

import zlib

from dailies.footage.credentials import credentials_in
from dailies.footage.outline import boxes_at_top
from dailies.inputs.headers import check, check_file
from dailies.inputs.mp4 import probe_clip
from dailies.inputs.mp4_stream import BoxWalk
from dailies.inputs.reading import BytesReader, Reading, read_bytes
from dailies.video.probe import ContentCredentials
from tests.unit.footage import signed
from tests.unit.inputs import pictures
from tests.unit.parsers.shapes import MIB, Parser, Shape, of, waits

__all__ = ["PARSERS"]

_SOF = b"\xff\xc0\x00\x11\x08\x02\xd0\x05\x00\x03\x01\x22\x00\x02\x11\x01\x03\x11\x01"
_JPEG_UNITS = (b"\xff", b"\xff\x00", b"\xff\x01", b"\xff\xe2\0\x02", b"\xff\xda", b"\xff\xd9")
_PNG = pictures.png_claiming(64, 64)[:33]
_WEBP = b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0" + b"\0" * 10
_FTYP = b"\0\0\0\x18ftyp%b\0\0\0\0mif1%b"
_XMP = b"http://ns.adobe.com/xap/1.0/\0"


def _segment(unit: bytes, before: bytes = b"") -> Shape:
    """A JPEG with a full segment of metadata, and more of them."""
    block = (before + unit * 65_000)[:65_000]
    segment = b"\xff\xe1" + (len(block) + 2).to_bytes(2, "big") + block
    return lambda n: b"\xff\xd8" + segment * (1 + n // len(segment)) + _SOF


def _chunk(kind: bytes, before: bytes, unit: bytes, *, packed: bool = False) -> Shape:
    def made(n: int) -> bytes:
        body = unit * (n // len(unit))
        chunk = pictures.png_chunk(kind, before + (zlib.compress(body) if packed else body))
        return _PNG + chunk

    return made


def _heif(brand: bytes, *boxes: tuple[bytes, bytes, bytes]) -> Shape:
    """A HEIF whose ``meta`` has these boxes: kind, beginning, and what fills them."""

    def made(n: int) -> bytes:
        room = n // len(boxes)
        content = b"".join(
            pictures.box(kind, before + unit * (room // max(1, len(unit))))
            for kind, before, unit in boxes
        )
        return _FTYP % (brand, brand) + pictures.box(b"meta", b"\0\0\0\0" + content)

    return made


_PITM = (b"pitm", b"\0\0\0\0\0\1", b"")
_AVIF = pictures.with_orientation(pictures.quadrants(64, 64), "AVIF", 1)


def _units(unit: bytes) -> Shape:
    """An AVIF whose coded picture is of many units."""
    extent = _AVIF.index(b"iloc") - 4
    length = len(_AVIF) - _AVIF.index(b"mdat") - 4
    assert length.to_bytes(4, "big") in _AVIF[extent:]

    def made(n: int) -> bytes:
        body = unit * (n // len(unit))
        claims = _AVIF.replace(length.to_bytes(4, "big"), (length + len(body)).to_bytes(4, "big"))
        at = claims.index(b"mdat") + 4
        return claims[:at] + body + claims[at:]

    return made


IMAGES: dict[str, Shape] = {
    **of(*_JPEG_UNITS, before=b"\xff\xd8\xff\xe0\0\x02"),
    **of(*_JPEG_UNITS, before=b"\xff\xd8" + _SOF),
    **of(*_JPEG_UNITS, b"\xff\xda\xff\xff", before=b"\xff\xd8" + _SOF + b"\xff\xda\0\x02"),
    "Exif": _segment(b"\0", b"Exif\0\0II*\0\x08\0\0\0\xff\xff"),
    "XMP": _segment(b"tiff:Orientation ", _XMP),
    "XMP, spaces": _segment(b" ", _XMP + b"tiff:Orientation"),
    **of(pictures.png_chunk(b"tEXt", b""), pictures.png_chunk(b"IDAT", b"x"), before=_PNG),
    **of(pictures.png_chunk(b"tEXt", b"Raw profile type exif\0x\n1\nff"), before=_PNG),
    "PNG, hex": _chunk(b"tEXt", b"Raw profile type exif\0\nexif\n1\n", b"ff\n"),
    "PNG, lines": _chunk(b"tEXt", b"Raw profile type exif\0", b"\n"),
    "PNG, packed": _chunk(b"zTXt", b"Raw profile type exif\0\0", b"f", packed=True),
    "PNG, XMP": _chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0", b"tiff:Orientation='"),
    "PNG, ends": _chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0", b"\0"),
    "PNG, Exif": _chunk(b"eXIf", b"MM\0*\0\0\0\x08\xff\xff", b"\0"),
    **of(b"JUNK\0\0\0\0", b"EXIF\0\0\0\0", b"XMP \x02\0\0\0ab", before=_WEBP),
    "HEIF, boxes": _heif(b"heic", (b"free", b"", b"\0\0\0\x08free")),
    "HEIF, properties": _heif(b"heic", _PITM, (b"iprp", b"", b"\0\0\0\x08ipco")),
    "HEIF, items": _heif(
        b"heic", _PITM, (b"iprp", b"", b""), (b"iinf", b"\0" * 6, b"\0\0\0\x0einfe\2\0\0\0\0\1")
    ),
    "HEIF, places": _heif(
        b"avif", _PITM, (b"iprp", b"", b""), (b"iloc", b"\0\0\0\0\0\0\x13\x88", b"\0")
    ),
    **of(b"\0\0\0\x08free", b"\0\0\0\x10freeXXXXXXXX", before=_FTYP % (b"heic", b"heic")),
    **of(b"\0\0\0\x08free", before=pictures.heic(pictures.quadrants(61, 43))),
    "AVIF, units": _units(b"\x12\0"),
    "AVIF, headers": _units(b"\x0a\x0b\x1f\xf3>\xffy\xf6\x88\x08h4 "),
    "AVIF, lengths": _units(b"\x0a\xff\xff"),
    **of(b" ", b"<!--", b"<?xml", b"<svg", b"{", b"\0", b"<!DOCTYPE", b"BM"),
    **of(b" ", b"-->", b"<!--", before=b"<?xml <!--"),
}
_MP4 = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom"


def _clip(*path: bytes, head: bytes = b"", unit: bytes) -> Shape:
    """A clip with boxes in boxes, the innermost filled."""

    def made(n: int) -> bytes:
        content = head + unit * (n // len(unit))
        for kind in reversed(path):
            content = pictures.box(kind, content)
        return _MP4 + content

    return made


_TRACK = (
    pictures.box(b"tkhd", b"\0" * 76 + b"\0\x40\0\0\0\x40\0\0"),
    pictures.box(b"mdhd", b"\0" * 12 + b"\0\0\0\x1e\0\0\0\x1e" + b"\0" * 4),
    pictures.box(b"hdlr", b"\0" * 8 + b"vide" + b"\0" * 12),
)


def _frames(n: int) -> bytes:
    """A clip with a table of so many frames' times."""
    table = (n // 8).to_bytes(4, "big") + b"\0\0\0\1\0\0\0\1" * (n // 8)
    samples = pictures.box(b"stbl", pictures.box(b"stts", b"\0\0\0\0" + table))
    media = pictures.box(b"mdia", _TRACK[1] + _TRACK[2] + pictures.box(b"minf", samples))
    return _MP4 + pictures.box(b"moov", pictures.box(b"trak", _TRACK[0] + media))


CLIPS: dict[str, Shape] = {
    **of(b"\0\0\0\x08free", b"\0\0\0\x00free", b"\0\0\0\1free", before=_MP4),
    "boxes": _clip(b"moov", unit=b"\0\0\0\x08free"),
    "tracks": _clip(b"moov", unit=b"\0\0\0\x08trak"),
    "in tracks": _clip(b"moov", b"trak", b"mdia", unit=b"\0\0\0\x08free"),
    "frames": _frames,
}


def _walked(data: bytes) -> object:
    """In the pieces of a download."""
    walk = BoxWalk()
    for at in range(0, len(data), 4096):
        walk.feed(data[at : at + 4096])
    return walk


def _signature(unit: bytes) -> Shape:
    return lambda n: signed.carrying(
        signed.credentials(
            signed.manifest(
                signed.superbox("c2pa.signature", pictures.box(b"cbor", unit * (n // len(unit))))
            )
        )
    )


SIGNED: dict[str, Shape] = {
    "manifests": lambda n: signed.carrying(signed.credentials(signed.manifest() * (n // 80))),
    "labels": lambda n: signed.carrying(signed.credentials(signed.superbox("x" * n))),
    "boxes": lambda n: signed.carrying(signed.credentials(b"\0\0\0\x08jumb" * (n // 8))),
    "boxes at the top": lambda n: _MP4 + b"\0\0\0\x08uuid" * (n // 8),
    **{
        f"CBOR {unit!r}": _signature(unit)
        for unit in (b"\x81", b"\xa1", b"\xd2", b"\x9f", b"\x18\x20", b"aa", b"\x5f\x41a", b"\x00")
    },
}


def _credentials(data: bytes) -> ContentCredentials:
    def parser() -> Reading[ContentCredentials]:
        return (yield from credentials_in((yield from boxes_at_top(len(data)))))

    return read_bytes(parser(), data)


PARSERS = (
    Parser("content credentials", _credentials, SIGNED),
    Parser("image in memory", lambda data: check(data, max_pixels=MIB), IMAGES),
    Parser("image in pieces", waits(lambda d: check_file(BytesReader(d), max_pixels=MIB)), IMAGES),
    Parser("clip", waits(lambda data: probe_clip(BytesReader(data))), CLIPS),
    Parser("video that streams by", _walked, CLIPS),
)
