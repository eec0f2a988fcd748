from __future__ import annotations

import base64
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dailies.errors import InvalidRequest, TooLarge
from dailies.references.inline import decode_data_url, is_data_url


def data_url(data: bytes, media_type: str = "image/png") -> str:
    return f"data:{media_type};base64,{base64.b64encode(data).decode()}"


@given(data=st.binary(min_size=1, max_size=300))
def test_the_bytes_come_back(data: bytes) -> None:
    assert decode_data_url(data_url(data), max_bytes=300) == data


@pytest.mark.parametrize("media_type", ["", "image/png", "image/png;charset=utf-8", "text/html"])
def test_the_media_type_is_not_looked_at(media_type: str) -> None:
    assert decode_data_url(data_url(b"\x89PNG", media_type), max_bytes=10) == b"\x89PNG"


def test_what_tools_do_to_base64_is_taken() -> None:
    assert decode_data_url("DATA:;BASE64,+/8=\r\n", max_bytes=10) == b"\xfb\xff"
    assert decode_data_url("data:;base64,%2B%2F8%3D", max_bytes=10) == b"\xfb\xff"


@pytest.mark.parametrize("size", [100, 101, 102])
def test_more_than_the_limit_is_refused(size: int) -> None:
    with pytest.raises(TooLarge) as caught:
        decode_data_url(data_url(b"x" * size), max_bytes=99)
    assert caught.value.status == 413
    assert caught.value.param == "input_reference"
    assert decode_data_url(data_url(b"x" * 99), max_bytes=99) == b"x" * 99


@pytest.mark.parametrize(
    "url",
    [
        "data:image/png;base64",
        "data:image/png,abc",
        "data:;base64,",
        "data:;base64,abc",
        "data:;base64,a!==",
        "data:;base64,é",
        "https://example.com/",
    ],
)
def test_what_is_no_base64_is_refused(url: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        decode_data_url(url, max_bytes=100)
    assert caught.value.param == "input_reference"
    assert caught.value.code == "invalid_image_url"


@given(text=st.text(), head=st.sampled_from(["", "data:", "data:;base64,"]))
def test_no_text_raises_anything_else(text: str, head: str) -> None:
    with contextlib.suppress(InvalidRequest, TooLarge):
        decode_data_url(head + text, max_bytes=100)


def test_a_data_url_is_known_by_its_scheme() -> None:
    assert is_data_url("data:,")
    assert is_data_url("DATA:,")
    assert not is_data_url("https://data/")
