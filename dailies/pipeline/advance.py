"""Take a video as far as it can go now, and say what comes next.

Its record says how far it has come, so that whoever asks, and however often, goes on from there:
no job yet, a job that renders, a finished render, an end that is to be announced.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from dailies.engine import Doing, FinishRequest, Release, Step, VideoRef, done, hold, wait
from dailies.pipeline.archive import archive_video
from dailies.pipeline.check import check_video
from dailies.pipeline.finish import finish_video
from dailies.pipeline.judge import judge_video
from dailies.pipeline.places import held_place
from dailies.pipeline.prepare import prepare_reference
from dailies.pipeline.publish import publish_events
from dailies.pipeline.remove import discard_if_unwanted
from dailies.pipeline.spans import end_step, inner_span
from dailies.pipeline.submit import submit_video
from dailies.services import Services
from dailies.stores.kept import kept_records
from dailies.video.record import VideoRecord

__all__ = ["advance_video"]

# What can't be announced by then, the sweeper announces.
_TRIES_TO_ANNOUNCE = 8


async def advance_video(services: Services, video: VideoRef) -> Step:
    """Do all that can be done now; ``done`` when the video is over, else ``wait``.

    Announcements never hold a video up: while it is made they are tried once a phase, and after
    what the provider is asked for.
    """
    with kept_records():
        return await _advance(services, video)


async def _advance(services: Services, video: VideoRef) -> Step:
    record = await services.records.get(video["owner"], video["id"])
    if record is None:
        # An execution that came late, and has died since, may have stored a file after the removal.
        await discard_if_unwanted(services, video["id"], None)
        return done()
    if record.is_final:
        return await _announce_end(services, video, _cause(record))
    if record.submit.job_id is None:
        return await _get_job(services, video, record)
    if record.rendered_at is None:
        return await _watch(services, video, record)
    return await _collect(services, video)


async def _get_job(services: Services, video: VideoRef, record: VideoRecord) -> Step:
    """Prepare the images, then send the request once there is a place for it."""
    if _is_unprepared(video, record):
        tried = _tried(video, Doing.PREPARING)
        step = await _run("prepare_reference", prepare_reference, services, video, tried)
        if step["kind"] == "stop":
            return await _end(services, video, step.get("error"))
    attempt = _tried(video, Doing.SUBMITTING)
    step = await _run("submit_video", submit_video, services, video, attempt)
    if step["kind"] == "stop":
        return await _end(services, video, step.get("error"))
    has_job = step["kind"] == "done"
    if has_job or attempt == 0:
        await _run("publish_events", publish_events, services, video, 0)
    if has_job:
        return {**hold(step.get("seconds", 0.0)), "doing": Doing.RENDERING, "attempt": 0}
    return {**step, "doing": Doing.SUBMITTING, "attempt": attempt + 1}


async def _watch(services: Services, video: VideoRef, record: VideoRecord) -> Step:
    """Look at the job. A place that it has held is given back before its files are fetched,
    however long they take: the provider renders nothing for it any more."""
    attempt = _tried(video, Doing.RENDERING)
    step = await _run("check_video", check_video, services, video, attempt)
    if step["kind"] == "wait":
        return {**step, "holds": True, "doing": Doing.RENDERING, "attempt": attempt + 1}
    holder = held_place(services, record)
    if step["kind"] == "stop":
        release: Release | None = {"deployment": holder, "took": None} if holder else None
        return await _end(services, video, step.get("error"), release)
    if holder is None:
        return await _collect(services, video)
    took = round(services.clock() - (record.submit.submitted_at or record.created_at), 3)
    return {
        **wait(0),
        "doing": Doing.ARCHIVING,
        "attempt": 0,
        "release": {"deployment": holder, "took": took},
    }


async def _collect(services: Services, video: VideoRef) -> Step:
    """Store the files of the finished render, and have them looked at where that is wanted."""
    if video.get("doing") != Doing.JUDGING:
        attempt = _tried(video, Doing.ARCHIVING)
        step = await _run("archive_video", archive_video, services, video, attempt)
        if step["kind"] == "wait":
            return {**step, "doing": Doing.ARCHIVING, "attempt": attempt + 1}
        if step["kind"] == "stop":
            return await _end(services, video, step.get("error"))
    attempt = _tried(video, Doing.JUDGING)
    step = await _judge(services, video, attempt)
    if step["kind"] == "wait":
        return {**step, "doing": Doing.JUDGING, "attempt": attempt + 1}
    return await _end(services, video, step.get("error"))


async def _judge(services: Services, video: VideoRef, attempt: int) -> Step:
    """Have the stored video looked at; most videos are not."""
    record = await services.records.get(video["owner"], video["id"])
    if record is None or record.frame_check is None:
        return done()
    return await _run("judge_video", judge_video, services, video, attempt)


async def _end(
    services: Services,
    video: VideoRef,
    error: dict[str, str] | None,
    release: Release | None = None,
) -> Step:
    """Write the terminal state, and announce it."""
    ending: FinishRequest = {**video, "error": error}
    await _run("finish_video", finish_video, services, ending, 0)
    step = await _announce_end(services, video, error)
    return step if release is None else {**step, "release": release}


async def _announce_end(services: Services, video: VideoRef, error: dict[str, str] | None) -> Step:
    attempt = _tried(video, Doing.FINISHING)
    step = await _run("publish_events", publish_events, services, video, attempt)
    if step["kind"] == "wait" and attempt + 1 < _TRIES_TO_ANNOUNCE:
        return {**step, "doing": Doing.FINISHING, "attempt": attempt + 1}
    return done() if error is None else {**done(), "error": error}


def _tried(video: VideoRef, doing: Doing) -> int:
    """How often this was tried before: the count that came along is that of one phase."""
    return video.get("attempt", 0) if video.get("doing") == doing else 0


def _is_unprepared(video: VideoRef, record: VideoRecord) -> bool:
    """Whether an image is still to be prepared, or what was left over of it to be deleted; not for
    one that is cancelled, or whose request has left."""
    submit = record.submit
    if record.cancel_requested or submit.sending_since is not None:
        return False
    is_first = video.get("doing") == Doing.PREPARING and record.request.needs_preparing
    return is_first or any(item.needs_preparing for item in record.request.inputs)


def _cause(record: VideoRecord) -> dict[str, str] | None:
    error = record.error
    return None if error is None else {"code": error.code, "message": error.message}


async def _run(
    name: str,
    step: Callable[[Services, Any], Awaitable[Step]],
    services: Services,
    video: VideoRef,
    attempt: int,
) -> Step:
    """One of the steps, in a span of its name; the count of its tries is its own."""
    given: VideoRef = {**video, "attempt": attempt}
    with inner_span(name, given):
        answer = await step(services, given)
        end_step(answer)
    return answer
