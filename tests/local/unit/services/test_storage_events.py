"""Which lines of Azurite's access log tell of an upload."""

from __future__ import annotations

from pathlib import Path

import pytest

from local.services.storage.access_log import AccessLog, Upload, read_line


def _line(request: str, status: int = 201) -> str:
    return f'127.0.0.1 - - [28/Nov/2026:10:50:25 +0000] "{request} HTTP/1.1" {status} -'


@pytest.mark.parametrize(
    ("target", "status", "api"),
    [
        ("/dev/references/x/%C3%A4%2520%20b.png", 201, "PutBlob"),
        ("/dev/references/x/%C3%A4%2520%20b.png?comp=blocklist", 201, "PutBlockList"),
        ("/dev/references/x/%C3%A4%2520%20b.png", 202, "CopyBlob"),
        ("/dev/references/x/%C3%A4%2520%20b.png?timeout=30", 201, "PutBlob"),
    ],
)
def test_uploads(target: str, status: int, api: str) -> None:
    found = read_line(_line(f"PUT {target}", status))
    assert found == Upload("references", "x/ä%20 b.png", api)


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        ("PUT /dev/references/a.png?comp=metadata", 200),
        ("PUT /dev/references/a.png?comp=properties", 200),
        ("PUT /dev/references/a.png?comp=block&blockid=AAAA", 201),
        ("PUT /dev/references/a.png?comp=snapshot", 201),
        ("PUT /dev/references/a.png?comp=tags", 204),
        ("PUT /dev/references/a.png?comp=appendblock", 201),
        ("PUT /dev/references?restype=container", 201),
        ("PUT /dev/references/a.png", 409),
        ("PUT /dev/references/a.png", 412),
        ("GET /dev/references/a.png", 200),
        ("DELETE /dev/references/a.png", 202),
    ],
)
def test_everything_else(request_line: str, status: int) -> None:
    assert read_line(_line(request_line, status)) is None
    assert read_line("Azurite Blob service is starting at http://127.0.0.1:12001") is None


def test_a_log_is_read_in_whole_lines_from_a_place(tmp_path: Path) -> None:
    path = tmp_path / "azurite.log"
    log = AccessLog(path)
    assert log.read(0) == ([], 0)
    path.write_bytes(b"one\ntwo\nthr")
    lines, place = log.read(0)
    assert lines == ["one", "two"]
    path.write_bytes(b"one\ntwo\nthree\n")
    assert log.read(place) == (["three"], log.end())
    path.write_bytes(b"new\n")  # another log took its place
    assert log.read(place)[0] == ["new"]
