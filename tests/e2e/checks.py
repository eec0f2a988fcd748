"""What must be true of every video that has ended, whatever happened on the way."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from azure.core.exceptions import ResourceNotFoundError

from tests.stack import RunningStack

__all__ = ["assert_delivered", "assert_ended_once", "assert_failed", "manifest_of"]

_TERMINAL = ("completed", "failed", "cancelled")


def assert_ended_once(stack: RunningStack, video: dict[str, Any]) -> dict[str, Any]:
    """The video has one terminal event, by type and by id, and it agrees with the video; its
    event."""
    kind = "cancelled" if video["phase"] == "cancelled" else video["status"]
    event = stack.wait_for_event(video["id"], kind)
    ended = [e for e in stack.events(video["id"]) if e["type"].rpartition(".")[2] in _TERMINAL]
    assert {e["id"] for e in ended} == {f"{video['id']}.{kind}"}
    assert event["data"]["error"] == video["error"]
    return event


def assert_delivered(stack: RunningStack, video: dict[str, Any]) -> None:
    """The video is complete, and its stored file is the one of its manifest and its event."""
    assert video["status"] == "completed", video
    event = assert_ended_once(stack, video)
    files = manifest_of(stack, video["id"])["files"]
    blob = stack.blobs.get_blob_client("videos", files["video"]["blob"])
    data = blob.download_blob().readall()
    digest = hashlib.sha256(data).hexdigest()
    assert digest == files["video"]["sha256"] == event["data"]["files"]["video"]["sha256"]
    assert data[4:8] == b"ftyp"


def assert_failed(stack: RunningStack, video: dict[str, Any], code: str) -> None:
    """The video failed with this code, and no file of it is to be seen."""
    assert video["status"] == "failed", video
    assert video["error"]["code"] == code, video["error"]
    assert_ended_once(stack, video)
    assert not stack.blobs.get_blob_client("videos", f"{video['id']}/video.mp4").exists()


def manifest_of(stack: RunningStack, video_id: str) -> dict[str, Any]:
    """The video's manifest.

    Raises:
        AssertionError: it has none.
    """
    blob = stack.blobs.get_blob_client("videos", f"{video_id}/manifest.json")
    try:
        manifest: dict[str, Any] = json.loads(blob.download_blob().readall())
    except ResourceNotFoundError:
        raise AssertionError(f"{video_id} has no manifest") from None
    return manifest
