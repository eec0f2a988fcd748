"""Earlier versions of a video's life, for their tests."""

from __future__ import annotations

import functools

from dailies.engine import stop
from dailies.video.basics import VideoError
from tests.orchestrations import scripts
from tests.orchestrations.replay import Engine
from tests.orchestrations.wire import replay

__all__ = ["REFUSED", "assert_replays", "generate"]

generate = functools.partial(scripts.generate, orchestrator="generate_video_v3")
REFUSED = stop(VideoError("moderation_blocked", "Change the prompt."))


def assert_replays(hub: Engine) -> None:
    """What was recorded is asked for again, step by step."""
    for generation in hub.generations:
        for recorded, now in replay(generation):
            assert recorded == now
