"""Files inside requests: whatever the pieces in which they arrive, the bytes are the same."""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dailies.inputs.inline import (
    Base64Decoder,
    DataUrlError,
    TooManyBytes,
    head_of,
    unescaped,
)


def decode(pieces: Sequence[bytes], max_bytes: int = 1000) -> bytes:
    decoder = Base64Decoder(max_bytes=max_bytes)
    return b"".join([decoder.feed(piece) for piece in pieces]) + decoder.finish()


def cut(text: bytes, sizes: Sequence[int]) -> list[bytes]:
    pieces, at = [], 0
    for size in sizes:
        pieces.append(text[at : at + size])
        at += size
    return [*pieces, text[at:]]


def percent(text: bytes) -> bytes:
    return b"".join(b"%%%02x" % byte if byte in b"+/=" else bytes([byte]) for byte in text)


def lines(text: bytes) -> bytes:
    return b"\r\n".join(text[at : at + 7] for at in range(0, len(text), 7))


@given(
    data=st.binary(min_size=1, max_size=300),
    written=st.sampled_from([bytes, percent, lines, lambda text: percent(lines(text))]),
    sizes=st.lists(st.integers(0, 9), max_size=60),
)
def test_the_bytes_come_back_however_they_arrive(
    data: bytes, written: type[bytes], sizes: list[int]
) -> None:
    assert decode(cut(written(base64.b64encode(data)), sizes)) == data


@given(
    data=st.binary(min_size=1, max_size=300),
    escape=st.sampled_from([b"", b"/", b"+/=", b"+ABCDEFGH"]),
    sizes=st.lists(st.integers(0, 9), max_size=60),
)
def test_escapes_of_json_are_undone_wherever_they_are_cut(
    data: bytes, escape: bytes, sizes: list[int]
) -> None:
    plainly = base64.b64encode(data)
    text = b"".join(_escaped(byte) if byte in escape else bytes([byte]) for byte in plainly)
    assert json.loads(b'"%b"' % text) == plainly.decode()
    waiting, plain = b"", []
    for piece in cut(text, sizes):
        done, waiting = unescaped(waiting + piece)
        plain.append(done)
    assert waiting == b""
    assert decode(plain) == data


def _escaped(byte: int) -> bytes:
    return b"\\/" if byte == 0x2F else b"\\u%04X" % byte


@pytest.mark.parametrize("size", [100, 101, 102])
def test_more_than_the_limit_is_refused(size: int) -> None:
    with pytest.raises(TooManyBytes, match="99"):
        decode([base64.b64encode(b"x" * size)], 99)
    assert decode([base64.b64encode(b"x" * 99)], 99) == b"x" * 99


@pytest.mark.parametrize(
    "text",
    [b"", b" ", b"abc", b"a!==", b"\xc3\xa9", b"=", b"====", b"YQ==YQ==", b"YQ=", b"YQ==b", b"%",
     b"%4", b"YW%zz", b"YWJj%2", b"YW-_"],
)  # fmt: skip
@pytest.mark.parametrize("sizes", [[], [1] * 20])
def test_what_is_no_base64_is_refused(text: bytes, sizes: list[int]) -> None:
    with pytest.raises(DataUrlError):
        decode(cut(text, sizes))


@pytest.mark.parametrize(
    "text",
    [b"\\", b"\\u00", b"YQ\\", b"\\\\", b"\\n", b"\\u00e9", b"\\ud83d\\ude00", b"a\nb", b"\\x"],
)
def test_what_base64_never_has_is_refused(text: bytes) -> None:
    with pytest.raises(DataUrlError):
        decode([b"".join(unescaped(text))])


def test_a_percent_sign_is_decoded_once() -> None:
    for sizes in ([], [1] * 20, [3, 2, 1]):
        with pytest.raises(DataUrlError):
            decode(cut(b"YWJ%2563YWJj", sizes))


@given(pieces=st.lists(st.binary(max_size=20)))
def test_no_bytes_raise_anything_else(pieces: list[bytes]) -> None:
    with contextlib.suppress(DataUrlError):
        decode(pieces)
    with contextlib.suppress(DataUrlError):
        unescaped(b"".join(pieces))


@pytest.mark.parametrize(
    ("text", "head"),
    [
        (b"data:image/png;base64,iVBO", b"data:image/png;base64,"),
        (b"DATA:;BASE64,", b"DATA:;BASE64,"),
        (b"data:image\\/x\\u002By;base64,PH", b"data:image\\/x\\u002By;base64,"),
        (b"data:;charset=utf-8;base64,YQ==", b"data:;charset=utf-8;base64,"),
        (b"data:image/png,abc", None),
        (b"data:image/png;base64", None),
        (b" data:;base64,", None),
        (b"data: a study of numbers, in base64,", None),
        (b"https://example.com/", None),
        (b"", None),
    ],
)  # fmt: skip
def test_a_data_url_is_known_by_its_head(text: bytes, head: bytes | None) -> None:
    assert head_of(text) == head
