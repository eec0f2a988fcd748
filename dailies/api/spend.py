"""What a question about spend asks for, and its answer in the format that is wanted."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Literal

from fastapi import Query, Request, Response
from fastapi.responses import JSONResponse

from dailies.api.documents import Answers, answers
from dailies.owners.spend import Interval
from dailies.pipeline.spend import GroupBy, Spending, spent
from dailies.protocols.spend import Spend, spend_csv, spend_of
from dailies.services import Services
from dailies.video.errors import InvalidRequest

__all__ = [
    "First",
    "Format",
    "Group",
    "Last",
    "Limit",
    "SpendInterval",
    "asked_days",
    "in_format",
    "spend_answers",
    "told_spend",
]

_CSV = "text/csv"
_FIRST_YEAR, _LAST_YEAR = 2000, 2999

Group = Annotated[GroupBy, Query(description="What the sums are told by.")]
SpendInterval = Annotated[
    Interval, Query(description="Whether days or months are told apart as well.")
]
First = Annotated[
    str | None,
    Query(alias="from", description="The first day, `2026-11-29`; the first of this month if not."),
]
Last = Annotated[str | None, Query(alias="to", description="The last day; today if not given.")]
Limit = Annotated[int, Query(ge=1, le=100_000, description="So many rows at most.")]
Format = Annotated[
    Literal["json", "csv"] | None,
    Query(description="`csv` also where `Accept` asks for `text/csv`."),
]


def asked_days(first: str | None, last: str | None, now: float) -> tuple[str, str]:
    """The first and the last day of a question.

    Raises:
        InvalidRequest: one is no day, or the last comes before the first.
    """
    ended = datetime.fromtimestamp(now, UTC).date() if last is None else _day(last, "to")
    begins = ended.replace(day=1) if first is None else _day(first, "from")
    if begins > ended:
        raise InvalidRequest(
            f"Invalid 'from': {begins} comes after {ended}, which is 'to'.",
            param="from",
            code="invalid_value",
        )
    return begins.isoformat(), ended.isoformat()


def _day(text: str, param: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = date.min
    if not _FIRST_YEAR <= day.year <= _LAST_YEAR:
        raise InvalidRequest(
            f"Invalid '{param}': give a day like 2026-11-29.", param=param, code="invalid_value"
        )
    return day


async def told_spend(
    services: Services,
    group_by: GroupBy,
    interval: Interval,
    days: tuple[str, str],
    *,
    owner: str | None,
    limit: int,
) -> Spend:
    """What was spent in those days, of one owner or of all."""
    first, last = days

    async def told_by(group: GroupBy) -> Spending:
        return await spent(services, group, first=first, last=last, interval=interval, owner=owner)

    found = await told_by(group_by)
    # A video with two tags is told under each.
    everything = await told_by(GroupBy.OWNER) if group_by is GroupBy.TAG else found
    return spend_of(found, everything, group_by, interval, first, last, limit)


def in_format(request: Request, spend: Spend, wanted: str | None) -> Response:
    """The answer as JSON or CSV."""
    accepts = request.headers.get("accept", "").lower()
    if wanted == "csv" or (wanted is None and _CSV in accepts):
        name = f"spend-by-{spend.group_by}-{spend.first}-{spend.last}.csv"
        return Response(
            spend_csv(spend),
            media_type=_CSV,
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )
    return JSONResponse(spend.model_dump(mode="json", by_alias=True))


def spend_answers(*errors: int) -> Answers:
    """The answers of such a route."""
    documented = answers(*errors)
    return {
        **documented,
        200: {**documented[200], "content": {_CSV: {"schema": {"type": "string"}}}},
    }
