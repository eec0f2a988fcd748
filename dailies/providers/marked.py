"""Finding the job that was sent by the mark of ours that it carries, in a list of numbered pages.

A mark is exact, so nothing else of a job is compared. Only where the list gives a job without any
mark, though such a job could be ours by its time and model, can nobody tell: it is taken for no
proof that ours is not there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import httpx

from dailies.providers.base import Found, Submission
from dailies.providers.listing import CLOCK_SKEW, Page, jobs_since
from dailies.providers.outcomes import Kind, Outcome, UpstreamJob
from dailies.providers.wire import Wire

__all__ = ["MarkedJob", "find_marked"]

_PAGE = 100

_UNMARKED = Outcome(
    Kind.UNKNOWN,
    code="ambiguous_jobs",
    message="The provider lists jobs that may be this one, without the mark that tells.",
)


@dataclass(frozen=True, slots=True)
class MarkedJob:
    """A job of a list, with the mark that the provider repeats; None where it repeats none."""

    job: UpstreamJob
    mark: str | None


async def find_marked(
    wire: Wire,
    page_request: Callable[[int, int], httpx.Request],
    parse_page: Callable[[object], Sequence[MarkedJob] | None],
    *,
    submission: Submission,
    since: float,
) -> Found:
    """The job with the mark ``submission.video_id``, as ``FindsJobs.find_submitted`` gives it.

    Args:
        page_request: the request for a page, by its number (from 1) and the jobs on it.
        parse_page: the jobs on a page; None for a document that is none.
    """
    seen: dict[str, MarkedJob] = {}
    page = 1

    def request(query: object) -> httpx.Request:
        return page_request(page, _PAGE)

    def parse(document: object) -> Page | None:
        nonlocal page
        found = parse_page(document)
        if found is None:
            return None
        seen.update((marked.job.id, marked) for marked in found)
        page += 1
        ours = any(marked.mark == submission.video_id for marked in found)
        # A server may give less than was asked for: only an empty page is surely the last.
        return [marked.job for marked in found], str(page), bool(found) and not ours

    listed = await jobs_since(wire, request, parse, since - CLOCK_SKEW)
    if isinstance(listed, Outcome):
        return Found(listed)
    ours = [marked.job for marked in seen.values() if marked.mark == submission.video_id]
    if not ours and any(_may_be(marked, submission, since, wire) for marked in seen.values()):
        return Found(_UNMARKED)
    return Found(Outcome(Kind.ACCEPTED), ours)


def _may_be(marked: MarkedJob, submission: Submission, since: float, wire: Wire) -> bool:
    """Whether a job without a mark may be the one that was sent."""
    job = marked.job
    late = job.created_at is None or job.created_at >= since - CLOCK_SKEW
    return marked.mark is None and late and wire.names.fits(job.model, submission.deployment)
