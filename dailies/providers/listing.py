"""Reading a provider's list of jobs page by page, and finding the one that was sent."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence

import httpx

from dailies.providers.base import Found, Submission
from dailies.providers.classify import Call
from dailies.providers.error_body import read_json
from dailies.providers.exchange import Exchange
from dailies.providers.outcomes import Job, Kind, Outcome
from dailies.providers.reconcile import CLOCK_SKEW, Names, candidates

__all__ = ["Page", "find_job", "jobs_since"]

Page = tuple[list[Job], str | None, bool | None]
"""The jobs of a page, the cursor of the next one, and whether there is one (None: not told)."""

_PAGE = 100
_MAX_PAGES = 50

_AMBIGUOUS = Outcome(
    Kind.UNKNOWN,
    code="ambiguous_jobs",
    message="The provider lists several jobs that may be this one, without their prompts.",
)
_ENDLESS = Outcome(
    Kind.TRANSIENT,
    code="list_incomplete",
    message="The provider's list of jobs can't be read to its end.",
)


PageRequest = Callable[[Mapping[str, str]], httpx.Request]
"""The request for a page, by its query parameters ``limit`` and ``after``."""


async def find_job(
    exchange: Exchange,
    page_request: PageRequest,
    parse_page: Callable[[object], Page | None],
    *,
    submission: Submission,
    since: float,
    names: Names,
) -> Found:
    """The jobs that may be the submission, as ``VideoProvider.find_submitted`` gives them.

    A search that could not see every job since then is no search: its outcome says so, and it
    gives no jobs. ``UNKNOWN`` is a search that found jobs and can't tell which is ours.
    """
    listed = await jobs_since(exchange, page_request, parse_page, since - CLOCK_SKEW)
    if isinstance(listed, Outcome):
        return Found(listed)
    known, anonymous = candidates(listed, submission, since, names)
    if not known and len(anonymous) > 1:
        return Found(_AMBIGUOUS)
    return Found(Outcome(Kind.ACCEPTED), known or anonymous)


async def jobs_since(
    exchange: Exchange,
    page_request: PageRequest,
    parse_page: Callable[[object], Page | None],
    horizon: float,
) -> list[Job] | Outcome:
    """All jobs created at or after ``horizon`` (Unix seconds), and some older ones; or why the
    list can't be read that far.
    """
    jobs: dict[str, Job] = {}
    after: str | None = None
    for _ in range(_MAX_PAGES):
        query = {"limit": str(_PAGE)} | ({"after": after} if after else {})
        reply = await exchange.call(Call.LIST, page_request(query))
        if isinstance(reply, Outcome):
            return reply
        page = parse_page(read_json(reply.body)) if reply.is_success else None
        if page is None:
            return exchange.classified(Call.LIST, reply)
        found, after, has_more = page
        fresh = [job for job in found if job.id not in jobs]
        jobs.update((job.id, job) for job in fresh)
        if has_more is False or _reaches(found, horizon):
            return list(jobs.values())
        if not fresh or after is None:  # it has no pages, or ignores the cursor
            return exchange.told(Call.LIST, _ENDLESS) if has_more else [*jobs.values()]
    return exchange.told(Call.LIST, _ENDLESS)


def _reaches(page: Sequence[Job], horizon: float) -> bool:
    """Whether all that follows this page is older than ``horizon``: its last job is, and it is
    sorted as asked for (a server may ignore the order)."""
    times = [job.created_at for job in page]
    known = [moment for moment in times if moment is not None]
    descending = all(a >= b for a, b in itertools.pairwise(known))
    return len(known) == len(times) > 0 and descending and known[-1] < horizon
