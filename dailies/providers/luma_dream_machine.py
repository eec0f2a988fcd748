"""Luma's older API, Dream Machine, at ``https://api.lumalabs.ai/dream-machine/v1``: Ray 2.

It has keys of its own, lists its generations and calls back, which Luma's newer API does not.

Sources: Luma's own client (lumaai 1.21), its pages "Errors", "FAQ" (a failed generation is paid
back) and "Callbacks". Nothing here was tried against the living service.

- ``POST /generations/video`` answers with the generation, which repeats the ``request``, with its
  ``callback_url``: ours is one video's alone, and so the mark of a job whose answer was lost.
- ``GET /generations`` lists them by ``limit`` and ``offset``; in which order is not said.
- The call back is a POST of the generation at each change, unsigned.
- ``DELETE /generations/{id}`` deletes a generation; nobody says that it stops one that runs.
- Images are taken by public links only, so none is offered.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from urllib.parse import quote

import httpx

from dailies.providers.answers import moment, text
from dailies.providers.base import Called, Content, Found, Submission
from dailies.providers.classify import Call, classify_job_error
from dailies.providers.declaration import CallerOptions, Help, Provider, Recovery
from dailies.providers.error_text import ErrorText, read_json
from dailies.providers.key_auth import BearerKeyAuth
from dailies.providers.listing import CLOCK_SKEW, Page, candidates, jobs_since
from dailies.providers.outcomes import JobStatus, Kind, Outcome, UpstreamJob
from dailies.providers.refusals import GOES_ON
from dailies.providers.shapes import aspect_ratio, resolution, shape
from dailies.providers.wire import Wire
from dailies.video.basics import Variant

__all__ = ["PROVIDER", "DreamMachine", "parse_job"]

_EXTRAS = frozenset({"concepts", "loop"})
"""What callers may ask of this provider alone, in its own words."""

_STATES = {
    "queued": JobStatus.QUEUED,
    "dreaming": JobStatus.RUNNING,
    "completed": JobStatus.COMPLETED,
    "failed": JobStatus.FAILED,
}
_BLOCKED = "blacklisted words"
_NO_VIDEO = "The provider says that the job is done, and gives no video. Create it again."

_AMBIGUOUS = Outcome(
    Kind.UNKNOWN,
    code="ambiguous_jobs",
    message="The provider lists several jobs that may be this one, without their prompts.",
)

_HELPS = (
    Help(
        "no_credit",
        "Add credit to the Dream Machine account whose key deployment '{deployment}' uses "
        "(lumalabs.ai/dream-machine/api).",
    ),
    Help(
        "invalid_credential",
        "The provider at {endpoint} refused the key. Check that LUMA_DREAM_MACHINE_API_KEY is one "
        "of lumalabs.ai/dream-machine/api; those of platform.lumalabs.ai are for another API.",
    ),
)


class DreamMachine:
    """One deployment, as a ``VideoProvider`` that finds jobs and is told of them."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._generations = f"{wire.url}/generations"

    async def submit(self, submission: Submission) -> Outcome:
        """See ``VideoProvider.submit``."""
        body = _creation(submission)
        request = self._wire.request("POST", f"{self._generations}/video", json_body=body)
        return await self._wire.job(Call.CREATE, request, parse_job, prompt=submission.prompt)

    async def status(self, job_id: str) -> Outcome:
        """See ``VideoProvider.status``."""
        request = self._wire.request("GET", self._url(job_id))
        return await self._wire.job(Call.STATUS, request, parse_job, job_id=job_id)

    def open_content(
        self, job_id: str, variant: Variant
    ) -> AbstractAsyncContextManager[Content | Outcome]:
        """See ``VideoProvider.open_content``."""
        request = self._wire.request("GET", self._url(job_id))
        return self._wire.linked(request, _link, job_id, variant)

    async def cancel(self, job_id: str) -> Outcome:
        """See ``VideoProvider.cancel``. A job that runs is left alone: it would be charged, and
        nothing would tell of it any more."""
        seen = await self.status(job_id)
        if seen.kind is Kind.MISSING:
            return self._wire.told(Call.CANCEL, Outcome(Kind.ACCEPTED, http_status=404), job_id)
        if seen.job is None:
            return seen
        if not seen.job.status.is_final:
            return self._wire.told(Call.CANCEL, GOES_ON, job_id)
        request = self._wire.request("DELETE", self._url(job_id))
        reply = await self._wire.call(Call.CANCEL, request)
        return reply if isinstance(reply, Outcome) else self._wire.cancelled(reply, job_id)

    async def find_submitted(self, submission: Submission, since: float) -> Found:
        """See ``FindsJobs.find_submitted``: by our address, as its request repeats it; without one,
        by what else it repeats."""
        addresses: dict[str, str | None] = {}
        begun = 0

        def page_request(query: Mapping[str, str]) -> httpx.Request:
            nonlocal begun
            begun = int(query.get("after", 0))
            params = {"limit": query["limit"], "offset": str(begun)}
            return self._wire.request("GET", self._generations, params=params)

        def parse_page(document: object) -> Page | None:
            return _page(document, begun, addresses)

        listed = await jobs_since(self._wire, page_request, parse_page, since - CLOCK_SKEW)
        if isinstance(listed, Outcome):
            return Found(listed)
        ours = submission.callback_url
        marked = [job for job in listed if ours is not None and addresses[job.id] == ours]
        if marked:
            return Found(Outcome(Kind.ACCEPTED), marked)
        possible = [job for job in listed if addresses[job.id] is None]
        known, anonymous = candidates(possible, submission, since, self._wire.names)
        if not known and len(anonymous) > 1:
            return Found(_AMBIGUOUS)
        return Found(Outcome(Kind.ACCEPTED), known or anonymous)

    async def called_back(self, headers: Mapping[str, str], body: bytes) -> Called | None:
        """See ``CallsBack.called_back``; nothing is signed."""
        job = parse_job(read_json(body))
        return None if job is None else Called(job.id, job.status.is_final)

    def _url(self, job_id: str) -> str:
        return f"{self._generations}/{quote(job_id, safe='')}"


