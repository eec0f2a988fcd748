"""Dropped images: none is lost, none is paid for twice, whatever the trigger and storage do."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import httpx
import pytest
from azure.storage.blob import BlobBlock, ContainerClient, ContentSettings

from tests.e2e.checks import assert_delivered
from tests.e2e.durable import system_key
from tests.pictures import png
from tests.stack import RunningStack, running_stack

_SETTINGS = {"DAILIES_SIDECAR_WAIT_SECONDS": "6", "DAILIES_SWEEP_GRACE_SECONDS": "3"}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """A stack of its own: these tests break what others stand on."""
    with running_stack(tmp_path_factory.mktemp("drops"), settings=_SETTINGS) as running:
        yield running


@pytest.fixture(scope="module")
def references(stack: RunningStack) -> ContainerClient:
    return stack.blobs.get_container_client("references")


def _prompt(name: str) -> str:
    return f"made of {name} [sim label=drop]"


def _videos_of(stack: RunningStack, name: str) -> list[dict[str, Any]]:
    page = stack.api.get("/v1/videos", params={"limit": 100}).raise_for_status().json()
    return [video for video in page["data"] if _prompt(name) in video["prompt"]]


def _the_one_video(stack: RunningStack, name: str, *, within: float = 60) -> dict[str, Any]:
    stack.wait_until(lambda: _videos_of(stack, name), within=within, what=f"a video of {name}")
    (video,) = _videos_of(stack, name)
    assert_delivered(stack, stack.wait_for(video))
    assert len(stack.jobs(_prompt(name))) == 1
    return video


def _rejections(stack: RunningStack, name: str) -> list[dict[str, Any]]:
    return [
        event["data"]["error"]
        for event in stack.events(kind="rejected")
        if event["data"]["blob"] == name
    ]


def _tell(stack: RunningStack, told: bool) -> None:
    stack.simulator.patch("/_inspect/settings", json={"storage_events": told}).raise_for_status()


def test_an_upload_that_no_event_told_of(stack: RunningStack, references: ContainerClient) -> None:
    _tell(stack, False)
    stack.drop("lost/a.png", png(1), {"prompt": _prompt("lost/a.png")})
    references.upload_blob("lost/b.txt", b"no picture")
    stack.wait_until(
        lambda: _rejections(stack, "lost/b.txt"), within=60, what="what can't be used is answered"
    )
    _the_one_video(stack, "lost/a.png")
    _tell(stack, True)


def test_metadata_of_an_old_image_makes_nothing_of_it_again(
    stack: RunningStack, references: ContainerClient
) -> None:
    name = "old.png"
    stack.drop(name, png(2), {"prompt": _prompt(name)})
    video = _the_one_video(stack, name)
    blob = references.get_blob_client(name)
    blob.set_blob_metadata({"prompt": _prompt(name), "project": "spring"})
    blob.set_http_headers(ContentSettings(content_type="image/png"))
    stack.drop("after-it.png", png(3), {"prompt": _prompt("after-it.png")})
    _the_one_video(stack, "after-it.png")
    _wait_for_sweeps(stack, 2)
    assert [v["id"] for v in _videos_of(stack, name)] == [video["id"]]
    assert len(stack.jobs(_prompt(name))) == 1


def test_metadata_that_is_set_after_the_upload(
    stack: RunningStack, references: ContainerClient
) -> None:
    name = "late.png"
    references.upload_blob(name, png(4))
    references.get_blob_client(name).set_blob_metadata({"prompt": _prompt(name)})
    _the_one_video(stack, name)


def test_an_empty_blob_that_is_filled_a_moment_later(
    stack: RunningStack, references: ContainerClient
) -> None:
    name, metadata = "filled.png", {"prompt": _prompt("filled.png")}
    references.upload_blob(name, b"", metadata=metadata)
    blob = references.get_blob_client(name)
    blob.stage_block("AAAA", png(5))
    blob.commit_block_list([BlobBlock("AAAA")], metadata=metadata)
    _the_one_video(stack, name)
    assert _rejections(stack, name) == []


def test_a_sidecar_written_again_after_its_video_was_deleted(
    stack: RunningStack, references: ContainerClient
) -> None:
    name = "again.png"
    side = f'{{"prompt": "{_prompt(name)}"}}'
    references.upload_blob(f"{name}.json", side)
    references.upload_blob(name, png(6))
    video = _the_one_video(stack, name)
    stack.api.delete(f"/v1/videos/{video['id']}").raise_for_status()
    references.upload_blob(f"{name}.json", side, overwrite=True)
    stack.drop("after-again.png", png(7), {"prompt": _prompt("after-again.png")})
    _the_one_video(stack, "after-again.png")
    _wait_for_sweeps(stack, 2)
    assert _videos_of(stack, name) == []
    assert len(stack.jobs(_prompt(name))) == 1


def test_storage_away_while_images_are_dropped(stack: RunningStack) -> None:
    """For a quarter of an hour of simulated time, in which Event Grid tells again and again."""
    names = [f"outage/{number}.png" for number in range(4)]
    for number, name in enumerate(names):
        stack.drop(name, png(10 + number), {"prompt": _prompt(name)})
    pid = stack.pids()["azurite"]
    os.kill(pid, signal.SIGSTOP)
    try:
        until = time.monotonic() + 15
        stack.wait_until(lambda: time.monotonic() > until, within=20, what="the outage lasts")
    finally:
        os.kill(pid, signal.SIGCONT)
    for name in names:
        _the_one_video(stack, name, within=120)
        assert _rejections(stack, name) == []


def test_the_host_dies_again_and_again_while_images_are_dropped(stack: RunningStack) -> None:
    names = [f"killed/{number}.png" for number in range(3)]
    for number, name in enumerate(names):
        stack.drop(name, png(20 + number), {"prompt": _prompt(name)})
        killed = stack.kill("host")
        stack.wait_restarted("host", killed)
    for name in names:
        _the_one_video(stack, name, within=120)
        assert _rejections(stack, name) == []


def test_what_the_old_trigger_still_holds_becomes_a_video(stack: RunningStack) -> None:
    """A message that was queued before an upgrade; no event of the new kind ever comes."""
    _tell(stack, False)
    name = "queued-before.png"
    stack.drop(name, png(8), {"prompt": _prompt(name)})
    etag = stack.blobs.get_blob_client("references", name).get_blob_properties().etag
    answer = httpx.post(
        f"{stack.base_url}/runtime/webhooks/blobs",
        params={"functionName": "Host.Functions.reference_dropped"},
        headers={"x-functions-key": system_key(stack, "blobs")},
        json=[
            {
                "id": "1",
                "subject": f"/blobServices/default/containers/references/blobs/{name}",
                "eventType": "Microsoft.Storage.BlobCreated",
                "data": {"eTag": etag.strip('"')},
            }
        ],
        trust_env=False,
    )
    assert answer.status_code == 202
    _the_one_video(stack, name)
    _tell(stack, True)


def test_a_huge_blob_is_not_read_to_say_that_it_is_too_large(
    stack: RunningStack, references: ContainerClient
) -> None:
    name = "huge.png"
    references.upload_blob(name, bytes(64 * 1024**2), metadata={"prompt": _prompt(name)})
    (error,) = stack.wait_until(
        lambda: _rejections(stack, name), within=60, what=f"{name} is rejected"
    )
    assert error["code"] == "image_too_large"


def _wait_for_sweeps(stack: RunningStack, number: int) -> None:
    """Until an image that was dropped now, untold, has been found: so often a sweep has run."""
    _tell(stack, False)
    for turn in range(number):
        name = f"marker-{time.monotonic_ns()}-{turn}.txt"
        stack.blobs.get_blob_client("references", name).upload_blob(b"")
        look = partial(_rejections, stack, name)
        stack.wait_until(look, within=60, what="a sweep has run")
    _tell(stack, True)
