"""Data URLs become files while a body is read, wherever they stand and however it is cut."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import quote_plus

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dailies.api.bodies import Upload, open_body
from dailies.api.json_body import JsonReader
from dailies.api.uploads import Uploads
from tests.unit.api.asking import FORM, JSON, LIMIT, MULTIPART, part, refusal, request

PICTURE = bytes(range(256)) * 3
URL = "data:image/png;base64," + base64.b64encode(PICTURE).decode()


async def content(upload: Upload) -> bytes:
    return await upload.read(0, upload.length)


async def shown(value: Any) -> Any:
    """The same document, with what is in its files."""
    if isinstance(value, Upload):
        return await content(value)
    if isinstance(value, dict):
        return {key: await shown(inner) for key, inner in value.items()}
    return [await shown(inner) for inner in value] if isinstance(value, list) else value


def pieces_of(text: bytes, sizes: list[int]) -> list[bytes]:
    pieces, at = [], 0
    for size in sizes:
        pieces.append(text[at : at + size])
        at += size
    return [*pieces, text[at:]]


@given(sizes=st.lists(st.integers(1, 40), max_size=40), ascii_only=st.booleans())
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
async def test_json_is_the_same_however_it_is_cut(sizes: list[int], ascii_only: bool) -> None:
    document = {
        "prompt": 'a "pier" \\ at dawn \N{SUNRISE}, data:image/png;base64,',
        "input_reference": {"image_url": URL, "detail": "high"},
        "frames": [{"image_url": {"url": URL}}, {"image_url": {"url": "https://example.com/a"}}],
        "": "",
        "seconds": 4,
    }
    text = json.dumps(document, ensure_ascii=ascii_only).replace("/", "\\/").replace("+", "\\u002B")
    given_ = request(JSON, *pieces_of(text.encode(), sizes))
    async with open_body(given_, max_inline_bytes=LIMIT) as body:
        found = await shown(body.fields)
        assert [await content(upload) for upload in body.uploads] == [PICTURE, PICTURE]
    document["input_reference"] = {"image_url": PICTURE, "detail": "high"}
    document["frames"] = [
        {"image_url": {"url": PICTURE}},
        {"image_url": {"url": "https://example.com/a"}},
    ]
    assert found == document


@given(sizes=st.lists(st.integers(1, 60), max_size=40))
@settings(deadline=None)
async def test_a_form_is_the_same_however_it_is_cut(sizes: list[int]) -> None:
    form = (
        part("prompt", "a pier \N{SUNRISE}".encode())
        + part("input_reference[image_url]", URL.encode())
        + part("short", b"data:;base64,YQ==")
        + part("files", PICTURE, "a.png")
        + b"--b--\r\n"
    )
    given_ = request(MULTIPART, *pieces_of(form, sizes))
    async with open_body(given_, max_inline_bytes=LIMIT) as body:
        assert await shown(body.fields) == {
            "prompt": "a pier \N{SUNRISE}",
            "input_reference": {"image_url": PICTURE},
            "short": b"a",
            "files": PICTURE,
        }
        assert [upload.filename for upload in body.uploads] == ["", "", "a.png"]


async def test_an_url_encoded_form_may_hold_a_small_one() -> None:
    form = f"prompt=x&input_reference%5Bimage_url%5D={quote_plus(URL)}".encode()
    async with open_body(request(FORM, form), max_inline_bytes=LIMIT) as body:
        assert await shown(body.fields) == {
            "prompt": "x",
            "input_reference": {"image_url": PICTURE},
        }


@pytest.mark.parametrize("kind", [JSON, FORM, MULTIPART])
async def test_where_no_file_may_be_it_is_a_text(kind: str) -> None:
    async with open_body(_asked(kind, URL)) as body:
        assert body.fields == {"input_reference": {"image_url": URL}}


@pytest.mark.parametrize("kind", [JSON, FORM, MULTIPART])
@pytest.mark.parametrize(
    ("url", "status", "code"),
    [
        ("data:image/png;base64,", 400, "invalid_image_url"),
        ("data:image/png;base64,!!", 400, "invalid_image_url"),
        ("data:image/png;base64,abc", 400, "invalid_image_url"),
        ("data:;base64," + "YWJj" * 50, 413, "image_too_large"),
        ("data:;base64," + " " * 2000, 413, "image_too_large"),
    ],
)
async def test_what_is_wrong_with_it_names_the_field(
    kind: str, url: str, status: int, code: str
) -> None:
    error = await refusal(_asked(kind, url), max_inline_bytes=100)
    assert (error.status, error.code, error.param) == (status, code, "input_reference")
    assert "input_reference.image_url" in error.message


@pytest.mark.parametrize("kind", [JSON, FORM, MULTIPART])
@pytest.mark.parametrize("text", ["data:image/png,abc", "data: none", "data:;base64", ""])
async def test_what_is_no_data_url_in_base64_stays_a_text(kind: str, text: str) -> None:
    async with open_body(_asked(kind, text), max_inline_bytes=LIMIT) as body:
        assert body.fields == {"input_reference": {"image_url": text}}


async def test_no_text_can_stand_for_a_file() -> None:
    """The word that keeps a file's place is another for each body."""
    uploads = Uploads()
    readers = [JsonReader(uploads, max_inline_bytes=LIMIT) for _ in range(2)]
    for reader, other in zip(readers, reversed(readers), strict=True):
        reader.feed(f'{{"a": "{URL}", "b": "{other._token}-0"}}'.encode())
        fields = reader.finish()
        assert isinstance(fields["a"], Upload)
        assert fields["b"] == f"{other._token}-0"
    await uploads.close()


async def test_its_file_is_closed_with_the_body() -> None:
    async with open_body(_asked(JSON, URL), max_inline_bytes=LIMIT) as body:
        upload = body.fields["input_reference"]["image_url"]
        assert not upload.file.file.closed
    assert upload.file.file.closed


def _asked(kind: str, url: str) -> Any:
    if kind == JSON:
        return request(kind, json.dumps({"input_reference": {"image_url": url}}).encode())
    if kind == FORM:
        return request(kind, f"input_reference%5Bimage_url%5D={quote_plus(url)}".encode())
    return request(kind, part("input_reference[image_url]", url.encode()) + b"--b--")
