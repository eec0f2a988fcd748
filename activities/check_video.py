"""Poll the upstream job once."""

from __future__ import annotations

import azure.durable_functions as df

from dailies.app.runtime import run_step
from dailies.engine import Step, VideoRef
from dailies.pipeline import check

blueprint = df.Blueprint()


@blueprint.activity_trigger(input_name="video")
async def check_video(video: VideoRef) -> Step:
    """See ``dailies.pipeline.check.check_video``."""
    return await run_step("check_video", check.check_video, video)
