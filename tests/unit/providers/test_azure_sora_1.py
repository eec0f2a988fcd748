"""Sora 1's jobs API on the wire."""

from __future__ import annotations

import email
import email.policy
import json
from collections.abc import AsyncIterator, Callable
from email.message import EmailMessage

import httpx
import pytest
from azure.core.exceptions import ServiceRequestError

from dailies.providers.azure_sora_1 import AzureSora1
from dailies.providers.base import Content, InputFile, Submission
from dailies.providers.outcomes import JobStatus, Kind, Outcome
from dailies.video.basics import Operation, Size, Variant
from dailies.video.framing import CropBounds
from tests.unit.providers.conftest import ENDPOINT, Upstream, wire

SUBMISSION = Submission("sora-eu", "a cat in the rain", 5, Size(480, 480), n_variants=4)
ROOT = f"{ENDPOINT}/openai/v1/video/generations"


@pytest.fixture
def sora(upstream: Upstream) -> AzureSora1:
    return AzureSora1(wire(upstream.client, "sora-eu"))


def job(**fields: object) -> dict[str, object]:
    return {
        "object": "video.generation.job",
        "id": "task_1",
        "status": "queued",
        "created_at": 1_780_000_000,
        "finished_at": None,
        "expires_at": 1_780_086_400,
        "generations": [],
        "prompt": "a cat in the rain",
        "model": "sora-eu",
        "n_variants": 4,
        "n_seconds": 5,
        "height": 480,
        "width": 480,
        "failure_reason": None,
    } | fields


def source(
    data: bytes, *, claims: int | None = None, fault: Exception | None = None
) -> tuple[int, Callable[[], AsyncIterator[bytes]]]:
    async def read() -> AsyncIterator[bytes]:
        yield data
        if fault is not None:
            raise fault

    return len(data) if claims is None else claims, read


def clip(data: bytes = b"\0\0\0\x18ftypmp42", **source_fields: object) -> InputFile:
    length, read = source(data, **source_fields)  # type: ignore[arg-type] # named as in source
    crop = CropBounds(0.1, 0.2, 0.9, 0.8)
    return InputFile(length, "video/mp4", read, type="video", frame_index=7, crop=crop)


def parts_of(request: httpx.Request) -> dict[str, EmailMessage]:
    """The parts of a form, by name, as a mail parser reads them."""
    head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
    message = email.message_from_bytes(head + request.content, policy=email.policy.default)
    found: dict[str, EmailMessage] = {}
    for part in message.iter_parts():
        assert isinstance(part, EmailMessage)
        found[str(part.get_param("name", header="content-disposition"))] = part
    return found


async def test_a_prompt_is_sent_as_json(sora: AzureSora1, upstream: Upstream) -> None:
    upstream.says(httpx.Response(201, json=job()))
    outcome = await sora.submit(SUBMISSION)
    assert outcome.kind is Kind.ACCEPTED
    assert outcome.job is not None
    assert (outcome.job.id, outcome.job.status) == ("task_1", JobStatus.QUEUED)
    assert (upstream.last.method, str(upstream.last.url)) == (
        "POST",
        f"{ROOT}/jobs?api-version=preview",
    )
    assert upstream.last.headers["api-key"] == "the-key"
    assert upstream.last_json == {
        "model": "sora-eu",
        "prompt": "a cat in the rain",
        "width": 480,
        "height": 480,
        "n_seconds": 5,
        "n_variants": 4,
    }


async def test_files_are_streamed_in_a_form_of_known_length(
    sora: AzureSora1, upstream: Upstream
) -> None:
    seen: list[httpx.Request] = []

    async def answer(request: httpx.Request) -> httpx.Response:
        await request.aread()
        seen.append(request)
        return httpx.Response(201, json=job())

    client = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    async with client:
        sora = AzureSora1(wire(client, "sora-eu"))
        submission = Submission(
            "sora-eu", "Straße \ud83c", 10, Size(1920, 1080), inputs=(clip(b"the clip"),)
        )
        assert (await sora.submit(submission)).kind is Kind.ACCEPTED
    [request] = seen
    assert int(request.headers["content-length"]) == len(request.content)
    assert "transfer-encoding" not in request.headers
    parts = parts_of(request)
    text = {name: part.get_payload(decode=True) for name, part in parts.items()}
    assert text["width"] == b"1920"
    assert text["n_seconds"] == b"10"
    assert text["n_variants"] == b"1"
    assert text["prompt"] == "Straße ?".encode()
    assert text["files"] == b"the clip"
    assert parts["files"].get_filename() == "input-1.mp4"
    assert parts["files"].get_content_type() == "video/mp4"
    assert json.loads(parts["inpaint_items"].get_content()) == [
        {
            "frame_index": 7,
            "type": "video",
            "file_name": "input-1.mp4",
            "crop_bounds": {
                "left_fraction": 0.1,
                "top_fraction": 0.2,
                "right_fraction": 0.9,
                "bottom_fraction": 0.8,
            },
        }
    ]


