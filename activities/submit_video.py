"""Send the one paid request, or find out what became of it."""

from __future__ import annotations

import azure.durable_functions as df

from dailies.app.runtime import run_step
from dailies.engine import Step, VideoRef
from dailies.pipeline import submit

blueprint = df.Blueprint()


@blueprint.activity_trigger(input_name="video")
async def submit_video(video: VideoRef) -> Step:
    """See ``dailies.pipeline.submit.submit_video``."""
    return await run_step("submit_video", submit.submit_video, video)
