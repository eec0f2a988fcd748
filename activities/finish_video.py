"""Write the terminal state, once."""

from __future__ import annotations

import azure.durable_functions as df

from dailies.app.runtime import run_step
from dailies.engine import Step
from dailies.pipeline import finish
from dailies.pipeline.finish import FinishRequest

blueprint = df.Blueprint()


@blueprint.activity_trigger(input_name="video")
async def finish_video(video: FinishRequest) -> Step:
    """See ``dailies.pipeline.finish.finish_video``."""
    return await run_step("finish_video", finish.finish_video, video)