@pytest.mark.parametrize(
    "broken",
    [clip(fault=ServiceRequestError("storage is away")), clip(b"short", claims=9)],
    ids=["storage", "length"],
)
async def test_a_form_that_storage_broke_off_was_surely_not_taken(broken: InputFile) -> None:
    async def answer(request: httpx.Request) -> httpx.Response:
        await request.aread()
        return httpx.Response(201, json=job())

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        sora = AzureSora1(wire(client, "sora-eu"))
        outcome = await sora.submit(Submission("s", "p", 5, Size(480, 480), inputs=(broken,)))
    assert (outcome.kind, outcome.code) == (Kind.TRANSIENT, "input_unavailable")


async def test_a_form_is_sent_again_from_its_beginning() -> None:
    bodies: list[bytes] = []

    async def answer(request: httpx.Request) -> httpx.Response:
        bodies.append(await request.aread())
        return httpx.Response(201, json=job())

    class Twice(httpx.Auth):
        async def async_auth_flow(self, request: httpx.Request):  # type: ignore[no-untyped-def] # httpx's generator
            yield request
            yield request

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        sora = AzureSora1(wire(client, "sora-eu", auth=Twice()))
        await sora.submit(Submission("s", "p", 5, Size(480, 480), inputs=(clip(),)))
    assert len(bodies) == 2
    assert bodies[0] == bodies[1]


@pytest.mark.parametrize("operation", [Operation.REMIX, Operation.EDIT, Operation.EXTEND])
async def test_nothing_is_derived(
    sora: AzureSora1, upstream: Upstream, operation: Operation
) -> None:
    outcome = await sora.submit(
        Submission("s", "p", 5, Size(480, 480), operation, source_job_id="task_9")
    )
    assert (outcome.kind, outcome.code) == (Kind.REFUSED, "unsupported_operation")
    assert upstream.requests == []


@pytest.mark.parametrize(
    ("word", "status", "progress"),
    [
        ("queued", JobStatus.QUEUED, 0),
        ("preprocessing", JobStatus.RUNNING, 2),
        ("running", JobStatus.RUNNING, 10),
        ("processing", JobStatus.RUNNING, 90),
        ("cancelled", JobStatus.CANCELLED, 0),
        ("dreaming", JobStatus.UNKNOWN, 0),
    ],
)
async def test_the_words_of_a_job(
    sora: AzureSora1, upstream: Upstream, word: str, status: JobStatus, progress: int
) -> None:
    upstream.says(httpx.Response(200, json=job(status=word)))
    outcome = await sora.status("task_1")
    assert outcome.job is not None
    assert (outcome.job.status, outcome.job.progress) == (status, progress)
    assert str(upstream.last.url) == f"{ROOT}/jobs/task_1?api-version=preview"


async def test_a_job_that_succeeded_names_its_generations(
    sora: AzureSora1, upstream: Upstream
) -> None:
    made = [{"object": "video.generation", "id": f"gen_{n}"} for n in range(4)]
    upstream.says(httpx.Response(200, json=job(status="succeeded", generations=made)))
    found = (await sora.status("task_1")).job
    assert found is not None
    assert found.status is JobStatus.COMPLETED
    assert found.generations == ("gen_0", "gen_1", "gen_2", "gen_3")
    assert (found.seconds, found.size, found.n_variants) == (5, Size(480, 480), 4)


async def test_a_job_that_succeeded_with_nothing_has_failed(
    sora: AzureSora1, upstream: Upstream
) -> None:
    upstream.says(httpx.Response(200, json=job(status="succeeded")))
    found = (await sora.status("task_1")).job
    assert found is not None
    assert (found.status, found.error_code) == (JobStatus.FAILED, "no_generations")
    assert found.is_done_for_nothing


