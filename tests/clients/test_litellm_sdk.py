"""LiteLLM's SDK with the app as its provider: ``azure/…`` and ``openai/…``."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.clients.conftest import Interpreter
from tests.stack import RunningStack

pytestmark = pytest.mark.litellm

SESSION = Path(__file__).with_name("litellm_session.py")
BASES = {"azure": "", "openai": "/v1"}


def session(
    provider: str,
    kind: str,
    litellm_python: Interpreter,
    stack: RunningStack,
    image: Path,
    tmp_path: Path,
    key: str | None = None,
) -> Any:
    base = f"{stack.base_url}{BASES[provider]}"
    arguments = [provider, kind, base, key or stack.api_key, str(image)]
    run = litellm_python.run(SESSION, {}, directory=tmp_path, arguments=arguments)
    found = re.search(r"^SEEN (.*)$", run.output, re.MULTILINE)
    assert found, run.output
    return json.loads(found[1])


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize("provider", ["azure", "openai"])
def test_generation_status_content_list_remix(
    provider: str,
    kind: str,
    litellm_python: Interpreter,
    stack: RunningStack,
    image: Path,
    tmp_path: Path,
) -> None:
    before = len(stack.jobs())
    seen = session(provider, kind, litellm_python, stack, image, tmp_path)

    listing = stack.api.get("/v1/videos", params={"limit": 2}).raise_for_status().json()
    remix, made = listing["data"]
    assert made["status"] == "completed"
    assert made["user"] == "user_123"
    assert remix["remixed_from_video_id"] == made["id"]

    assert seen["made"]["status"] in ("queued", "in_progress")
    assert seen["status"]["status"] == "completed"
    assert seen["status"]["progress"] == 100
    assert seen["status"]["seconds"] == "4"
    assert seen["status"]["size"] == "1280x720"
    film = stack.api.get(f"/v1/videos/{made['id']}/content", follow_redirects=True).content
    assert seen["bytes"] == len(film)
    assert seen["sha256"] == hashlib.sha256(film).hexdigest()
    assert seen["listed"]["object"] == "list"
    assert seen["listed"]["data"][0]["status"] == "completed"
    assert seen["remix"]["status"] in ("queued", "in_progress")

    job = stack.jobs()[before]
    assert (job["reference"]["width"], job["reference"]["height"]) == (1280, 720)


@pytest.mark.parametrize("provider", ["azure", "openai"])
def test_what_is_refused_keeps_its_class_and_its_reason(
    provider: str,
    litellm_python: Interpreter,
    stack: RunningStack,
    image: Path,
    tmp_path: Path,
) -> None:
    before = len(stack.jobs())
    raised = session(provider, "refusals", litellm_python, stack, image, tmp_path)
    assert raised["seconds"].startswith("BadRequestError"), raised
    assert "'5'" in raised["seconds"]
    assert raised["unknown"].startswith("NotFoundError"), raised
    assert raised["key"].startswith("AuthenticationError"), raised
    assert len(stack.jobs()) == before


@pytest.mark.parametrize("provider", ["azure", "openai"])
def test_an_issued_key_serves_until_it_is_revoked(
    provider: str,
    litellm_python: Interpreter,
    stack: RunningStack,
    image: Path,
    tmp_path: Path,
) -> None:
    operator = {"Authorization": f"Bearer {stack.admin_key}"}
    body = {"owner": "by-litellm", "limits": {"requests_per_minute": 600}}
    issued = stack.api.post("/v1/admin/keys", json=body, headers=operator).json()
    seen = session(provider, "sync", litellm_python, stack, image, tmp_path, issued["key"])
    assert seen["status"]["status"] == "completed"
    headers = {"Authorization": f"Bearer {issued['key']}"}
    made = stack.api.get("/v1/videos", headers=headers).json()["data"]
    assert {video["prompt"] for video in made} >= {"A cat playing with a ball of yarn"}
    stack.api.delete(f"/v1/admin/keys/{issued['id']}", headers=operator)
    refused = litellm_python.run(
        SESSION,
        {},
        directory=tmp_path,
        arguments=[
            provider,
            "sync",
            f"{stack.base_url}{BASES[provider]}",
            issued["key"],
            str(image),
        ],
    )
    assert refused.status != 0
    assert "AuthenticationError" in refused.output
