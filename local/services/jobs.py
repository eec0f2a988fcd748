"""Jobs: what was asked for, and where each stands at a simulated time.

A job's state is a pure function of the job and the time; nothing has to run for it to go on, so a
process that was killed answers after its restart as if it had been there all along.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from local.services.clock import Clock
from local.services.database import Database
from local.services.directives import Directive
from local.services.media.spec import Crop, Input, VideoSpec

LIFETIME = 86_400.0
"""Simulated seconds after which a job and its files are gone."""

Phase = Literal[
    "queued", "running", "completed", "failed", "moderated", "cancelled", "expired", "gone"
]
_TYPICAL_RENDER = 60.0  # simulated seconds for 4 s at 720p
_TYPICAL_PIXELS = 720 * 1280
_QUEUED_SHARE = 0.06  # of the time to the end
# Share of the time to the end, and the progress that is reported from then on.
_PROGRESS = ((0.14, 10), (0.38, 45), (0.62, 72), (0.86, 99))


@dataclass(frozen=True, slots=True)
class Reference:
    """A file that came with the request."""

    bytes: int
    sha256: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Job:
    """One accepted request. ``created_at`` is Unix seconds, ``created_sim`` simulated time;
    ``api`` is the simulated provider, ``details`` what is its own of the request."""

    seq: int
    id: str
    api: str
    kind: str
    deployment: str
    model: str
    prompt: str
    seconds: int
    width: int
    height: int
    created_at: int
    created_sim: float
    authorization: str
    directive: Directive = field(default_factory=Directive)
    caption: str = ""
    note: str = ""
    source_id: str | None = None
    inputs: tuple[Input, ...] = ()
    references: tuple[Reference, ...] = ()
    variants: int = 1
    headers: dict[str, str] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)
    deleted_sim: float | None = None
    cancelled_sim: float | None = None

    @property
    def size(self) -> str:
        """``WIDTHxHEIGHT``."""
        return f"{self.width}x{self.height}"

    @property
    def render_seconds(self) -> float:
        """Simulated seconds from creation to the end, with a jitter that is the job's own."""
        if self.directive.render is not None:
            return self.directive.render
        length = 0.4 + 0.6 * self.seconds / 4
        area = math.sqrt(self.width * self.height / _TYPICAL_PIXELS)
        digest = hashlib.sha256(self.id.encode()).digest()
        jitter = 0.85 + 0.3 * digest[0] / 255
        return _TYPICAL_RENDER * length * area * jitter * (0.7 + 0.3 * self.variants)

    @property
    def due_sim(self) -> float:
        """The simulated time of its end."""
        return self.created_sim + self.render_seconds

    @property
    def expires_sim(self) -> float:
        """The simulated time at which the job and its files vanish."""
        return self.created_sim + LIFETIME

    def spec(self, variant: int = 0) -> VideoSpec:
        """The video to make."""
        return VideoSpec(
            model=self.model,
            caption=self.directive.label or self.caption,
            width=self.width,
            height=self.height,
            seconds=self.seconds,
            note=self.note,
            inputs=self.inputs,
            sound=self.api != "sora-1" and self.details.get("sound") is not False,
            variant=variant,
            still="JPEG" if self.api == "sora-1" else "WEBP",
        )

    def specs(self) -> list[VideoSpec]:
        """The videos to make, one for each variant."""
        return [self.spec(variant) for variant in range(self.variants)]


@dataclass(frozen=True, slots=True)
class State:
    """Where a job stands. ``fraction`` is the share of its time that has passed."""

    phase: Phase
    progress: int
    fraction: float

    @property
    def active(self) -> bool:
        """Whether it takes up one of the deployment's places."""
        return self.phase in ("queued", "running")


NEW = State("queued", 0, 0.0)
"""What the answer to a create says, however fast the job is."""


def state_of(job: Job, sim: float, *, ready: bool) -> State:
    """The state of ``job`` at simulated time ``sim``; ``ready``: its files have been written."""
    if sim >= job.expires_sim or job.deleted_sim is not None:
        return State("gone", 100, 1.0)
    if job.cancelled_sim is not None:
        return _ended("cancelled")
    passed = sim - job.created_sim
    total = job.render_seconds
    fraction = min(1.0, passed / total) if total > 0 else 1.0
    outcome = job.directive.outcome
    over = fraction >= 1.0 and outcome != "stuck" and (ready or outcome != "completed")
    if over:
        return _ended(outcome)
    if fraction < _QUEUED_SHARE:
        return State("queued", 0, fraction)
    progress = max([0, *(value for share, value in _PROGRESS if fraction >= share)])
    return State("running", progress, fraction)


def _ended(outcome: str) -> State:
    match outcome:
        case "completed":
            return State("completed", 100, 1.0)
        case "moderated":
            return State("moderated", 99, 1.0)
        case "cancelled":
            return State("cancelled", 72, 1.0)
        case "expired":
            return State("expired", 99, 1.0)
        case "vanished":
            return State("gone", 99, 1.0)
        case _:
            return State("failed", 72, 1.0)


class JobStore:
    """Every job ever created, in order; in memory, with each change in the database first."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._jobs: dict[str, Job] = {}
        for row in database.rows("SELECT * FROM jobs ORDER BY seq"):
            job = _revive(row["seq"], json.loads(row["body"]), row["deleted_sim"])
            self._jobs[job.id] = job

    def add(self, job: Job) -> Job:
        """Store a new job; its ``seq`` is given here."""
        body = asdict(job)
        del body["seq"], body["deleted_sim"]
        seq = self._database.write(
            "INSERT INTO jobs (id, body) VALUES (?, ?)", job.id, json.dumps(body)
        )
        stored = replace(job, seq=seq)
        self._jobs[job.id] = stored
        return stored

    def get(self, job_id: str) -> Job | None:
        """A job by its id, deleted and expired ones too."""
        return self._jobs.get(job_id)

    def delete(self, job: Job) -> None:
        """The owner deleted it."""
        sim = self._clock.sim()
        self._database.write("UPDATE jobs SET deleted_sim = ? WHERE id = ?", sim, job.id)
        self._jobs[job.id] = replace(job, deleted_sim=sim)

    def cancel(self, job: Job) -> None:
        """Somebody stopped it."""
        stopped = replace(job, cancelled_sim=self._clock.sim())
        body = asdict(stopped)
        del body["seq"], body["deleted_sim"]
        self._database.write("UPDATE jobs SET body = ? WHERE id = ?", json.dumps(body), job.id)
        self._jobs[job.id] = stopped

    def all(self) -> Iterator[Job]:
        """Oldest first."""
        return iter(list(self._jobs.values()))

    def newest(self) -> Iterator[Job]:
        """Newest first."""
        return iter(list(reversed(self._jobs.values())))


def _revive(seq: int, body: dict[str, Any], deleted_sim: float | None) -> Job:
    directive = body.pop("directive")
    directive["variants"] = tuple(directive["variants"])
    inputs = tuple(Input(**{**item, "crop": Crop(**item["crop"])}) for item in body.pop("inputs"))
    references = tuple(Reference(**item) for item in body.pop("references"))
    return Job(
        seq=seq,
        directive=Directive(**directive),
        inputs=inputs,
        references=references,
        deleted_sim=deleted_sim,
        **body,
    )
