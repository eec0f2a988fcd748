"""The app on its stack: a prompt becomes a file."""

from __future__ import annotations

import hashlib
import json

import httpx

from tests.stack import RunningStack


def test_a_prompt_becomes_a_video_in_storage_and_an_event(stack: RunningStack) -> None:
    video = stack.wait_for(stack.create("a kite over the dunes"))
    assert video["status"] == "completed", video
    assert video["progress"] == 100
    event = stack.wait_for_event(video["id"], "completed")
    with stack.blobs.get_blob_client("videos", f"{video['id']}/manifest.json") as blob:
        manifest = json.loads(blob.download_blob().readall())
    answer = stack.api.get(f"/v1/videos/{video['id']}/content", follow_redirects=True)
    digest = hashlib.sha256(answer.raise_for_status().content).hexdigest()
    assert (
        digest == manifest["files"]["video"]["sha256"] == event["data"]["files"]["video"]["sha256"]
    )


def test_the_content_is_fetched_from_storage_without_the_caller_s_key(stack: RunningStack) -> None:
    video = stack.wait_for(stack.create("a harbour in fog"))
    answer = stack.api.get(f"/v1/videos/{video['id']}/content")
    assert answer.is_redirect
    link = answer.headers["location"]
    assert httpx.get(link, trust_env=False).headers["content-type"] == "video/mp4"
    assert httpx.get(link.partition("?")[0], trust_env=False).is_client_error
