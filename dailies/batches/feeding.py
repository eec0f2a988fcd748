"""Beginning the shots of a batch whose turn has come: only so many at once, so that a batch never
stands before others' videos, nor before its owner's own."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

from dailies.batches.file import ShotFile
from dailies.batches.making import find_key, find_made, limits_of, make_video
from dailies.batches.progress import Turn
from dailies.engine import Orchestrations
from dailies.intake.accept import Acceptance
from dailies.owners.key import Key
from dailies.protocols.batch.check import KeptShot
from dailies.protocols.batch.shots import PlannedShot, plan_shot
from dailies.services import Services
from dailies.video.basics import VideoError
from dailies.video.batch import Batch, Shot, ShotState, UnderWay
from dailies.video.errors import (
    Conflict,
    Forbidden,
    OverBudget,
    RequestError,
    TooMany,
    Unavailable,
)
from dailies.video.money import to_micros, to_usd
from dailies.video.record import VideoRecord

__all__ = ["feed", "find_begun"]

_MOST_BEGUN = 25
_LONGEST_SECONDS = 10.0
"""Of a turn: an image that is fetched may take long, and those under way are to be looked at."""
_BUSY = "busy"
_GONE = "video_deleted"


async def feed(services: Services, orchestrations: Orchestrations, turn: Turn) -> None:
    """Begin the shots that come next, as far as there is room.

    A budget that does not allow a shot, or a key that is not taken any more, pauses the batch: the
    shots after it would fare no better. What is wrong with one shot alone fails that one.
    """
    batch = turn.batch
    try:
        key = await find_key(services, batch)
    except Forbidden as error:
        turn.pause = VideoError(error.code or "forbidden", error.message)
        return
    until, begun = time.monotonic() + _LONGEST_SECONDS, 0
    async for number, kept in _next(services, batch):
        if len(turn.under_way) >= batch.max_in_progress:
            return
        if begun >= _MOST_BEGUN or time.monotonic() > until:
            turn.has_more = True
            return
        if not await _begin(services, orchestrations, turn, number, kept, key):
            return
        begun += 1
        turn.cursor = number
        turn.again += batch.run > 1
    turn.is_fed = True


async def find_begun(services: Services, turn: Turn) -> list[UnderWay]:
    """The videos that a turn had begun which did not come to say so, of a batch that begins no
    more. The next turn would have gone on from the same place, so they are among those that one
    turn can begin from there."""
    begun: list[UnderWay] = []
    looked = 0
    async for number, kept in _next(services, turn.batch):
        record = await find_made(services, turn.batch, number)
        if record is not None:
            begun.append(_under_way(number, kept, record, micros=None))
            turn.again += turn.batch.run > 1
        looked += 1
        if looked == _MOST_BEGUN:
            break
    turn.is_fed = True
    return begun


async def _next(services: Services, batch: Batch) -> AsyncIterator[tuple[int, KeptShot]]:
    """The shots of this run that come after its cursor."""
    file = ShotFile(services, batch)
    if batch.run == 1:
        async for each in file.after(batch.cursor):
            yield each
        return
    again = services.batches.to_try_again(
        batch.id, run=batch.run, after=batch.cursor, per_page=_MOST_BEGUN + 1
    )
    async for shot in again:
        yield shot.number, await file.get(shot.number)


async def _begin(
    services: Services,
    orchestrations: Orchestrations,
    turn: Turn,
    number: int,
    kept: KeptShot,
    key: Key | None,
) -> bool:
    """Begin one shot, or note why it fails; False where it is not its turn after all."""
    planned: PlannedShot | None = None
    try:
        planned = plan_shot(kept.shot, services.catalogue, limits_of(key))
        turn.pause = _over_limit(turn, planned)
        if turn.pause is not None:
            return False
        accepted = await make_video(
            services, orchestrations, turn.batch, number, kept, planned, key
        )
    except (OverBudget, Forbidden) as error:
        turn.pause = VideoError(error.code or "forbidden", error.message)
        return False
    except (TooMany, Unavailable):
        return False  # at the next turn
    except Conflict as error:
        if error.code == _BUSY:
            return False
        _fail(turn, number, kept, planned, error)
    except RequestError as error:
        _fail(turn, number, kept, planned, error)
    else:
        _note(turn, number, kept, planned, accepted)
    return True


def _over_limit(turn: Turn, planned: PlannedShot) -> VideoError | None:
    limit = turn.batch.limit_usd
    if limit is None:
        return None
    if planned.usd is None:
        return VideoError(
            "price_unknown", "Nobody knows any more what the next shot costs, and there is a limit."
        )
    left = to_micros(limit) - turn.committed_micros
    if to_micros(planned.usd) <= left:
        return None
    return VideoError(
        "batch_limit_reached",
        f"The next shot may cost ${planned.usd:,.2f}, and of the batch's limit of ${limit:,.2f} "
        f"${max(0.0, to_usd(left)):,.2f} is left. Resume it with a higher 'limit_usd', or cancel "
        "it.",
    )


def _note(
    turn: Turn, number: int, kept: KeptShot, planned: PlannedShot, accepted: Acceptance
) -> None:
    micros = None if planned.usd is None else to_micros(planned.usd)
    turn.begins(_under_way(number, kept, accepted.record, micros))


def _under_way(number: int, kept: KeptShot, record: VideoRecord, micros: int | None) -> UnderWay:
    return UnderWay(
        number=number,
        line=kept.line,
        custom_id=kept.shot.custom_id,
        video_id=record.id,
        model=record.request.model,
        micros=micros,
    )


def _fail(
    turn: Turn, number: int, kept: KeptShot, planned: PlannedShot | None, error: RequestError
) -> None:
    is_gone = error.code == _GONE
    turn.ends(
        Shot(
            number=number,
            line=kept.line,
            custom_id=kept.shot.custom_id,
            run=turn.batch.run,
            state=ShotState.CANCELLED if is_gone else ShotState.FAILED,
            model=None if planned is None else planned.plan.model.name,
            error=VideoError(error.code or "invalid_request", error.message),
        )
    )
