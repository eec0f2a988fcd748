"""``--sora-endpoint``: another server renders, with the user's own credential."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from local.stack.certificates import Certificates
from local.stack.layout import APP_DIR, StateDir
from local.stack.ports import Ports
from tests.stack import running_stack

KEY = "key-of-another-resource"


@pytest.fixture
def other_server(tmp_path: Path) -> Iterator[str]:
    """A server outside the stack that takes nothing but ``KEY``; its URL."""
    state = StateDir(tmp_path / "other")
    state.create()
    ports = Ports.assign(state.ports, host_port=0)
    files = Certificates.load_or_create(state.tls)
    command = [sys.executable, "-m", "local.services", "--port", str(ports.services)]
    command += ["--tls-port", str(ports.services_tls), "--speed", "60", "--unlimited"]
    command += ["--tls-cert", str(files.server), "--tls-key", str(files.server_key)]
    command += ["--state-dir", str(state.services), "--identity-header", "nobody-knows"]
    url = f"http://127.0.0.1:{ports.services}"
    with subprocess.Popen([*command, "--sora-api-key", KEY], cwd=APP_DIR) as server:
        try:
            _wait_for(f"{url}/_inspect/jobs")
            yield url
        finally:
            server.terminate()


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            httpx.get(url, trust_env=False).raise_for_status()
        except httpx.TransportError:
            assert time.monotonic() < deadline, f"{url} does not answer"
            time.sleep(0.1)
        else:
            return


def test_the_video_is_made_there_and_announced_here(other_server: str, tmp_path: Path) -> None:
    mine = {"AZURE_OPENAI_CREDENTIAL": "api-key", "AZURE_OPENAI_API_KEY": KEY}
    state_dir = tmp_path / "stack"
    with running_stack(state_dir, "--sora-endpoint", other_server, settings=mine) as stack:
        video = stack.wait_for(stack.create("a lantern drifts downriver"))
        assert video["status"] == "completed", video
        stack.wait_for_event(video["id"], "completed")
        assert stack.jobs() == []
        tokens = stack.simulator.get("/_inspect/tokens").json()
        assert tokens["requests"] == 0
    jobs = httpx.get(f"{other_server}/_inspect/jobs", trust_env=False).json()
    assert [job["authorization"] for job in jobs] == ["api-key"]
