"""No body takes more than it may, and each that wants to is told what to send instead."""

from __future__ import annotations

import tracemalloc

import pytest

from dailies.api.bodies import open_body
from dailies.video.errors import TooLarge, UnsupportedMedia
from tests.unit.api.asking import FORM, JSON, LIMIT, MULTIPART, part, refusal, request

TEXT = 512 * 1024
MIB = 1024**2


@pytest.mark.parametrize(
    ("content_type", "before", "after"),
    [
        (JSON, b'{"prompt": "', b'"}'),
        (JSON, b'{"' + b"k" * 9, b'": 1}'),
        (JSON, b"[1", b"]"),
        (JSON, b" ", b"{}"),
        (FORM, b"prompt=", b""),
        (MULTIPART, part("prompt", b"")[:-2], b"\r\n--b--"),
    ],
)
async def test_more_text_than_fields_need_is_a_413(
    content_type: str, before: bytes, after: bytes
) -> None:
    filler = b"1" if after == b"]" else b" "
    enough = filler * (TEXT - len(before) - len(after) - 400)
    async with open_body(request(JSON, b'{"prompt": "' + enough + b'"}')) as body:
        assert len(body.fields["prompt"]) == len(enough)
    error = await refusal(request(content_type, before, *[filler * 65_536] * 9, after))
    assert isinstance(error, TooLarge)
    assert (error.status, error.code) == (413, "body_too_large")
    assert "524,288 bytes of text" in error.message
    assert "multipart" in error.message


async def test_the_text_of_all_parts_counts_together() -> None:
    form = b"".join(part(f"field{n}", b"x" * 60_000) for n in range(9)) + b"--b--"
    assert (await refusal(request(MULTIPART, form))).code == "body_too_large"


async def test_files_may_be_larger_but_not_without_measure() -> None:
    piece = b"\0" * MIB
    begun = part("video", b"", "a.mp4")[:-2]
    async with open_body(request(MULTIPART, begun, *[piece] * 20, b"\r\n--b--")) as body:
        assert body.uploads[0].length == 20 * MIB
    error = await refusal(request(MULTIPART, begun, *[piece] * 100, b"\r\n--b--"))
    assert (error.status, error.code) == (413, "body_too_large")


@pytest.mark.parametrize(
    "text",
    [
        b'{"prompt": "x", "a": [' + b"{}," * 1_000_000 + b"{}]}",
        b'{"prompt": "x", "a": [' + b"[]," * 1_000_000 + b"[]]}",
        b"{" + b",".join(b'"%07d":1' % number for number in range(100_000)) + b"}",
        b"{" + b'"a":1,' * 1_000_000 + b'"prompt": "x"}',
        b"[" * 1_000_000,
        b'{"a":' * 100_000,
        b'"' * 1_000_000,
        b"," * 1_000_000,
        b"[1" + b",1.5" * 1_000_000,
    ],
)
async def test_json_of_very_many_values_is_refused_before_it_is_made(text: bytes) -> None:
    given = request(JSON, text)
    tracemalloc.start()
    error = await refusal(given)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert error.code == "invalid_json"
    assert most < 3 * MIB


@pytest.mark.parametrize("charset", ["punycode", "utf-16", "latin-1", "utf-7", "idna", "x" * 900])
@pytest.mark.parametrize("kind", [FORM, MULTIPART])
async def test_a_form_in_another_character_set_says_so(kind: str, charset: str) -> None:
    error = await refusal(request(f"{kind}; charset={charset}", part("a", b"b") + b"--b--"))
    assert error.code == "invalid_form"
    assert charset[:32] in error.message
    assert "UTF-8" in error.message


@pytest.mark.parametrize("coding", ["gzip", "br", "identity, gzip", "x"])
@pytest.mark.parametrize("content_type", [JSON, FORM, MULTIPART])
async def test_a_compressed_body_is_a_415(content_type: str, coding: str) -> None:
    error = await refusal(request(content_type, b"...", headers={"content-encoding": coding}))
    assert isinstance(error, UnsupportedMedia)
    assert (error.status, error.code) == (415, "unsupported_content_encoding")


async def test_identity_is_no_compression() -> None:
    given = request(JSON, b'{"prompt": "x"}', headers={"content-encoding": "Identity"})
    async with open_body(given) as body:
        assert body.fields == {"prompt": "x"}


@pytest.mark.parametrize(
    "form",
    [
        b"".join(part(f"a{n}", b"x") for n in range(70)) + b"--b--",
        b"".join(part(f"a{n}", b"x", "a.png") for n in range(70)) + b"--b--",
        b"--b\r\n" + b"X-Header: x\r\n" * 20 + b"\r\nx\r\n--b--",
        b"--b\r\nX-Header: " + b"x" * 10_000 + b"\r\n\r\nx\r\n--b--",
        part("n" * 10_000, b"x") + b"--b--",
    ],
    ids=["fields", "files", "headers", "a long header", "a long name"],
)
async def test_parts_and_their_headers_are_limited(form: bytes) -> None:
    assert (await refusal(request(MULTIPART, form))).code == "invalid_form"


async def test_files_in_data_urls_are_limited_too() -> None:
    urls = b",".join([b'"data:;base64,YQ=="'] * 70)
    error = await refusal(request(JSON, b'{"a": [' + urls + b"]}"))
    assert error.code == "too_many_files"


async def test_what_is_in_the_way_of_a_limit_is_not_kept() -> None:
    """A body at its limits, with a file of the largest size, stands nowhere whole."""
    text = b'{"image_url": "data:;base64,' + b"YWJj" * (LIMIT // 3) + b'"}'
    pieces = [text[at : at + 65_536] for at in range(0, len(text), 65_536)]
    given = request(JSON, *pieces)
    tracemalloc.start()
    async with open_body(given, max_inline_bytes=LIMIT) as body:
        assert body.fields["image_url"].length == LIMIT
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 2 * MIB
