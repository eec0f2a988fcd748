"""The steps of a video's life."""

from __future__ import annotations

import azure.durable_functions as df

from dailies.app.runtime import run_step
from dailies.engine import Step, VideoRef
from dailies.pipeline import archive, check, finish, prepare, publish, submit

blueprint = df.Blueprint()


@blueprint.activity_trigger(input_name="video")
async def prepare_reference(video: VideoRef) -> Step:
    """Fit what the video starts from to what the model wants."""
    return await run_step("prepare_reference", prepare.prepare_reference, video)


@blueprint.activity_trigger(input_name="video")
async def submit_video(video: VideoRef) -> Step:
    """Send the one paid request, or find out what became of it."""
    return await run_step("submit_video", submit.submit_video, video)


@blueprint.activity_trigger(input_name="video")
async def check_video(video: VideoRef) -> Step:
    """Poll the upstream job once."""
    return await run_step("check_video", check.check_video, video)


@blueprint.activity_trigger(input_name="video")
async def archive_video(video: VideoRef) -> Step:
    """Stream the finished files into Blob Storage."""
    return await run_step("archive_video", archive.archive_video, video)


@blueprint.activity_trigger(input_name="video")
async def finish_video(video: finish.FinishRequest) -> Step:
    """Write the terminal state, once."""
    return await run_step("finish_video", finish.finish_video, video)


@blueprint.activity_trigger(input_name="video")
async def publish_events(video: VideoRef) -> Step:
    """Announce what was not announced yet."""
    return await run_step("publish_events", publish.publish_events, video)
