"""The adapter for any server of OpenAI's videos protocol: each of its dialects on the wire."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from dailies.net.downloads import Downloads
from dailies.providers.base import Content, Reference, Submission
from dailies.providers.classify import CallContext
from dailies.providers.openai_videos import PROVIDER, OpenAIVideos, VideosOptions
from dailies.providers.openai_videos_body import settable
from dailies.providers.outcomes import JobStatus, Kind, Outcome
from dailies.providers.wire import Wire
from dailies.video.basics import Operation, Size, Variant
from tests.unit.providers.conftest import Upstream, job, page, parts, text

ENDPOINT = "http://gpu.example:8000"
SIZE = Size(1280, 720)
SUBMISSION = Submission("wan-2.2", "a cat in the rain", 4, SIZE, video_id="video_ours")
PNG = Reference(b"\x89PNG\r\n\x00", "image/png", SIZE)
JPEG = Reference(b"\xff\xd8\xff", "image/jpeg", SIZE)

VLLM_OMNI = {
    "multipart_only": True,
    "send_variant": False,
    "jobs_in_memory": True,
    "names": {"sound": "generate_sound"},
}
SGLANG = {
    "seconds_type": "number",
    "send_variant": False,
    "cancel_stops": False,
    "jobs_in_memory": True,
    "lists_as_made": True,
}

Build = Callable[..., OpenAIVideos]


@pytest.fixture
def adapter(upstream: Upstream) -> Build:
    def build(options: dict[str, Any] | None = None, *, endpoint: str = ENDPOINT) -> OpenAIVideos:
        given = VideosOptions.model_validate(options or {})
        transport = httpx.MockTransport(upstream._answer)
        wire = Wire(
            upstream.client,
            httpx.Auth(),
            CallContext(
                "gpu.example:8000",
                "wan-2.2",
                answers=PROVIDER.answers,
                remedies={help_.code: help_.remedy for help_ in PROVIDER.helps},
            ),
            url=endpoint,
            options=given,
            downloads=Downloads(("gpu.example", *given.download_hosts), transport=transport),
        )
        return OpenAIVideos(wire)

    return build


async def fetched(adapter: OpenAIVideos, variant: Variant = Variant.VIDEO) -> bytes | Outcome:
    async with adapter.open_content("video_1", variant) as content:
        if isinstance(content, Content):
            return b"".join([chunk async for chunk in content.chunks])
        return content


# -- what is sent


async def test_a_create_is_openais_own_unless_told_otherwise(
    upstream: Upstream, adapter: Build
) -> None:
    upstream.says(httpx.Response(200, json=job()))
    outcome = await adapter().submit(SUBMISSION)

    assert outcome.kind is Kind.ACCEPTED
    assert str(upstream.last.url) == f"{ENDPOINT}/v1/videos"
    assert upstream.last.headers["idempotency-key"] == "video_ours"
    assert upstream.last_json == {
        "model": "wan-2.2",
        "prompt": "a cat in the rain",
        "size": "1280x720",
        "seconds": "4",
    }


async def test_a_server_may_want_seconds_as_a_number(upstream: Upstream, adapter: Build) -> None:
    upstream.says(httpx.Response(200, json=job()))
    await adapter(SGLANG).submit(SUBMISSION)

    body = upstream.last_json
    assert isinstance(body, dict)
    assert body["seconds"] == 4


async def test_a_server_may_want_forms_alone(upstream: Upstream, adapter: Build) -> None:
    upstream.says(httpx.Response(200, json=job()))
    await adapter(
        {**VLLM_OMNI, "fixed": {"num_inference_steps": 40, "lora": {"name": "x"}}}
    ).submit(
        Submission("wan-2.2", "eine Straße 🌧", 4, SIZE, seed=7, negative_prompt="blur", sound=True)
    )

    assert {name: text(part) for name, part in parts(upstream.last).items()} == {
        "model": "wan-2.2",
        "prompt": "eine Straße 🌧",
        "size": "1280x720",
        "seconds": "4",
        "seed": "7",
        "negative_prompt": "blur",
        "generate_sound": "true",
        "num_inference_steps": "40",
        "lora": '{"name": "x"}',
    }
    assert not any(part.get_filename() for part in parts(upstream.last).values())
    assert "idempotency-key" not in upstream.last.headers  # it has no id of ours


async def test_a_model_may_count_frames_and_want_a_ratio(
    upstream: Upstream, adapter: Build
) -> None:
    upstream.says(httpx.Response(200, json=job()))
    options = {"frames": {"fps": 16, "more": 1}, "names": {"aspect_ratio": "aspect_ratio"}}
    await adapter(options).submit(Submission("h3", "p", 5, Size(1344, 768)))
    body = upstream.last_json
    assert isinstance(body, dict)
    assert (body["fps"], body["num_frames"], body["seconds"]) == (16, 81, "5")
    assert (body["aspect_ratio"], body["size"]) == ("16:9", "1344x768")


async def test_a_first_frame_goes_as_a_file(upstream: Upstream, adapter: Build) -> None:
    upstream.says(httpx.Response(200, json=job()))
    await adapter(SGLANG).submit(Submission("wan-2.2", "p", 4, SIZE, reference=PNG))

    fields = parts(upstream.last)
    assert fields["input_reference"].get_filename() == "reference.png"
    assert fields["input_reference"].get_payload(decode=True) == PNG.data
    assert text(fields["seconds"]) == "4"


@pytest.mark.parametrize(
    "images",
    [
        {"reference": PNG, "last_frame": JPEG},
        {"references": (PNG, JPEG)},
    ],
)
async def test_several_images_go_in_order(
    upstream: Upstream, adapter: Build, images: dict[str, Any]
) -> None:
    upstream.says(httpx.Response(200, json=job()))
    await adapter({**VLLM_OMNI, "images": "input_references"}).submit(
        Submission("h3", "p", 4, SIZE, **images)
    )

    body = upstream.last.content
    assert body.count(b'name="input_references"; filename="reference.') == 2
    assert body.index(PNG.data) < body.index(JPEG.data)


async def test_a_caller_sets_only_what_the_operator_names(
    upstream: Upstream, adapter: Build
) -> None:
    upstream.says(httpx.Response(200, json=job()))
    build = adapter({"caller_options": ["guidance_scale"]})
    await build.submit(Submission("wan-2.2", "p", 4, SIZE, options={"guidance_scale": 4.5}))
    body = upstream.last_json
    assert isinstance(body, dict)
    assert body["guidance_scale"] == 4.5

    rule = settable(VideosOptions(caller_options=("guidance_scale",)))
    assert rule.only == ("guidance_scale",)
    assert settable(VideosOptions()).only == ()


@pytest.mark.parametrize(
    "options",
    [
        {"fixed": {"prompt": "always this"}},
        {"caller_options": ["size"]},
        {"names": {"seed": "model"}},
        {"path": "v1/videos"},
        {"path": "/v1/videos?x=1"},
        {"file_hosts": ["https://files.example"]},
        {"seconds_type": "words"},
    ],
)
def test_options_that_no_server_has_are_told(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        VideosOptions.model_validate(options)


@pytest.mark.parametrize(
    ("endpoint", "path", "url"),
    [
        ("http://gpu:8000", "/v1/videos", "http://gpu:8000/v1/videos"),
        ("http://gpu:8000/", "/v1/videos", "http://gpu:8000/v1/videos"),
        ("http://gpu:8000/v1", "/v1/videos", "http://gpu:8000/v1/videos"),
        ("http://gpu:8000/v1/videos/", "/v1/videos", "http://gpu:8000/v1/videos"),
        ("https://lb.example/wan", "/v1/videos", "https://lb.example/wan/v1/videos"),
        ("https://a.example/openai", "/openai/v1/videos", "https://a.example/openai/v1/videos"),
    ],
)
async def test_the_endpoint_may_have_a_part_of_the_path(
    upstream: Upstream, adapter: Build, endpoint: str, path: str, url: str
) -> None:
    upstream.says(httpx.Response(200, json=job()))
    await adapter({"path": path}, endpoint=endpoint).submit(SUBMISSION)

    assert str(upstream.last.url) == url


# -- what a create is answered with


@pytest.mark.parametrize(
    ("status", "body", "kind", "code"),
    [
        (
            400,
            {"detail": "Model mismatch: request specifies 'a' but server is running 'b'."},
            Kind.REFUSED,
            "deployment_not_found",
        ),
        (
            409,
            {
                "detail": "Asynchronous video jobs is not supported with --api-server-count > 1 "
                "because the operation uses process-local frontend state"
            },
            Kind.REFUSED,
            "server_misconfigured",
        ),
        (409, {"detail": "busy"}, Kind.UNKNOWN, "unknown_outcome"),
        (500, {"detail": "CUDA out of memory"}, Kind.UNKNOWN, "unknown_outcome"),
        (503, {"detail": "Loading"}, Kind.UNKNOWN, "unknown_outcome"),
        (401, {"error": "Unauthorized"}, Kind.UNAUTHORISED, "invalid_credential"),
        (429, {"detail": "Too many requests"}, Kind.THROTTLED, "rate_limit"),
    ],
)
async def test_refusals_of_a_create(
    upstream: Upstream, adapter: Build, status: int, body: object, kind: Kind, code: str
) -> None:
    upstream.says(httpx.Response(status, json=body))
    outcome = await adapter(VLLM_OMNI).submit(SUBMISSION)

    assert (outcome.kind, outcome.code) == (kind, code)
    if kind is Kind.REFUSED:
        assert "gpu.example:8000" in (outcome.remedy or "")
        assert "gpu.example" not in (outcome.message or "")


async def test_what_fastapi_finds_wrong_names_the_field(upstream: Upstream, adapter: Build) -> None:
    where = {"type": "int_parsing", "loc": ["body", "seconds"], "msg": "Input should be an integer"}
    upstream.says(httpx.Response(422, json={"detail": [{**where, "input": "a cat in the rain"}]}))
    outcome = await adapter(VLLM_OMNI).submit(SUBMISSION)

    assert (outcome.kind, outcome.param) == (Kind.REFUSED, "seconds")
    assert "body.seconds: Input should be an integer" in (outcome.message or "")
    assert "a cat" not in f"{outcome.message}{outcome.detail}"


# -- how a job is doing


@pytest.mark.parametrize("status", [400, 422, 500])
async def test_a_failed_job_may_come_with_the_status_of_its_failure(
    upstream: Upstream, adapter: Build, status: int
) -> None:
    failed = job(status="failed", error={"code": status, "message": "CUDA out of memory"})
    upstream.says(httpx.Response(status, json=failed))
    outcome = await adapter(VLLM_OMNI).status("video_1")

    assert outcome.kind is Kind.ACCEPTED
    assert outcome.job is not None
    assert outcome.job.status is JobStatus.FAILED
    assert outcome.job.error_code == "generation_failed"
    assert "CUDA out of memory" in (outcome.job.error_message or "")


async def test_a_job_that_a_restart_lost_has_failed(upstream: Upstream, adapter: Build) -> None:
    upstream.says(httpx.Response(404, json={"detail": "Video not found"}))
    lost = await adapter(VLLM_OMNI).status("video_1")
    assert lost.job is not None
    assert (lost.kind, lost.job.status, lost.job.error_code) == (
        Kind.ACCEPTED,
        JobStatus.FAILED,
        "job_lost",
    )
    assert (await adapter().status("video_1")).kind is Kind.MISSING


@pytest.mark.parametrize("body", [b"default backend - 404", b"<html>404</html>", b""])
async def test_a_404_that_is_no_word_of_the_servers_loses_no_job(
    upstream: Upstream, adapter: Build, body: bytes
) -> None:
    upstream.says(httpx.Response(404, content=body))

    assert (await adapter(VLLM_OMNI).status("video_1")).kind is Kind.MISSING


@pytest.mark.parametrize("status", [500, 502, 503, 409])
async def test_a_server_that_is_down_loses_no_job(
    upstream: Upstream, adapter: Build, status: int
) -> None:
    upstream.says(httpx.Response(status, json={"detail": "API worker topology"}))

    assert (await adapter(VLLM_OMNI).status("video_1")).kind is Kind.TRANSIENT


# -- files


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (404, {"detail": "Generation is still in-progress"}, Kind.TRANSIENT),
        (404, {"detail": "Video still being generated"}, Kind.TRANSIENT),
        (400, {"detail": "Not ready"}, Kind.TRANSIENT),
        (422, {"detail": "Video generation failed. Check job status."}, Kind.TRANSIENT),
        (500, {"detail": "Video generation failed"}, Kind.TRANSIENT),
        (404, {"detail": "Video not found"}, Kind.MISSING),
    ],
)
async def test_a_file_that_is_not_handed_out_yet_is_not_lost(
    upstream: Upstream, adapter: Build, status: int, body: object, kind: Kind
) -> None:
    upstream.says(httpx.Response(status, json=body))
    outcome = await fetched(adapter(VLLM_OMNI))

    assert isinstance(outcome, Outcome)
    assert outcome.kind is kind


async def test_a_variant_is_named_only_where_it_is_one(upstream: Upstream, adapter: Build) -> None:
    upstream.says(httpx.Response(200, content=b"film", headers={"content-type": "video/mp4"}))
    assert await fetched(adapter()) == b"film"
    assert upstream.last.url.query == b"variant=video"
    assert await fetched(adapter(SGLANG)) == b"film"
    assert str(upstream.last.url) == f"{ENDPOINT}/v1/videos/video_1/content"

    sent = len(upstream.requests)
    outcome = await fetched(adapter(SGLANG), Variant.THUMBNAIL)
    assert isinstance(outcome, Outcome)
    assert outcome.kind is Kind.MISSING
    assert len(upstream.requests) == sent


def _elsewhere(url: str) -> list[httpx.Response]:
    said = f"Video has been uploaded to cloud storage. Please use the cloud URL: {url}"
    return [
        httpx.Response(400, json={"detail": said}),
        httpx.Response(200, json=job(status="completed", url=url)),
        httpx.Response(200, content=b"film", headers={"content-type": "video/mp4"}),
    ]


async def test_a_file_in_a_cloud_storage_is_fetched_there(
    upstream: Upstream, adapter: Build
) -> None:
    url = "https://films.s3.example/out/video_1.mp4?X-Sig=1"
    upstream.says(*_elsewhere(url))

    assert await fetched(adapter({**SGLANG, "file_hosts": [".s3.example"]})) == b"film"
    assert [str(request.url) for request in upstream.requests[1:]] == [
        f"{ENDPOINT}/v1/videos/video_1",
        url,
    ]


async def test_a_redirect_to_the_file_is_followed(upstream: Upstream, adapter: Build) -> None:
    upstream.says(
        httpx.Response(302, headers={"location": "https://a.blob.example/v.mp4?sig=s"}),
        httpx.Response(200, content=b"film", headers={"content-type": "video/mp4"}),
    )
    assert await fetched(adapter({"file_hosts": ["a.blob.example"]})) == b"film"

    upstream.says(
        httpx.Response(307, headers={"location": "/files/v.mp4"}),
        httpx.Response(200, content=b"film", headers={"content-type": "video/mp4"}),
    )
    assert await fetched(adapter()) == b"film"
    assert str(upstream.last.url) == f"{ENDPOINT}/files/v.mp4"


@pytest.mark.parametrize(
    "url", ["https://elsewhere.example/v.mp4", "http://169.254.169.254/latest", "http://[", "x"]
)
async def test_no_link_leads_the_app_elsewhere(
    upstream: Upstream, adapter: Build, url: str
) -> None:
    for answers in (_elsewhere(url), [httpx.Response(302, headers={"location": url})]):
        upstream.says(*answers)
        before = len(upstream.requests)
        outcome = await fetched(adapter({**SGLANG, "file_hosts": ["files.example"]}))
        if url == "x" and len(answers) == 1:
            continue  # a path at the endpoint's own host
        assert isinstance(outcome, Outcome)
        assert outcome.code == "untrusted_link"
        assert "file_hosts" in (outcome.remedy or "")
        assert len(upstream.requests) - before <= 2
        assert all(request.url.host == "gpu.example" for request in upstream.requests)


# -- a job that nobody waits for


async def test_a_server_that_is_still_stopping_a_job_is_asked_again(
    upstream: Upstream, adapter: Build
) -> None:
    said = "Cancellation in progress. Please try again later."
    upstream.says(httpx.Response(409, json={"detail": said}))

    assert (await adapter(VLLM_OMNI).cancel("video_1")).kind is Kind.TRANSIENT


async def test_a_running_job_is_not_forgotten_where_that_does_not_stop_it(
    upstream: Upstream, adapter: Build
) -> None:
    upstream.says(httpx.Response(200, json=job(status="in_progress")))
    outcome = await adapter(SGLANG).cancel("video_1")

    assert (outcome.kind, outcome.code) == (Kind.REFUSED, "not_cancellable")
    assert [request.method for request in upstream.requests] == ["GET"]


async def test_a_job_that_has_ended_is_deleted_there_too(
    upstream: Upstream, adapter: Build
) -> None:
    upstream.says(
        httpx.Response(200, json=job(status="completed")),
        httpx.Response(200, json=job(status="deleted")),
    )
    assert (await adapter(SGLANG).cancel("video_1")).kind is Kind.ACCEPTED
    assert [request.method for request in upstream.requests] == ["GET", "DELETE"]

    upstream.says(httpx.Response(404, json={"detail": "Video not found"}))
    assert (await adapter(SGLANG).cancel("video_1")).kind is Kind.ACCEPTED

    upstream.says(httpx.Response(503))
    assert (await adapter(SGLANG).cancel("video_1")).kind is Kind.TRANSIENT


# -- a job whose create had no clear answer


async def test_a_lost_job_is_found_by_what_was_asked_for(
    upstream: Upstream, adapter: Build
) -> None:
    ours = job(id="ours", model="wan-2.2", created_at=1000)
    upstream.says(page(job(id="other", prompt="a dog", created_at=1001), ours))
    found = await adapter(VLLM_OMNI).find_submitted(SUBMISSION, since=1000)

    assert [candidate.id for candidate in found.jobs] == ["ours"]
    assert upstream.last.url.params["order"] == "desc"


async def test_what_was_rendered_does_not_speak_against_a_job(
    upstream: Upstream, adapter: Build
) -> None:
    made = job(id="ours", model="wan-2.2", size="1280x704", seconds="5", created_at=1000)
    del made["prompt"]
    upstream.says(page(made, has_more=None), page(has_more=None))

    found = await adapter(SGLANG).find_submitted(SUBMISSION, since=1000)
    assert [candidate.id for candidate in found.jobs] == ["ours"]
    upstream.says(page(made, has_more=None), page(has_more=None))
    assert not (await adapter().find_submitted(SUBMISSION, since=1000)).jobs


@pytest.mark.parametrize(
    ("operation", "path"), [(Operation.REMIX, "video_9/remix"), (Operation.EDIT, "edits")]
)
async def test_gateways_derive_videos_as_openai_does(
    upstream: Upstream, adapter: Build, operation: Operation, path: str
) -> None:
    upstream.says(httpx.Response(200, json=job()))
    await adapter().submit(
        Submission(
            "sora-2", "p", 4, SIZE, operation, source_job_id="video_9", video_id="video_ours"
        )
    )

    assert upstream.last.url.path == f"/v1/videos/{path}"
    assert upstream.last.headers["idempotency-key"] == "video_ours"


@pytest.mark.parametrize("operation", [Operation.CREATE, Operation.REMIX, Operation.EXTEND])
async def test_a_server_is_told_which_end_user_it_is_for_in_its_own_word(
    upstream: Upstream, adapter: Build, operation: Operation
) -> None:
    asked = Submission("m", "p", 4, SIZE, operation, source_job_id="video_9", safety_identifier="u")
    named: dict[str, Any] = {"names": {"safety_identifier": "end_user"}}
    for options, told in (({}, {}), (named, {"end_user": "u"})):
        upstream.says(httpx.Response(200, json=job()))
        await adapter(options).submit(asked)
        body = upstream.last_json
        assert isinstance(body, dict)
        assert {name: value for name, value in body.items() if value == "u"} == told
