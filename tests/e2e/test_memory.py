"""Neither large videos nor bodies that ask for much show in the app's memory."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import pytest

from bench.archive_memory import measure
from bench.bodies import BODIES, Body
from bench.bodies import measure as measure_body
from bench.memory import peak_mb, reset_peak, rss_mb
from tests.stack import RunningStack

_SIZE = 200 * 10**6
_UPLOAD = 80 * 10**6
_AT_MOST_MB = 64.0

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")


def test_a_large_video_does_not_show_in_the_worker_s_memory(tmp_path: Path) -> None:
    """A small version of ``bench/archive_memory.py``."""
    found = measure(tmp_path, size=_SIZE)
    assert found.stored_bytes == _SIZE
    assert found.over_idle <= _AT_MOST_MB


def test_a_large_upload_does_not_show_in_memory(stack: RunningStack) -> None:
    short = stack.wait_for(stack.create("four seconds of waves"))
    content = stack.api.get(f"/v1/videos/{short['id']}/content", follow_redirects=True).content
    # A box of nothing at its end makes an MP4 as long as one likes.
    clip = content + (_UPLOAD + 8).to_bytes(4, "big") + b"free" + bytes(_UPLOAD)
    # The host holds what has a length, on Azure as here: nothing of the app's can change that.
    worker = stack.pids()["worker"]
    before = rss_mb(worker)
    reset_peak(worker)
    answer = stack.api.post(
        "/v1/videos",
        data={"model": "sora", "prompt": "go on from here", "size": "720x1280"},
        files={"input_reference": ("waves.mp4", clip, "video/mp4")},
    )
    assert answer.status_code == 200, answer.text
    assert stack.wait_for(answer.json())["status"] == "completed"
    assert peak_mb(worker) - before <= _AT_MOST_MB
    (job,) = stack.jobs("go on from here")
    assert job["reference"]["sha256"] == hashlib.sha256(clip).hexdigest()


@pytest.mark.parametrize("body", BODIES, ids=lambda body: body.name)
def test_no_body_shows_in_the_worker_s_memory(stack: RunningStack, body: Body) -> None:
    """All of ``bench/bodies.py``; how long others wait meanwhile depends on the machine."""
    worker = stack.pids()["worker"]
    found = measure_body(stack, body)
    assert found.status < 500
    assert found.raised <= 64, "MiB"
    assert stack.pids()["worker"] == worker
