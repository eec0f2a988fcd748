"""``--sora-endpoint``: another server renders, with the user's own credential."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.e2e.simulator import running_simulator
from tests.stack import running_stack

KEY = "key-of-another-resource"


@pytest.fixture
def other_server(tmp_path: Path) -> Iterator[str]:
    """A server outside the stack that takes nothing but ``KEY``; its URL."""
    with running_simulator(tmp_path / "other", KEY) as url:
        yield url


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
