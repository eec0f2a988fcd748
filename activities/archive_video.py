"""Stream the finished files into Blob Storage."""

from __future__ import annotations

import azure.durable_functions as df

from dailies.app.runtime import run_step
from dailies.engine import Step, VideoRef
from dailies.pipeline import archive

blueprint = df.Blueprint()


@blueprint.activity_trigger(input_name="video")
async def archive_video(video: VideoRef) -> Step:
    """See ``dailies.pipeline.archive.archive_video``."""
    return await run_step("archive_video", archive.archive_video, video)
