"""Paths as the host decodes them and writes them again."""

from __future__ import annotations

import pytest

from local.host.paths import BadPathError, decoded, encoded


@pytest.mark.parametrize(
    ("raw", "seen"),
    [
        (b"/a%20b", "/a b"),
        (b"/a%2Fb%2fc", "/a%2Fb%2fc"),
        (b"/%E2%82%AC%E2%82", "/\N{EURO SIGN}%E2%82"),
        (b"/%FF%41", "/%FFA"),
        (b"/%zz%", "/%zz%"),
        (b"/a/./b/../c", "/a/c"),
        (b"/a/%2e%2E/b/..", "/"),
        (b"/../..", "/"),
        (b"//a", "//a"),
        (b"/a//../b", "/a/b"),
        (b"http://host:1/a", "/a"),
        (b"http://host", "/"),
    ],
)
def test_a_path_is_decoded(raw: bytes, seen: str) -> None:
    assert decoded(raw) == seen


@pytest.mark.parametrize("raw", [b"/a%00b", b"*", b"a/b"])
def test_what_is_no_path_is_refused(raw: bytes) -> None:
    with pytest.raises(BadPathError):
        decoded(raw)


def test_what_a_path_may_not_hold_is_encoded() -> None:
    assert encoded("/a b%2F\N{EURO SIGN};=@:~") == "/a%20b%252F%E2%82%AC;=@:~"
