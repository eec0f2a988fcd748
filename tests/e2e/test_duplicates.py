"""The same thing many times at once: one video."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from tests.e2e.checks import assert_delivered, manifest_of
from tests.e2e.durable import system_key
from tests.pictures import png
from tests.stack import RunningStack

_DROPPED = "{name} stays one video [sim label=duplicates]"


def _at_once(times: int, call: Callable[[], Any]) -> list[Any]:
    with ThreadPoolExecutor(times) as pool:
        futures = [pool.submit(call) for _ in range(times)]
        return [future.result() for future in futures]


def _videos_of(stack: RunningStack, prompt: str) -> list[dict[str, Any]]:
    page = stack.api.get("/v1/videos", params={"limit": 100}).raise_for_status().json()
    return [video for video in page["data"] if prompt in video["prompt"]]


def _the_one_video(stack: RunningStack, prompt: str) -> dict[str, Any]:
    stack.wait_until(lambda: _videos_of(stack, prompt), what=f"a video of {prompt}")
    for video in _videos_of(stack, prompt):
        stack.wait_for(video)
    videos = _videos_of(stack, prompt)
    assert len(videos) == 1
    assert len(stack.jobs(prompt)) == 1
    return videos[0]


def test_one_key_fifty_times_at_once(stack: RunningStack) -> None:
    prompt = "fifty callers with one key [sim label=duplicates]"
    body = {"model": "sora-2", "prompt": prompt}
    headers = {**dict(stack.api.headers), "Idempotency-Key": "fifty-at-once"}

    def create() -> httpx.Response:
        return httpx.post(
            f"{stack.base_url}/v1/videos", json=body, headers=headers, timeout=60, trust_env=False
        )

    answers = _at_once(50, create)
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["id"] for answer in answers}) == 1
    replayed = [answer.headers.get("Idempotent-Replayed") for answer in answers]
    assert replayed.count(None) == 1
    assert_delivered(stack, _the_one_video(stack, prompt))


def test_one_key_with_another_body_at_once(stack: RunningStack) -> None:
    prompts = [f"number {n} of a race for one key [sim label=duplicates]" for n in range(10)]
    headers = {**dict(stack.api.headers), "Idempotency-Key": "ten-bodies"}
    left = list(prompts)

    def create() -> httpx.Response:
        body = {"model": "sora-2", "prompt": left.pop()}
        return httpx.post(
            f"{stack.base_url}/v1/videos", json=body, headers=headers, timeout=60, trust_env=False
        )

    answers = _at_once(10, create)
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 9
    assert_delivered(stack, _the_one_video(stack, "of a race for one key"))


def test_one_image_dropped_twenty_times_at_once(stack: RunningStack) -> None:
    """Twenty uploads that overwrite each other: the one that stays is the one that counts."""
    name = "twenty-uploads.png"
    prompt = _DROPPED.format(name=name)
    _at_once(20, lambda: stack.drop(name, png(1), {"prompt": prompt}))
    assert_delivered(stack, _the_one_video(stack, prompt))


@pytest.mark.parametrize("spread", ["at once", "one after the other"])
def test_one_blob_event_delivered_twenty_times(stack: RunningStack, spread: str) -> None:
    name = f"twenty-events-{spread.replace(' ', '-')}.png"
    prompt = _DROPPED.format(name=name)
    stack.drop(name, png(2), {"prompt": prompt})
    etag = stack.blobs.get_blob_client("references", name).get_blob_properties().etag
    if spread == "at once":
        answers = _at_once(20, lambda: _deliver(stack, name, etag))
    else:
        answers = [_deliver(stack, name, etag) for _ in range(20)]
    assert {answer.status_code for answer in answers} == {202}
    video = _the_one_video(stack, prompt)
    assert_delivered(stack, video)
    # And once more, long after.
    _deliver(stack, name, etag)
    stack.create("something else meanwhile [sim label=duplicates]")
    assert _the_one_video(stack, prompt)["id"] == video["id"]


def _deliver(stack: RunningStack, name: str, etag: str) -> httpx.Response:
    """Send the event that Azure sends for a blob, to the host's webhook."""
    url = stack.blobs.get_blob_client("references", name).url
    event = {
        "id": f"{name}-{etag}",
        "topic": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/a",
        "subject": f"/blobServices/default/containers/references/blobs/{name}",
        "eventType": "Microsoft.Storage.BlobCreated",
        "eventTime": datetime.now(UTC).isoformat(),
        "dataVersion": "",
        "metadataVersion": "1",
        "data": {"api": "PutBlob", "url": url, "eTag": etag.strip('"'), "blobType": "BlockBlob"},
    }
    return httpx.post(
        f"{stack.base_url}/runtime/webhooks/EventGrid",
        params={"functionName": "reference_uploaded"},
        json=[event],
        headers={
            "aeg-event-type": "Notification",
            "x-functions-key": system_key(stack, "eventgrid"),
        },
        timeout=60,
        trust_env=False,
    )


def test_videos_with_one_prompt_and_lost_requests_share_no_job(stack: RunningStack) -> None:
    """Whoever looks for a lost job finds those of the others, too: each belongs to one video."""
    prompt = "twelve of the same [sim label=duplicates]"
    for kind, times in (("lost", 3), ("reset", 3), ("truncate", 2), ("hold", 2)):
        stack.faults.add("create", kind, match="twelve of the same", times=times, seconds=1)
    videos = _at_once(12, lambda: stack.create(prompt))
    ids = {video["id"] for video in videos}
    assert len(ids) == 12
    job_ids = set()
    for video in videos:
        assert_delivered(stack, stack.wait_for(video))
        job_ids.add(manifest_of(stack, video["id"])["provider"]["job_id"])
    assert job_ids == {job["id"] for job in stack.jobs(prompt)}
    assert len(stack.jobs(prompt)) == 12
