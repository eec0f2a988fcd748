"""Announce what was not announced yet."""

from __future__ import annotations

import azure.durable_functions as df

from dailies.app.runtime import run_step
from dailies.engine import Step, VideoRef
from dailies.pipeline import publish

blueprint = df.Blueprint()


@blueprint.activity_trigger(input_name="video")
async def publish_events(video: VideoRef) -> Step:
    """See ``dailies.pipeline.publish.publish_events``."""
    return await run_step("publish_events", publish.publish_events, video)
