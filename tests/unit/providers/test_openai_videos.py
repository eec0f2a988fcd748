"""The adapter for any server of OpenAI's videos protocol: each of its dialects on the wire."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from dailies.providers.base import Reference, Submission
from dailies.providers.openai_videos import VideosOptions
from dailies.providers.openai_videos_body import settable
from dailies.providers.outcomes import Kind
from dailies.video.basics import Operation, Size
from tests.unit.providers.conftest import Upstream, job, parts, text
from tests.unit.providers.openai_videos_wire import (
    ENDPOINT,
    SGLANG,
    SIZE,
    SUBMISSION,
    VLLM_OMNI,
    Build,
    builder,
)

PNG = Reference(b"\x89PNG\r\n\x00", "image/png", SIZE)
JPEG = Reference(b"\xff\xd8\xff", "image/jpeg", SIZE)


@pytest.fixture
def adapter(upstream: Upstream) -> Build:
    return builder(upstream)


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