def parse_job(document: object) -> UpstreamJob | None:
    """The job in a generation; None when it has no id."""
    job_id = text(document.get("id")) if isinstance(document, dict) else None
    if not isinstance(document, dict) or job_id is None:
        return None
    asked = _request(document)
    job = UpstreamJob(
        id=job_id,
        status=_STATES.get((text(document.get("state")) or "").lower(), JobStatus.UNKNOWN),
        created_at=moment(document.get("created_at")),
        model=text(document.get("model")),
        prompt=text(asked.get("prompt")),
        seconds=_seconds(asked.get("duration")),
    )
    match job.status:
        case JobStatus.COMPLETED if _asset(document) is None:
            return replace(
                job, status=JobStatus.FAILED, error_code="no_video", error_message=_NO_VIDEO
            )
        case JobStatus.COMPLETED:
            return replace(job, progress=100)
        case JobStatus.FAILED:
            reason = text(document.get("failure_reason")) or ""
            kind = "moderation" if _BLOCKED in reason.lower() else ""
            why = ErrorText(message=reason, type=kind)
            code, message = classify_job_error(why, job.prompt)
            return replace(job, error_code=code, error_message=message)
    return job


def _creation(submission: Submission) -> dict[str, object]:
    """The body that creates a job."""
    body: dict[str, object] = {
        "generation_type": "video",
        "model": submission.deployment,
        "prompt": submission.prompt,
        "aspect_ratio": aspect_ratio(submission.size),
        "resolution": resolution(submission.size),
        "duration": f"{submission.seconds}s",
    }
    if submission.callback_url is not None:
        body["callback_url"] = submission.callback_url
    return {**body, **submission.options}


def _page(document: object, begun: int, addresses: dict[str, str | None]) -> Page | None:
    """A page of the list; the address that each of its jobs calls is put into ``addresses``."""
    items = document.get("generations") if isinstance(document, dict) else None
    if not isinstance(document, dict) or not isinstance(items, list):
        return None
    jobs = []
    for item in items:
        job = parse_job(item)
        if job is not None:
            jobs.append(job)
            addresses[job.id] = text(_request(item).get("callback_url"))
    more = document.get("has_more")
    return jobs, str(begun + len(items)), more if isinstance(more, bool) else None


def _request(document: Mapping[str, object]) -> Mapping[str, object]:
    """What was asked for, as a generation repeats it."""
    asked = document.get("request")
    return asked if isinstance(asked, dict) else {}


def _seconds(duration: object) -> int | None:
    """``5`` of ``5s``."""
    number = (text(duration) or "").removesuffix("s")
    return int(number) if number.isdecimal() and len(number) < 4 else None


def _asset(document: Mapping[str, object]) -> str | None:
    """The link to the video of a generation."""
    assets = document.get("assets")
    return text(assets.get("video")) if isinstance(assets, dict) else None


def _link(document: object) -> str | None:
    job = parse_job(document)
    if not isinstance(document, dict) or job is None or job.status is not JobStatus.COMPLETED:
        return None
    return _asset(document)


PROVIDER = Provider(
    id="luma-dream-machine",
    adapter=DreamMachine,
    recovery=Recovery.LISTED,
    sends=(),
    says_size=shape,
    key_auth=BearerKeyAuth,
    caller_options=CallerOptions(only=_EXTRAS),
    hosts=(".lumalabs.ai", ".cdn-luma.com"),
    helps=_HELPS,
)
