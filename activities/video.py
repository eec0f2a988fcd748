"""The life of a video, and its single steps, which earlier versions of its orchestrator call.

Each is imported when it is first called: together they need most of what the app is made of, and a
worker that starts, which a first caller waits for, needs none of it.
"""

from __future__ import annotations

import azure.durable_functions as df

from dailies.app.runtime import run_step, services
from dailies.engine import FinishRequest, Step, VideoRef
from durable_client import DurableOrchestrations

blueprint = df.Blueprint()


@blueprint.activity_trigger(input_name="video")
@blueprint.durable_client_input(client_name="client")
async def advance_video(video: VideoRef, client: df.DurableOrchestrationClient) -> Step:
    """Do all that can be done for the video now, and say what comes next."""
    from dailies.pipeline import advance, courier

    try:
        return await run_step("advance_video", advance.advance_video, video)
    finally:
        await courier.answer_doorbell(services(), DurableOrchestrations(client))


@blueprint.activity_trigger(input_name="video")
async def prepare_reference(video: VideoRef) -> Step:
    """Fit what the video starts from to what the model wants."""
    from dailies.pipeline import prepare

    return await run_step("prepare_reference", prepare.prepare_reference, video)


@blueprint.activity_trigger(input_name="video")
async def submit_video(video: VideoRef) -> Step:
    """Send the one paid request, or find out what became of it."""
    from dailies.pipeline import submit

    return await run_step("submit_video", submit.submit_video, video)


@blueprint.activity_trigger(input_name="video")
async def check_video(video: VideoRef) -> Step:
    """Poll the upstream job once."""
    from dailies.pipeline import check

    return await run_step("check_video", check.check_video, video)


@blueprint.activity_trigger(input_name="video")
async def archive_video(video: VideoRef) -> Step:
    """Stream the finished files into Blob Storage."""
    from dailies.pipeline import archive

    return await run_step("archive_video", archive.archive_video, video)


@blueprint.activity_trigger(input_name="video")
async def finish_video(video: FinishRequest) -> Step:
    """Write the terminal state, once."""
    from dailies.pipeline import finish

    return await run_step("finish_video", finish.finish_video, video)


@blueprint.activity_trigger(input_name="video")
@blueprint.durable_client_input(client_name="client")
async def publish_events(video: VideoRef, client: df.DurableOrchestrationClient) -> Step:
    """Announce what was not announced yet."""
    from dailies.pipeline import courier, publish

    try:
        return await run_step("publish_events", publish.publish_events, video)
    finally:
        await courier.answer_doorbell(services(), DurableOrchestrations(client))
