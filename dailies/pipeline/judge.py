"""Before anybody gets a finished video: what the guards say of it, where they are asked.

Its files are stored by then and stay, for the operator; one that is withheld ends as a failed video
that names none of them. Repeated at any instant it does no harm but ask again.
"""

from __future__ import annotations

from dailies.engine import Step, VideoRef, done, stop, wait
from dailies.footage.examine import samples
from dailies.guards.base import Refused, Subject, Unsaid, Verdict
from dailies.guards.panel import About
from dailies.intake.guarding import REFUSED, UNAVAILABLE
from dailies.pipeline.endings import CANCELLED
from dailies.pipeline.looking import StoredVideo, looking_place
from dailies.pipeline.noting import noted
from dailies.services import Services
from dailies.telemetry.logs import log_event
from dailies.telemetry.spans import span
from dailies.video.basics import Variant, VideoError
from dailies.video.errors import Busy, LimitReached, UnplayableVideo
from dailies.video.guarding import FrameCheck, GuardRules
from dailies.video.record import StoredFile, VideoRecord

__all__ = ["WITHHELD", "judge_video"]

WITHHELD = frozenset({REFUSED, UNAVAILABLE})
"""The codes of videos that were made, stored, and are given to nobody."""
_LONGEST_WAIT = 86_400.0
"""Seconds that a finished video waits for guards that can't say: it is paid for."""
_LONGEST_PAUSE = 300.0
_LINK_SECONDS = 600
"""For a webhook that looks at the file itself."""


async def judge_video(services: Services, video: VideoRef) -> Step:
    """Ask the guards, once the files are stored; ``done`` when they may be delivered.

    What they can't say is asked again for a day, and then is as the operator wants it to be.
    """
    record = await services.records.get(video["owner"], video["id"])
    if record is None or record.is_final:
        return done()
    if record.cancel_requested:
        return stop(CANCELLED)
    check = record.frame_check
    if check is None or check.passed_at is not None:
        return done()
    since = record.rendered_at or record.created_at
    is_final = services.clock() >= since + _LONGEST_WAIT
    for file in _videos(record):
        try:
            verdict = await _judged(services, record, check.rules, file, is_final=is_final)
        except Busy:
            return _again(services, video)
        except (LimitReached, UnplayableVideo) as error:
            # It would be so again: what nobody can look at, nobody can judge.
            log_event("frames_not_seen", video_id=record.id, reason=str(error))
            if services.guards.fails_open:
                continue
            return stop(_unjudged())
        if isinstance(verdict, Refused):
            return stop(_refused(verdict))
        if isinstance(verdict, Unsaid):
            return stop(_unjudged()) if is_final else _again(services, video)
    now = services.clock()
    passed = check.model_copy(update={"passed_at": now})
    await noted(services, record, lambda current: _with(current, passed))
    return done()


async def _judged(
    services: Services, record: VideoRecord, rules: GuardRules, file: StoredFile, *, is_final: bool
) -> Verdict:
    """What the guards say of a file.

    Raises:
        Busy: no thread came free.
        LimitReached, UnplayableVideo: there are no pictures of it.
    """
    pictures: list[bytes] = []
    if services.guards.look_at_pictures(rules):
        pictures = await _pictures(services, record, file, rules.frames)
    link = None
    if services.guards.follow_links(rules):
        link = await services.files.link(file, seconds=_LINK_SECONDS, filename=f"{record.id}.mp4")

    async def show(_: bool) -> Subject:
        return Subject(
            record.owner,
            record.request.model,
            record.request,
            pictures=pictures,
            video_id=record.id,
            link=link,
        )

    about = About(record.owner, record.request.model, record.id)
    return await services.guards.judge(rules, show, about, is_final=is_final)


async def _pictures(
    services: Services, record: VideoRecord, file: StoredFile, count: int
) -> list[bytes]:
    async with looking_place(services):
        with span("sample_video", attributes={"dailies.video.id": record.id}):
            return await samples(StoredVideo(services.files, file), services.footage, count)


def _videos(record: VideoRecord) -> list[StoredFile]:
    """The file of each video that the job has left."""
    made = record.generations or (record,)
    return [each.files[Variant.VIDEO] for each in made if Variant.VIDEO in each.files]


def _with(record: VideoRecord, check: FrameCheck) -> VideoRecord:
    return record.model_copy(update={"frame_check": check})


def _again(services: Services, video: VideoRef) -> Step:
    pause = services.settings.retry_seconds * 2 ** min(video.get("attempt", 0), 6)
    return wait(min(float(pause), _LONGEST_PAUSE))


def _refused(verdict: Refused) -> VideoError:
    return VideoError(
        REFUSED,
        f"The finished video was refused by this service's content filter ({verdict.category}), "
        "and is withheld. Change the prompt or the image.",
    )


def _unjudged() -> VideoError:
    return VideoError(
        UNAVAILABLE,
        "The video is made, but this service's content filter could not say whether it may be "
        "delivered, so it is withheld. Create it again later.",
    )
