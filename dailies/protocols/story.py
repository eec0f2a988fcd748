"""One video's whole story, as operators see it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated

from pydantic import BaseModel, Field

from dailies.announce.events import due_events
from dailies.protocols.openai.objects import QueuePlace
from dailies.protocols.overview import OverviewVideo
from dailies.video.basics import Phase
from dailies.video.record import Attempt, StoredFile, VideoRecord

__all__ = ["Answer", "Possible", "Story", "Told", "log_query", "possible", "told"]

_LOG_QUERY = """\
let video = "{id}";
traces
| extend line = parse_json(message)
| where tostring(line.video_id) == video
| project timestamp, event = tostring(line.event), line, operation_Id
| order by timestamp asc
"""


def _is_none(value: object) -> bool:
    return value is None


_Word = Annotated[str | None, Field(exclude_if=_is_none)]


class Happening(BaseModel):
    """Something that happened to the video; ``at`` is in Unix seconds. What is not told is left
    out."""

    at: float
    what: str
    deployment: _Word = None
    provider: _Word = None
    outcome: _Word = Field(default=None, description="What an attempt came to.")
    code: _Word = None
    times: int | None = Field(
        default=None,
        exclude_if=_is_none,
        description="How many attempts in a row came to the same.",
    )


class Job(BaseModel):
    """The job at the provider, by what is known here."""

    id: str | None
    provider: str | None
    deployment: str | None
    attempts: int
    submitted_at: float | None
    end: str | None = Field(description="How it ended, as far as the provider told.")
    charged_usd: float | None = Field(description="What the provider says that it charges.")
    expires_at: float | None = Field(description="Until when the provider has its files.")


class Answer(BaseModel):
    """What the provider answered to a look at the job just now."""

    outcome: str
    status: str | None
    progress: int | None
    code: str | None
    http_status: int | None


class OwnFile(BaseModel):
    """A file of the video in its container; the address holds no token."""

    name: str
    url: str
    content_type: str
    bytes: int
    sha256: str


class Started(BaseModel):
    """An input that the video starts from; ``blob`` is null while it is not stored."""

    role: str
    type: str
    blob: str | None


class Orchestration(BaseModel):
    """The Durable Functions instance."""

    instance_id: str
    state: str | None = Field(description="Null while the engine does not answer.")
    restarts: int


class Announced(BaseModel):
    """The events of the video, by their types without the prefix."""

    published: tuple[str, ...]
    due: tuple[str, ...]


class Possible(BaseModel):
    """Something that an operator can do about the video now."""

    what: str
    call: str


class Told(BaseModel):
    """The parts of a story that the record alone tells."""

    history: list[Happening]
    job: Job
    files: list[OwnFile]
    inputs: list[Started]
    events: Announced


class Story(Told, OverviewVideo):
    """A video with all that is known of it; ``prompt`` only where it was asked for."""

    prompt: str | None
    orchestration: Orchestration
    provider_now: Answer | None = Field(description="Only where it was asked for.")
    queue: QueuePlace | None
    estimated_completion_at: int | None
    trace_id: str | None
    log_query: str = Field(description="For the logs in Application Insights.")
    made_again_of: str | None = Field(description="The failed video that it was made again of.")
    made_again_as: str | None = Field(description="The video that was made of it again.")
    actions: list[Possible]


def told(record: VideoRecord, urls: Mapping[str, str]) -> Told:
    """What the record tells; ``urls`` are the addresses of its files, by name."""
    submit = record.submit
    return Told(
        history=sorted(_history(record), key=lambda happening: happening.at),
        job=Job(
            id=submit.job_id,
            provider=submit.provider,
            deployment=submit.deployment,
            attempts=submit.attempts,
            submitted_at=submit.submitted_at,
            end=submit.job_end,
            charged_usd=submit.charged_usd,
            expires_at=record.upstream_expires_at,
        ),
        files=[_file(name, file, urls[name]) for name, file in record.all_files.items()],
        inputs=[
            Started(role=item.role, type=item.type, blob=item.file.blob if item.file else None)
            for item in record.request.inputs
        ],
        events=Announced(
            published=record.published, due=tuple(kind.value for kind in due_events(record))
        ),
    )


def log_query(video_id: str) -> str:
    """``infra/queries/video.kql`` for this video."""
    return _LOG_QUERY.format(id=video_id)


def possible(record: VideoRecord, *, made_again: bool) -> list[Possible]:
    """What an operator can do about the video now; a failed one is made again once."""
    calls = []
    if record.submit.unresolved_since is not None and not record.is_final:
        calls.append(("Decide what became of its request.", "resolve"))
    if not record.is_final and not record.cancel_requested:
        calls.append(("Stop it, at the provider too.", "cancel"))
    if record.phase is Phase.FAILED and not made_again:
        calls.append(("Make it again, which is paid for again.", "retry"))
    path = f"POST /v1/admin/videos/{record.id}"
    return [Possible(what=what, call=f"{path}/{call}") for what, call in calls]


def _history(record: VideoRecord) -> Iterator[Happening]:
    submit = record.submit
    yield Happening(at=record.created_at, what="accepted")
    for attempt in submit.way:
        yield _sent(attempt)
    for what, at in (
        ("job", submit.submitted_at),
        ("unresolved", submit.unresolved_since),
        ("rendered", record.rendered_at),
    ):
        if at is not None:
            yield Happening(at=at, what=what)
    if record.completed_at is not None:
        code = None if record.error is None else record.error.code
        yield Happening(at=record.completed_at, what=record.phase, code=code)


def _sent(attempt: Attempt) -> Happening:
    return Happening(
        at=attempt.at,
        what="sent",
        deployment=attempt.deployment,
        provider=attempt.provider,
        outcome=attempt.outcome,
        code=attempt.code,
        times=attempt.times,
    )


def _file(name: str, file: StoredFile, url: str) -> OwnFile:
    return OwnFile(
        name=name,
        url=url,
        content_type=file.content_type,
        bytes=file.bytes,
        sha256=file.sha256,
    )
