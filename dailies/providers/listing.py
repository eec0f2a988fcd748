"""Finding the job that was sent in a provider's list of jobs, page by page.

To miss a job that was made means paying twice; to take a job that is another's means delivering
the wrong video. So what a provider repeats must agree, and what it leaves out can't speak against
a job, except where that leaves more than one.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence

import httpx

from dailies.providers.answers import text
from dailies.providers.base import Found, Names, Submission
from dailies.providers.classify import Call
from dailies.providers.error_text import read_json
from dailies.providers.outcomes import Kind, Outcome, UpstreamJob
from dailies.providers.wire import Wire
from dailies.video.basics import Operation

__all__ = [
    "CLOCK_SKEW",
    "Page",
    "candidates",
    "choose",
    "find_job",
    "jobs_since",
    "page_of",
    "same_prompt",
]

CLOCK_SKEW = 30.0
"""Seconds by which the provider's clock may be behind ours; its times are whole seconds."""

Page = tuple[list[UpstreamJob], str | None, bool | None]
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


def candidates(
    jobs: Sequence[UpstreamJob], submission: Submission, since: float, names: Names
) -> tuple[list[UpstreamJob], list[UpstreamJob]]:
    """The jobs that agree with the submission, oldest first: those whose prompt agrees, and those
    whose prompt the provider does not repeat."""
    fitting = [
        job
        for job in jobs
        if (job.created_at is None or job.created_at >= since - CLOCK_SKEW)
        and names.fits(job.model, submission.deployment)
        and _same_request(job, submission)
    ]
    fitting.sort(key=lambda job: job.created_at or since)
    wanted = submission.prompt
    known = [job for job in fitting if job.prompt is not None and same_prompt(job.prompt, wanted)]
    return known, [job for job in fitting if job.prompt is None]


def _same_request(job: UpstreamJob, submission: Submission) -> bool:
    if submission.operation is Operation.CREATE:
        return (
            job.source_id is None
            and job.seconds in (None, submission.seconds)
            and job.size in (None, submission.size)
            and job.n_variants in (None, submission.n_variants)
        )
    # The length and size of what is derived are the source's, or the sum of both.
    return job.source_id in (None, submission.source_job_id)


def same_prompt(one: str, other: str) -> bool:
    """Whether two prompts are the same but for white space, and for halves of surrogate pairs:
    those come back as U+FFFD."""
    return _readable(one) == _readable(other)


def _readable(prompt: str) -> list[str]:
    return prompt.encode("utf-16", "surrogatepass").decode("utf-16", "replace").split()


def choose(
    jobs: Sequence[UpstreamJob], submission: Submission, since: float, names: Names
) -> Found:
    """The jobs that may be the submission, of all that a provider lists. ``UNKNOWN``: there are
    some and nothing can tell which is ours."""
    known, anonymous = candidates(jobs, submission, since, names)
    if not known and len(anonymous) > 1:
        return Found(_AMBIGUOUS)
    return Found(Outcome(Kind.ACCEPTED), known or anonymous)


def page_of(parse_job: Callable[[object], UpstreamJob | None]) -> Callable[[object], Page | None]:
    """A reader of pages in OpenAI's form (``data``, ``last_id``, ``has_more``) that gives None for
    a document that is none."""

    def parse_page(document: object) -> Page | None:
        if not isinstance(document, dict) or not isinstance(document.get("data"), list):
            return None
        jobs = [job for item in document["data"] if (job := parse_job(item)) is not None]
        has_more = document.get("has_more")
        last = text(document.get("last_id")) or (jobs[-1].id if jobs else None)
        return jobs, last, has_more if isinstance(has_more, bool) else None

    return parse_page


async def find_job(
    wire: Wire,
    page_request: PageRequest,
    parse_page: Callable[[object], Page | None],
    *,
    submission: Submission,
    since: float,
) -> Found:
    """The jobs that may be the submission, as ``FindsJobs.find_submitted`` gives them.

    A search that could not see every job since then is no search: its outcome says so, and it
    gives no jobs. ``UNKNOWN`` is a search that found jobs and can't tell which is ours.
    """
    listed = await jobs_since(wire, page_request, parse_page, since - CLOCK_SKEW)
    if isinstance(listed, Outcome):
        return Found(listed)
    return choose(listed, submission, since, wire.names)


async def jobs_since(
    wire: Wire,
    page_request: PageRequest,
    parse_page: Callable[[object], Page | None],
    horizon: float,
) -> list[UpstreamJob] | Outcome:
    """All jobs created at or after ``horizon`` (Unix seconds), and some older ones; or why the
    list can't be read that far.
    """
    jobs: dict[str, UpstreamJob] = {}
    after: str | None = None
    for _ in range(_MAX_PAGES):
        query = {"limit": str(_PAGE)} | ({"after": after} if after else {})
        reply = await wire.call(Call.LIST, page_request(query))
        if isinstance(reply, Outcome):
            return reply
        page = parse_page(read_json(reply.body)) if reply.is_success else None
        if page is None:
            return wire.classified(Call.LIST, reply)
        found, after, has_more = page
        fresh = [job for job in found if job.id not in jobs]
        jobs.update((job.id, job) for job in fresh)
        if has_more is False or _reaches(found, horizon):
            return list(jobs.values())
        if not fresh or after is None:  # it has no pages, or ignores the cursor
            return wire.told(Call.LIST, _ENDLESS) if has_more else [*jobs.values()]
    return wire.told(Call.LIST, _ENDLESS)


def _reaches(page: Sequence[UpstreamJob], horizon: float) -> bool:
    """Whether all that follows this page is older than ``horizon``: its last job is, and it is
    sorted as asked for (a server may ignore the order)."""
    times = [job.created_at for job in page]
    known = [moment for moment in times if moment is not None]
    descending = all(a >= b for a, b in itertools.pairwise(known))
    return len(known) == len(times) > 0 and descending and known[-1] < horizon
