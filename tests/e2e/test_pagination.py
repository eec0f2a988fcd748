"""Auto-pagination of the official client over 250 videos, which are only recorded, never made."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import openai
import pytest
from openai import OpenAI

from tests.stack import RunningStack, running_stack

pytestmark = pytest.mark.filterwarnings("ignore:The Sora API:DeprecationWarning")


def test_auto_pagination_sees_250_videos_once_each(tmp_path: Path) -> None:
    # Nothing is rendered: the provider refuses every request, so that each ends at once.
    with running_stack(tmp_path, own=True) as stack:
        stack.faults.add(
            "create", "status", status=400, times=1000, body='{"error": {"message": "No."}}'
        )
        with ThreadPoolExecutor(8) as pool:
            made = [v["id"] for v in pool.map(stack.create, (f"pier {n}" for n in range(250)))]
        _look(stack, made)


def _look(stack: RunningStack, made: list[str]) -> None:
    with OpenAI(base_url=f"{stack.base_url}/v1", api_key=stack.api_key) as client:
        newest_first = [video.id for video in client.videos.list(limit=40)]
        oldest_first = [video.id for video in client.videos.list(limit=100, order="asc")]
        with pytest.raises(openai.BadRequestError):
            client.videos.list(limit=101)
    assert sorted(newest_first) == sorted(made)
    assert newest_first == oldest_first[::-1]
