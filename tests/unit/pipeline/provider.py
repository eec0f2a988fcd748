"""A provider in memory that counts what it is paid for, and can be told to misbehave."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from dailies.catalogue import Deployment
from dailies.providers.base import NO_NAMES, Called, Content, Found, Submission
from dailies.providers.declaration import Recovery
from dailies.providers.listing import candidates
from dailies.providers.outcomes import JobStatus, Kind, Outcome, UpstreamJob
from dailies.video.basics import Variant
from tests.media import clip_bytes
from tests.unit.pipeline.memory import Point, no_point

__all__ = ["ACCEPT", "LOST", "RESET", "Behaviour", "FakeProvider"]


@dataclass(frozen=True)
class Behaviour:
    """What happens to a create: whether a job is made, and what the caller gets to know."""

    makes_job: bool
    outcome: Outcome | None = None


ACCEPT = Behaviour(makes_job=True)
LOST = Behaviour(True, Outcome(Kind.UNKNOWN, code="unknown_outcome", message="It broke."))
RESET = Behaviour(False, Outcome(Kind.UNKNOWN, code="unknown_outcome", message="It broke."))


class FakeProvider:
    """The provider of all deployments, as a ``VideoProvider`` and the ``Adapters`` that give it."""

    def __init__(self, clock: Callable[[], float], point: Point = no_point) -> None:
        self.clock = clock
        self.point = point
        self.jobs: dict[str, UpstreamJob] = {}
        self.submissions: list[Submission] = []
        self.cancelled: list[str] = []
        self.behaviours: list[Behaviour] = []
        self.list_answers: list[Outcome] = []
        self.cancel_answers: list[Outcome] = []
        self.statuses: dict[str, list[Outcome]] = {}
        self.files: dict[Variant, Content | Outcome] = {}
        self.timeout = float("inf")
        self.grade = Recovery.LISTED
        self.keyed: dict[str, str] = {}

    def adapter(self, deployment: Deployment) -> FakeProvider:
        return self

    def recovery(self, deployment: Deployment) -> Recovery:
        return self.grade

    def calls_back(self, deployment: Deployment) -> bool:
        return self.grade is Recovery.CALLED_BACK

    async def called_back(self, headers: Mapping[str, str], body: bytes) -> Called | None:
        return Called(body.decode()) if body else None

    async def submit(self, submission: Submission) -> Outcome:
        began = self.clock()
        await self.point("create begins")
        if self.clock() - began > self.timeout:
            raise TimeoutError  # as the caller's own limit does, in its time
        self.submissions.append(submission)
        behaviour = self.behaviours.pop(0) if self.behaviours else ACCEPT
        job = self._make(submission) if behaviour.makes_job else None
        await self.point("create ended")
        if self.clock() - began > self.timeout:
            raise TimeoutError
        return behaviour.outcome or Outcome(Kind.ACCEPTED, job=job, http_status=200)

    async def find_submitted(self, submission: Submission, since: float) -> Found:
        await self.point("list begins")
        if self.list_answers:
            answer = self.list_answers.pop(0)
            if answer.kind is not Kind.ACCEPTED:
                return Found(answer)
        # Deployments are at endpoints of their own, and each lists what was made there.
        here = [job for job in self.jobs.values() if job.model == submission.deployment]
        known, _ = candidates(here, submission, since, NO_NAMES)
        await self.point("list ended")
        return Found(Outcome(Kind.ACCEPTED), known)

    async def status(self, job_id: str) -> Outcome:
        await self.point("status begins")
        scripted = self.statuses.get(job_id) or self.statuses.get("*")
        if scripted:
            return scripted.pop(0) if len(scripted) > 1 else scripted[0]
        if job_id not in self.jobs:
            return Outcome(Kind.MISSING, code="job_not_found", http_status=404)
        done = replace(self.jobs[job_id], status=JobStatus.COMPLETED, progress=100)
        return Outcome(Kind.ACCEPTED, job=done)

    @asynccontextmanager
    async def open_content(self, job_id: str, variant: Variant) -> AsyncIterator[Content | Outcome]:
        await self.point(f"content {variant} begins")
        yield self.files.get(variant) or _content(variant)

    async def cancel(self, job_id: str) -> Outcome:
        await self.point("cancel begins")
        self.cancelled.append(job_id)
        answer = self.cancel_answers.pop(0) if self.cancel_answers else Outcome(Kind.ACCEPTED)
        await self.point("cancel ended")
        return answer

    async def close(self) -> None:
        pass

    def _make(self, submission: Submission) -> UpstreamJob:
        if self.grade is Recovery.KEYED and submission.video_id in self.keyed:
            return self.jobs[self.keyed[submission.video_id]]
        job = UpstreamJob(
            id=f"video_job_{len(self.jobs)}",
            status=JobStatus.QUEUED,
            created_at=float(int(self.clock())),
            model=submission.deployment,
            prompt=submission.prompt,
            seconds=submission.seconds,
            size=submission.size,
        )
        self.jobs[job.id] = job
        self.keyed[submission.video_id] = job.id
        return job


def _content(variant: Variant) -> Content:
    media = {"video": "video/mp4", "thumbnail": "image/webp", "spritesheet": "image/jpeg"}
    # Archived videos are decoded.
    data = clip_bytes() if variant is Variant.VIDEO else f"the bytes of {variant}".encode()
    return Content(content_type=media[variant.value], length=len(data), chunks=chunks(data))


async def chunks(*pieces: bytes) -> AsyncIterator[bytes]:
    """A body that comes in these pieces."""
    for piece in pieces:
        yield piece
