"""fal's adapter at a made-up queue, for its tests."""

from __future__ import annotations

from typing import Any

import httpx
from pydantic import SecretStr

from dailies.net.downloads import Downloads
from dailies.providers.base import Content, Reference, Submission
from dailies.providers.classify import CallContext
from dailies.providers.fal import PROVIDER
from dailies.providers.fal.adapter import Fal, FalOptions, KeyAuth
from dailies.providers.outcomes import Outcome
from dailies.providers.wire import Wire
from dailies.video.basics import Size, Variant
from tests.unit.providers.conftest import Upstream

__all__ = [
    "ENDPOINT",
    "FLAGGED",
    "HD",
    "ID",
    "IMAGE",
    "JOB",
    "MODEL",
    "OPTIONS",
    "QUEUED",
    "REQUEST",
    "SUBMISSION",
    "VIDEO",
    "fal",
    "read",
]

ENDPOINT = "https://queue.fal.run"
MODEL = "kling/v4/text-to-video"
ID = "764cabcf-b745-4b3e-ae38-1200304cf45b"
REQUEST = f"{ENDPOINT}/kling/v4/requests/{ID}"
JOB = f"kling/v4/requests/{ID}"
HD = Size(1280, 720)
IMAGE = Reference(b"png", "image/png", HD)
SUBMISSION = Submission(MODEL, "A pier at night", 5, HD)
OPTIONS: dict[str, Any] = {
    "inputs": {"seconds_as": "text"},
    "with_image": {
        "path": "image-to-video",
        "inputs": {
            "seconds_as": "text",
            "aspect_ratio": None,
            "image": "start_image_url",
        },
    },
    "with_last_frame": {
        "path": "first-last-frame-to-video",
        "inputs": {
            "seconds_as": "text",
            "image": "first_frame_url",
            "last_frame": "last_frame_url",
        },
    },
    "with_references": {
        "path": "reference-to-video",
        "inputs": {"seconds_as": "text", "references": "image_urls"},
    },
}
QUEUED = {
    "status": "IN_QUEUE",
    "request_id": ID,
    "response_url": REQUEST,
    "status_url": f"{REQUEST}/status",
    "cancel_url": f"{REQUEST}/cancel",
    "queue_position": 0,
}
VIDEO = {"video": {"url": "https://v3b.fal.media/files/b/x/video.mp4", "content_type": "video/mp4"}}
FLAGGED = {
    "loc": ["body", "prompt"],
    "msg": "The content was flagged by a content checker.",
    "type": "content_policy_violation",
    "url": "https://docs.fal.ai/errors#content_policy_violation",
    "input": "A pier at night",
    "categories": ["violence", "model_moderated"],
}


def fal(upstream: Upstream, *, model: str = MODEL, **options: Any) -> Fal:
    context = CallContext(
        "queue.fal.run",
        model,
        answers=PROVIDER.answers,
        remedies={help_.code: help_.remedy for help_ in PROVIDER.helps},
    )
    transport = upstream.client._transport
    assert isinstance(transport, httpx.MockTransport)
    wire = Wire(
        upstream.client,
        KeyAuth(SecretStr("id:secret")),
        context,
        url=ENDPOINT,
        options=FalOptions.model_validate(OPTIONS | options),
        downloads=Downloads(("queue.fal.run", *PROVIDER.hosts), transport=transport),
    )
    return Fal(wire)


async def read(adapter: Fal, job_id: str = JOB) -> Outcome | bytes:
    async with adapter.open_content(job_id, Variant.VIDEO) as content:
        if isinstance(content, Outcome):
            return content
        assert isinstance(content, Content)
        return b"".join([chunk async for chunk in content.chunks])
