"""What needs an operator's eye: videos, deployments and dropped images that do not go on alone.

The alerts tell of the same things as they happen (docs/operations.md); this tells what is so now,
each with what to do. Videos are looked at by what the sweeper goes by, the oldest first, and no
more than so many.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from enum import StrEnum

from dailies.announce.events import due_events
from dailies.pipeline.costs import may_go_on
from dailies.pipeline.crowd import for_each
from dailies.pipeline.pace import typical_seconds
from dailies.pipeline.retirements import WARNING_DAYS
from dailies.routing import health
from dailies.routing.breaker import place_of
from dailies.routing.lifecycle import retirement_of
from dailies.services import Services
from dailies.stores.drops import REJECTED_SECONDS
from dailies.stores.health import State
from dailies.stores.open_videos import OpenVideo
from dailies.video.record import VideoRecord

__all__ = ["MOST_VIDEOS", "Concern", "ConcernKind", "Concerns", "concern_of", "concerns"]

MOST_VIDEOS = 2_000
"""Of those that have something left to do, and as many that ended with a job that may go on."""
_AT_ONCE = 16
_SLOW = 4.0
"""So many times what a render usually takes."""
_LONG_ARCHIVING = 1800.0
_LONG_PUBLISHING = 300.0
_OFTEN_RESTARTED = 2
_LONG_UNANSWERED = 3600.0
_MOST_REJECTED = 100


class ConcernKind(StrEnum):
    """What it is about; the most urgent ones first."""

    UNRESOLVED = "unresolved"
    STUCK = "stuck"
    MAY_BE_PAID = "may_be_paid"
    DEPLOYMENT = "deployment"
    RETIRING = "retiring"
    UNPUBLISHED = "unpublished"
    WAITS_LONG = "waits_long"
    DROP_STALLED = "drop_stalled"
    DROP_REJECTED = "drop_rejected"
    SETTING = "setting"


@dataclass(frozen=True, slots=True)
class Concern:
    """Something to look at.

    Attributes:
        about: the id of a video, or the name of what else it is.
        since: since when it is so, Unix seconds; None where nobody knows.
        remedy: what to do, as a sentence.
        call: the request that does it, or tells more.
    """

    kind: ConcernKind
    about: str
    why: str
    remedy: str
    call: str | None = None
    owner: str | None = None
    since: float | None = None


@dataclass(frozen=True, slots=True)
class Concerns:
    """All that was found; ``complete`` unless there are more videos than were looked at."""

    found: Sequence[Concern]
    complete: bool


async def concerns(services: Services, doubts: Sequence[str] = ()) -> Concerns:
    """What needs an operator's eye now, the most urgent first, and of a kind the oldest.

    Args:
        doubts: what is odd about the settings, a line each.
    """
    open_, all_open = await _videos(services, services.records.open.videos())
    ended, all_ended = await _videos(services, services.records.open.reminders())
    await health.refresh(services, now=True)
    found = [
        *(concern for record in open_ if (concern := concern_of(services, record))),
        *(_may_be_paid(record) for record in ended if record.is_final and may_go_on(record)),
        *_deployments(services),
        *[concern async for concern in _drops(services)],
        *(_setting(doubt) for doubt in doubts),
    ]
    urgency = list(ConcernKind)
    found.sort(key=lambda concern: (urgency.index(concern.kind), concern.since or 0.0))
    return Concerns(found, complete=all_open and all_ended)


def concern_of(services: Services, record: VideoRecord) -> Concern | None:
    """What is wrong with a video that has something left to do, if anything is."""
    now, submit = services.clock(), record.submit
    if record.is_final:
        return _unpublished(record, now)
    if submit.unresolved_since is not None and submit.job_id is None and not submit.given_up:
        return _of(
            record,
            ConcernKind.UNRESOLVED,
            submit.unresolved_since,
            f"The provider did not say whether it took the request ('{submit.deployment}').",
            "Look for the job in the provider's console, then adopt it, allow another create, or "
            "end the video.",
            "resolve",
        )
    slow = _slow(services, record, now)
    if slow is not None:
        remedy = "Read its lines in the log for the reason; stop it if nobody needs it."
        return _of(record, ConcernKind.STUCK, slow[0], slow[1], remedy)
    return _waits(services, record, now)


def _slow(services: Services, record: VideoRecord, now: float) -> tuple[float, str] | None:
    """Since when the video is over its time, and why."""
    settings, submit = services.settings, record.submit
    longest = settings.submit_deadline_seconds
    if record.restarts >= _OFTEN_RESTARTED:
        return record.created_at, f"Its orchestration was started again {record.restarts} times."
    if submit.job_id is None:
        since = record.created_at + min(longest, record.request.expires_after or longest)
        late = now - since > settings.sweep_grace_seconds
        return (since, "It was not sent for as long as it may wait.") if late else None
    if record.rendered_at is not None:
        late = now - record.rendered_at > _LONG_ARCHIVING
        return (record.rendered_at, "Its files have not been stored.") if late else None
    begun = submit.submitted_at or record.created_at
    deployment = services.catalogue.deployment(submit.deployment or "")
    if deployment is None:
        return begun, f"Its deployment '{submit.deployment}' is not in the catalogue any more."
    usual = typical_seconds(services, record, deployment)
    late = now - begun > min(_SLOW * usual, settings.video_deadline_seconds)
    return (begun, f"It renders for longer than the usual {usual:,.0f} seconds.") if late else None


def _waits(services: Services, record: VideoRecord, now: float) -> Concern | None:
    if record.submit.job_id is not None or record.request.expires_after is not None:
        return None
    half = services.settings.submit_deadline_seconds / 2
    if now - record.created_at <= half:
        return None
    return _of(
        record,
        ConcernKind.WAITS_LONG,
        record.created_at,
        "It has waited for a place for half as long as it may.",
        "Ask the provider for more quota, or add a deployment; at the end of its time it fails.",
    )


def _unpublished(record: VideoRecord, now: float) -> Concern | None:
    ended = record.completed_at or record.created_at
    due = due_events(record)
    if not due or now - ended <= _LONG_PUBLISHING:
        return None
    return _of(
        record,
        ConcernKind.UNPUBLISHED,
        ended,
        f"The topic has not taken its events: {', '.join(due)}.",
        "Check that the topic is there and that the app's identity has EventGrid Data Sender; the "
        "sweep sends them again.",
    )


def _may_be_paid(record: VideoRecord) -> Concern:
    submit = record.submit
    return _of(
        record,
        ConcernKind.MAY_BE_PAID,
        record.completed_at,
        f"It has ended, but its job '{submit.job_id}' at '{submit.deployment}' may go on, and be "
        "paid for.",
        "Stop the job in the provider's console, if it runs.",
    )


def _of(
    record: VideoRecord,
    kind: ConcernKind,
    since: float | None,
    why: str,
    remedy: str,
    action: str | None = None,
) -> Concern:
    path = f"/v1/admin/videos/{record.id}"
    call = f"GET {path}" if action is None else f"POST {path}/{action}"
    # One that its owner has deleted while it ran is shown to nobody.
    shown = None if record.is_withdrawn else call
    return Concern(kind, record.id, why, remedy, shown, owner=record.owner, since=since)


async def _videos(
    services: Services, videos: AsyncIterator[OpenVideo]
) -> tuple[list[VideoRecord], bool]:
    """The records of the first of them, and whether those are all."""
    records: list[VideoRecord] = []
    complete = True

    async def some() -> AsyncIterator[OpenVideo]:
        nonlocal complete
        count = 0
        async for video in videos:
            if count == MOST_VIDEOS:
                complete = False
                return
            count += 1
            yield video

    async def read(video: OpenVideo) -> None:
        found = await services.records.read(video.owner, video.id)
        if found is not None:
            records.append(found[0])

    await for_each(some(), read, at_once=_AT_ONCE)
    return records, complete


def _deployments(services: Services) -> Iterator[Concern]:
    today = datetime.fromtimestamp(services.clock(), UTC).date()
    for deployment in services.catalogue.deployments:
        known, name = services.health.known.get(deployment.name), deployment.name
        is_here = known is not None and known.place == place_of(deployment)
        if known is not None and is_here and known.state is not State.WELL:
            yield Concern(
                ConcernKind.DEPLOYMENT,
                name,
                f"It is {known.state}, for '{known.code}'; its videos go elsewhere, or wait.",
                known.remedy or "It is tried again by itself; reset it once it works.",
                f"POST /v1/admin/deployments/{name}/reset",
                since=known.since,
            )
        day = retirement_of(services, deployment)
        if day is not None and (day - today).days <= max(WARNING_DAYS):
            yield Concern(
                ConcernKind.RETIRING,
                name,
                f"Its provider retires it on {day}.",
                "Put another deployment or a fallback into the catalogue, and take it out.",
                "GET /v1/admin/deployments",
                since=datetime.combine(day, time(), UTC).timestamp(),
            )


async def _drops(services: Services) -> AsyncIterator[Concern]:
    now = services.clock()
    longest = services.settings.sidecar_wait_seconds + _LONG_UNANSWERED
    async for drop in services.drops.open_drops():
        if now - drop.since > longest:
            yield Concern(
                ConcernKind.DROP_STALLED,
                drop.blob,
                "This dropped image became neither a video nor a rejection.",
                "Read the lines of accept_drop and reject_drop in the log; without a model or a "
                "topic every image waits.",
                since=drop.since,
            )
    for rejection in await services.drops.rejections(now - REJECTED_SECONDS, most=_MOST_REJECTED):
        yield Concern(
            ConcernKind.DROP_REJECTED,
            rejection.blob,
            f"This dropped image was rejected: {rejection.code}.",
            f"Mend what '{rejection.blob}.error.json' beside it names, and upload it again.",
            since=rejection.at,
        )


def _setting(doubt: str) -> Concern:
    name, _, why = doubt.partition(": ")
    return Concern(ConcernKind.SETTING, name, why, "Set it right, or take it out (azd env set).")
