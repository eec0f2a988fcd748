"""What a file is that is no image we take, so that its owner is told in his own words."""

from __future__ import annotations

import re

__all__ = ["name_of"]

_LONGEST_HEAD = 1024

_TYPES: tuple[tuple[str, re.Pattern[bytes]], ...] = tuple(
    (name, re.compile(pattern, re.DOTALL | re.IGNORECASE))
    for name, pattern in (
        ("a QuickTime movie (MOV)", rb"....ftypqt  |....(moov|mdat|wide)"),
        ("a video", rb"....ftyp|\x1a\x45\xdf\xa3|RIFF....AVI "),
        ("a GIF", rb"GIF8[79]a"),
        ("a TIFF picture", rb"II\*\0|MM\0\*|II\+\0|MM\0\+"),
        ("a BMP picture", rb"BM.{4}\0{4}"),
        ("a JPEG XL picture", rb"\xff\x0a|\0\0\0\x0cJXL "),
        ("a JPEG 2000 picture", rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51"),
        ("a Photoshop document", rb"8BPS"),
        ("a PDF", rb"%PDF-"),
        ("an icon", rb"\0\0\x01\0"),
        ("a ZIP archive", rb"PK\x03\x04"),
        ("compressed with gzip", rb"\x1f\x8b"),
        ("an SVG drawing", rb"\s*(<\?xml.{0,500}?)?(<!--.{0,500}?-->\s*)?<svg\b"),
        ("a web page", rb"\s*<(!doctype html|html|head)\b"),
        ("JSON", rb'\s*[{\[]\s*["{\[}\]]'),
    )
)


def name_of(head: bytes) -> str | None:
    """What a file is that begins so, with its article; None when nobody knows."""
    head = head[:_LONGEST_HEAD]
    return next((name for name, pattern in _TYPES if pattern.match(head)), None)
