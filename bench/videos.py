"""A finished video to measure with."""

from __future__ import annotations

import time

import httpx

__all__ = ["NoVideo", "finished_video"]


class NoVideo(Exception):
    """A server made no video to measure with; the message says what it answered."""


def finished_video(
    base_url: str, key: str, model: str, *, prompt: str = "A clapperboard closes [sim render=1]"
) -> str:
    """The id of a video that is finished, made there.

    Raises:
        NoVideo: it was refused, failed, or took two minutes.
    """
    headers = {"Authorization": f"Bearer {key}"}
    with httpx.Client(base_url=base_url, headers=headers, trust_env=False, timeout=60) as client:
        body = {"model": model, "prompt": prompt, "seconds": "4"}
        answer = client.post("/v1/videos", json=body)
        if answer.is_error:
            raise NoVideo(f"no video at {base_url}: {answer.status_code} {answer.text[:500]}")
        video = answer.json()
        deadline = time.monotonic() + 120
        while video["status"] != "completed":
            if video["status"] == "failed" or time.monotonic() > deadline:
                raise NoVideo(f"no video at {base_url}: {video}")
            time.sleep(0.5)
            video = client.get(f"/v1/videos/{video['id']}").raise_for_status().json()
        return str(video["id"])
