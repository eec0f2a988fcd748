"""The adapter for servers of OpenAI's videos protocol at a made-up one, for its tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx

from dailies.net.downloads import Downloads
from dailies.providers.base import Content, Submission
from dailies.providers.classify import CallContext
from dailies.providers.openai_videos import PROVIDER, OpenAIVideos, VideosOptions
from dailies.providers.outcomes import Outcome
from dailies.providers.wire import Wire
from dailies.video.basics import Size, Variant
from tests.unit.providers.conftest import Upstream

__all__ = ["ENDPOINT", "SGLANG", "SIZE", "SUBMISSION", "VLLM_OMNI", "Build", "builder", "fetched"]

ENDPOINT = "http://gpu.example:8000"
SIZE = Size(1280, 720)
SUBMISSION = Submission("wan-2.2", "a cat in the rain", 4, SIZE, video_id="video_ours")

VLLM_OMNI = {
    "multipart_only": True,
    "send_variant": False,
    "jobs_in_memory": True,
    "names": {"sound": "generate_sound"},
}
SGLANG = {
    "seconds_type": "number",
    "send_variant": False,
    "cancel_stops": False,
    "jobs_in_memory": True,
    "lists_as_made": True,
}

Build = Callable[..., OpenAIVideos]


def builder(upstream: Upstream) -> Build:
    """Makes adapters of any options, at a made-up server."""

    def build(options: dict[str, Any] | None = None, *, endpoint: str = ENDPOINT) -> OpenAIVideos:
        given = VideosOptions.model_validate(options or {})
        transport = httpx.MockTransport(upstream._answer)
        wire = Wire(
            upstream.client,
            httpx.Auth(),
            CallContext(
                "gpu.example:8000",
                "wan-2.2",
                answers=PROVIDER.answers,
                remedies={help_.code: help_.remedy for help_ in PROVIDER.helps},
            ),
            url=endpoint,
            options=given,
            downloads=Downloads(
                ("gpu.example", *given.download_hosts), plain=True, transport=transport
            ),
        )
        return OpenAIVideos(wire)

    return build


async def fetched(adapter: OpenAIVideos, variant: Variant = Variant.VIDEO) -> bytes | Outcome:
    """The bytes of a file; or what there is instead."""
    async with adapter.open_content("video_1", variant) as content:
        if isinstance(content, Content):
            return b"".join([chunk async for chunk in content.chunks])
        return content
