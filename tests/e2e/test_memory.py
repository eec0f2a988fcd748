"""A small version of ``bench/archive_memory.py``."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bench.archive_memory import measure

_SIZE = 200 * 10**6
_AT_MOST_MB = 64.0


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_a_large_video_does_not_show_in_the_worker_s_memory(tmp_path: Path) -> None:
    found = measure(tmp_path, size=_SIZE)
    assert found.stored_bytes == _SIZE
    assert found.over_idle <= _AT_MOST_MB
