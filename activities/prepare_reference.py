"""Fit the reference image to the size that the model wants."""

from __future__ import annotations

import azure.durable_functions as df

from dailies.app.runtime import run_step
from dailies.engine import Step, VideoRef
from dailies.pipeline import prepare

blueprint = df.Blueprint()


@blueprint.activity_trigger(input_name="video")
async def prepare_reference(video: VideoRef) -> Step:
    """See ``dailies.pipeline.prepare.prepare_reference``."""
    return await run_step("prepare_reference", prepare.prepare_reference, video)
