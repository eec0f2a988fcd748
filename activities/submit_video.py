"""Send the one paid request, or find out what became of it."""

from __future__ import annotations

import azure.durable_functions as df

from dailies.pipeline import submit
from dailies.pipeline.steps import Step, VideoRef
from dailies.runtime import run_step

blueprint = df.Blueprint()


@blueprint.activity_trigger(input_name="video")
async def submit_video(video: VideoRef) -> Step:
    """See ``dailies.pipeline.submit.submit_video``."""
    return await run_step("submit_video", submit.submit_video, video)
