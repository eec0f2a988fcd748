"""JSON is measured before it is made, and what is within the measure is what Python makes of it."""

from __future__ import annotations

import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dailies.jsontext import JsonPiece, JsonScanner, TooComplex, parse_json

DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda node: st.lists(node) | st.dictionaries(st.text(), node),
    max_leaves=20,
)  # fmt: skip


def scanned(pieces: list[bytes]) -> tuple[list[bytes], bytes]:
    """The strings of a text, and what is between them with their quotes."""
    scanner = JsonScanner(most_parts=10_000, most_depth=100)
    strings: list[bytearray] = []
    between = bytearray()
    is_in_string = False
    for text in pieces:
        for piece in scanner.feed(text):
            if not piece.is_string:
                between += piece.data
                continue
            if piece.begins:
                strings.append(bytearray())
            strings[-1] += piece.data
            is_in_string = not piece.ends
            if piece.ends:
                between += b'""'
    assert not is_in_string
    return [bytes(string) for string in strings], bytes(between)


def cut(text: bytes, sizes: list[int]) -> list[bytes]:
    pieces, at = [], 0
    for size in sizes:
        pieces.append(text[at : at + size])
        at += size
    return [*pieces, text[at:]]


@given(document=DOCUMENTS, ascii_only=st.booleans(), mark=st.sampled_from(["", "\ufeff"]))
def test_what_is_json_is_what_python_makes_of_it(
    document: Any, ascii_only: bool, mark: str
) -> None:
    text = json.dumps(document, ensure_ascii=ascii_only)
    assert parse_json((mark + text).encode("utf-8", "surrogatepass"), most_parts=10_000) == (
        json.loads(text)
    )
    assert parse_json(text, most_parts=10_000) == json.loads(text)


@given(document=DOCUMENTS, sizes=st.lists(st.integers(0, 9), max_size=50))
def test_pieces_are_the_same_however_it_arrives(document: Any, sizes: list[int]) -> None:
    text = json.dumps(document).encode()
    strings, between = scanned([text])
    assert scanned(cut(text, sizes)) == (strings, between)
    assert [json.loads(b'"%b"' % string) for string in strings] == _strings(document)


def _strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for key, inner in value.items() for text in (key, *_strings(inner))]
    return [text for inner in value for text in _strings(inner)] if isinstance(value, list) else []


def test_the_keys_that_lead_to_a_string_are_known() -> None:
    scanner = JsonScanner(most_parts=100, most_depth=10)
    text = b'{"a": "x", "b": [{"c\\"d": "y"}, "z"], "e": {"f": 1, "g": "w"}}'
    paths = {
        piece.data: scanner.path for piece in scanner.feed(text) if piece.is_string and piece.ends
    }
    assert paths[b"x"] == ("a",)
    assert paths[b"y"] == ("b", 'c\\"d')
    assert paths[b"z"] == ("b",)
    assert paths[b"w"] == ("e", "g")


@pytest.mark.parametrize("unit", [b"[],", b"{},", b'"",', b"1,", b'"a":1,', b"[", b'{"a":', b'"'])
def test_what_would_be_very_much_is_refused_without_making_it(unit: bytes) -> None:
    text = b"[" + unit * 1_000_000
    tracemalloc.start()
    with pytest.raises(TooComplex):
        parse_json(text, most_parts=1000)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 1024**2


def test_just_as_much_as_is_allowed_is_taken() -> None:
    # a bracket, ninety-nine commas, a hundred strings
    text = json.dumps(["a"] * 100).encode()
    assert parse_json(text, most_parts=200) == ["a"] * 100
    with pytest.raises(TooComplex, match="too many values"):
        parse_json(text, most_parts=199)
    assert parse_json(b"[" * 5 + b"]" * 5, most_parts=200, most_depth=5) == [[[[[]]]]]
    with pytest.raises(TooComplex, match="nested"):
        parse_json(b"[" * 6 + b"]" * 6, most_parts=200, most_depth=5)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"NaN", "NaN is no JSON value"),
        (b"[-Infinity]", "-Infinity is no JSON value"),
        (b"-1e999", "too large"),
        (b"9" * 5000, "digits"),
        (b"\xff", "utf-8"),
        (b"", "Expecting value"),
        (b"{", "Expecting property name"),
        (b"]]]]", "Expecting value"),
        (b'{"a": {"b": 1, "c": 2, "b": 1}}', "the key 'b' is there twice"),
        (b'{"\\ud800": 1, "\\ud800": 2}', "the key '\\?' is there twice"),
    ],
)
def test_what_is_no_json_is_a_value_error(text: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse_json(text, most_parts=100)


@given(st.lists(st.binary(max_size=20)))
def test_no_bytes_raise_anything_else(pieces: list[bytes]) -> None:
    scanner = JsonScanner(most_parts=10, most_depth=3)
    try:
        found = [piece for text in pieces for piece in scanner.feed(text)]
    except TooComplex:
        return
    assert all(isinstance(piece, JsonPiece) for piece in found)
    quotes = sum(1 for piece in found if piece.is_string and piece.begins)
    ends = sum(1 for piece in found if piece.is_string and piece.ends)
    kept = sum(len(piece.data) for piece in found)
    assert kept + quotes + ends == sum(map(len, pieces))
