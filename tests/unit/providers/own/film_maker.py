"""A provider that no file of the app knows of: the example of ``docs/providers.md``."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from urllib.parse import quote

from pydantic import Field

from dailies.providers.answers import text
from dailies.providers.base import Content, Submission
from dailies.providers.classify import ANY, Answer, Call
from dailies.providers.declaration import Help, Options, Provider, Recovery
from dailies.providers.key_auth import BearerKeyAuth
from dailies.providers.outcomes import JobStatus, Kind, Outcome, UpstreamJob
from dailies.providers.wire import Wire
from dailies.video.basics import Variant

_STATUSES = {
    "waiting": JobStatus.QUEUED,
    "drawing": JobStatus.RUNNING,
    "done": JobStatus.COMPLETED,
    "failed": JobStatus.FAILED,
}


class FilmOptions(Options):
    """``options`` of a deployment: the project that is billed, and how much care is taken."""

    project: str = Field(min_length=1)
    takes: int = Field(default=1, ge=1, le=3)


class FilmMaker:
    """One deployment, as a ``VideoProvider``."""

    def __init__(self, wire: Wire) -> None:
        assert isinstance(wire.options, FilmOptions)  # the declaration says so
        self._wire = wire
        self._options = wire.options

    async def submit(self, submission: Submission) -> Outcome:
        """See ``VideoProvider.submit``."""
        body = {
            "project": self._options.project,
            "takes": self._options.takes,
            "film": submission.deployment,
            "script": submission.prompt,
            "seconds": submission.seconds,
            "size": str(submission.size),
        }
        request = self._wire.request("POST", f"{self._wire.url}/films", json_body=body)
        return await self._wire.job(Call.CREATE, request, _job, prompt=submission.prompt)

    async def status(self, job_id: str) -> Outcome:
        """See ``VideoProvider.status``."""
        request = self._wire.request("GET", self._url(job_id))
        return await self._wire.job(Call.STATUS, request, _job, job_id=job_id)

    def open_content(
        self, job_id: str, variant: Variant
    ) -> AbstractAsyncContextManager[Content | Outcome]:
        """See ``VideoProvider.open_content``."""
        request = self._wire.request("GET", f"{self._url(job_id)}/file")
        return self._wire.content(request, job_id, variant)

    async def cancel(self, job_id: str) -> Outcome:
        """See ``VideoProvider.cancel``."""
        reply = await self._wire.call(Call.CANCEL, self._wire.request("DELETE", self._url(job_id)))
        return reply if isinstance(reply, Outcome) else self._wire.cancelled(reply, job_id)

    def _url(self, job_id: str) -> str:
        return f"{self._wire.url}/films/{quote(job_id, safe='')}"


def _job(document: object) -> UpstreamJob | None:
    film = document if isinstance(document, dict) else {}
    job_id, word = text(film.get("film_id")), text(film.get("state")) or ""
    status = _STATUSES.get(word, JobStatus.UNKNOWN)
    return None if job_id is None else UpstreamJob(job_id, status)


PROVIDER = Provider(
    id="film-maker",
    adapter=FilmMaker,
    recovery=Recovery.NONE,
    options=FilmOptions,
    sends=(),  # a prompt alone
    takes_options=False,
    key_auth=BearerKeyAuth,
    kept_seconds=3 * 86_400,
    answers=(
        Answer(ANY, {402}, None, Kind.REFUSED, "no_credit", "This service has no credit left."),
    ),
    helps=(Help("no_credit", remedy="Buy credit at {endpoint}."),),
)