@pytest.mark.parametrize(
    ("reason", "code", "says"),
    [
        ("input_moderation", "moderation_blocked", "(input_moderation)"),
        ("output_moderation", "moderation_blocked", "(output_moderation)"),
        ("internal_error", "internal_error", "'internal_error'"),
        ("it broke, sorry", "generation_failed", "no reason"),
        (None, "generation_failed", "no reason"),
    ],
)
async def test_why_a_job_failed(
    sora: AzureSora1, upstream: Upstream, reason: str | None, code: str, says: str
) -> None:
    upstream.says(httpx.Response(200, json=job(status="failed", failure_reason=reason)))
    found = (await sora.status("task_1")).job
    assert found is not None
    assert (found.status, found.error_code, found.failure_reason) == (
        JobStatus.FAILED,
        code,
        reason,
    )
    assert says in (found.error_message or "")


@pytest.mark.parametrize("wrapped", [False, True])
async def test_both_error_envelopes_are_read(
    sora: AzureSora1, upstream: Upstream, wrapped: bool
) -> None:
    error = {
        "code": "contentFilter",
        "message": "Your request was rejected.",
        "inner_error": {"code": "ResponsibleAIPolicyViolation", "revised_prompt": "x"},
    }
    upstream.says(httpx.Response(400, json={"error": error} if wrapped else error))
    outcome = await sora.submit(SUBMISSION)
    assert (outcome.kind, outcome.code) == (Kind.REFUSED, "content_filter")


@pytest.mark.parametrize(
    ("status", "kind"),
    [(429, Kind.THROTTLED), (401, Kind.UNAUTHORISED), (410, Kind.RETIRED), (500, Kind.UNKNOWN)],
)
async def test_a_create_that_is_refused(
    sora: AzureSora1, upstream: Upstream, status: int, kind: Kind
) -> None:
    upstream.says(httpx.Response(status, json={"code": "x", "message": "no"}))
    assert (await sora.submit(SUBMISSION)).kind is kind


async def test_a_lost_job_is_found_in_the_list(sora: AzureSora1, upstream: Upstream) -> None:
    others = [
        job(id="task_2", n_variants=1),
        job(id="task_3", width=720, height=720),
        job(id="task_4", prompt="a dog"),
    ]
    first = {"object": "list", "data": others, "has_more": True, "last_id": "task_4"}
    second = {"object": "list", "data": [job(id="task_5")], "has_more": False}
    upstream.says(httpx.Response(200, json=first), httpx.Response(200, json=second))
    found = await sora.find_submitted(SUBMISSION, 1_780_000_000)
    assert found.outcome.kind is Kind.ACCEPTED
    assert [job.id for job in found.jobs] == ["task_5"]
    query = upstream.last.url.params
    assert (query["after"], query["limit"], query["api-version"]) == ("task_4", "100", "preview")


async def test_a_generation_s_video_and_thumbnail(sora: AzureSora1, upstream: Upstream) -> None:
    upstream.says(
        httpx.Response(200, content=b"\0\0\0\x18ftyp", headers={"content-type": "video/mp4"}),
        httpx.Response(200, content=b"\xff\xd8\xff", headers={"content-type": "image/jpg"}),
    )
    async with sora.open_content("gen_1", Variant.VIDEO) as video:
        assert isinstance(video, Content)
        assert b"".join([chunk async for chunk in video.chunks]) == b"\0\0\0\x18ftyp"
    async with sora.open_content("gen_1", Variant.THUMBNAIL) as picture:
        assert isinstance(picture, Content)
        assert picture.content_type == "image/jpeg"
    paths = [request.url.path.partition("generations/")[2] for request in upstream.requests]
    assert paths == ["gen_1/content/video", "gen_1/content/thumbnail"]


async def test_there_is_no_spritesheet(sora: AzureSora1, upstream: Upstream) -> None:
    async with sora.open_content("gen_1", Variant.SPRITESHEET) as nothing:
        assert isinstance(nothing, Outcome)
        assert nothing.kind is Kind.MISSING
    assert upstream.requests == []


@pytest.mark.parametrize(
    ("status", "kind"), [(204, Kind.ACCEPTED), (404, Kind.ACCEPTED), (500, Kind.TRANSIENT)]
)
async def test_deleting_a_job(
    sora: AzureSora1, upstream: Upstream, status: int, kind: Kind
) -> None:
    upstream.says(httpx.Response(status))
    assert (await sora.cancel("task_1")).kind is kind
    assert upstream.last.method == "DELETE"
