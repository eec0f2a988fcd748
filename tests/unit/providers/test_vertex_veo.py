"""Veo on Vertex AI: operations, and files in a bucket."""

from __future__ import annotations

import base64
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from dailies.providers.base import Content, Reference, Submission
from dailies.providers.classify import CallContext
from dailies.providers.google import CloudOptions
from dailies.providers.key_auth import BearerKeyAuth
from dailies.providers.outcomes import JobStatus, Kind, Outcome
from dailies.providers.vertex_veo import PROVIDER, VertexVeo, parse_operation
from dailies.providers.wire import Wire
from dailies.video.basics import Operation, Size, Variant
from tests.unit.providers.conftest import Upstream

MODEL = "veo-3.1-generate-001"
ENDPOINT = "https://us-central1-aiplatform.googleapis.com"
RESOURCE = f"projects/studio-1/locations/us-central1/publishers/google/models/{MODEL}"
NAME = f"{RESOURCE}/operations/2f0f1b9c-8f0a-4b57-9d6e-000000000001"
OPTIONS = CloudOptions(
    workload_identity_provider="//iam.googleapis.com/projects/1/locations/global/"
    "workloadIdentityPools/azure/providers/tenant",
    subject_scope="api://dailies/.default",
    project="studio-1",
    location="us-central1",
    gcs_prefix="gs://dailies",
)
PROMPT = "A heron stands in the reeds at dawn"
SUBMISSION = Submission(MODEL, PROMPT, 8, Size(1920, 1080), video_id="video_1")
IMAGE = Reference(b"\x89PNG", "image/png", Size(1920, 1080))
FITTED = {"bytesBase64Encoded": "iVBORw==", "mimeType": "image/png"}
MP4 = b"\x00\x00\x00\x18ftypmp42" + b"v" * 5000


def adapter(upstream: Upstream) -> VertexVeo:
    context = CallContext("us-central1-aiplatform.googleapis.com", MODEL, answers=PROVIDER.answers)
    auth = BearerKeyAuth(SecretStr("google-token"))
    return VertexVeo(Wire(upstream.client, auth, context, url=ENDPOINT, options=OPTIONS))


def done(**response: object) -> dict[str, object]:
    return {"name": NAME, "done": True, "response": {"@type": "x", **response}}


async def read(upstream: Upstream, job_id: str = NAME) -> bytes | Outcome:
    async with adapter(upstream).open_content(job_id, Variant.VIDEO) as content:
        if isinstance(content, Content):
            return b"".join([chunk async for chunk in content.chunks])
        return content


async def test_a_create(upstream: Upstream) -> None:
    upstream.says(httpx.Response(200, json={"name": NAME}))

    outcome = await adapter(upstream).submit(SUBMISSION)

    assert outcome.kind is Kind.ACCEPTED
    assert outcome.job is not None
    assert (outcome.job.id, outcome.job.status) == (NAME, JobStatus.RUNNING)
    assert str(upstream.last.url) == f"{ENDPOINT}/v1/{RESOURCE}:predictLongRunning"
    assert upstream.last.headers["authorization"] == "Bearer google-token"
    assert upstream.last_json == {
        "instances": [{"prompt": PROMPT}],
        "parameters": {
            "sampleCount": 1,
            "durationSeconds": 8,
            "aspectRatio": "16:9",
            "resolution": "1080p",
            "generateAudio": True,
            "storageUri": "gs://dailies/video_1/",
        },
        "labels": {"dailies_video": "video_1"},
    }


async def test_all_that_it_takes(upstream: Upstream) -> None:
    upstream.says(httpx.Response(200, json={"name": NAME}))
    submission = Submission(
        MODEL,
        PROMPT,
        4,
        Size(720, 1280),
        video_id="video_1",
        reference=IMAGE,
        last_frame=IMAGE,
        references=(IMAGE,),
        seed=7,
        negative_prompt="fog",
        sound=False,
        options={"personGeneration": "dont_allow"},
    )

    await adapter(upstream).submit(submission)

    body: Any = upstream.last_json
    assert body["instances"] == [
        {
            "prompt": PROMPT,
            "image": FITTED,
            "lastFrame": FITTED,
            "referenceImages": [{"image": FITTED, "referenceType": "asset"}],
        }
    ]
    assert body["parameters"] == {
        "personGeneration": "dont_allow",
        "sampleCount": 1,
        "durationSeconds": 4,
        "aspectRatio": "9:16",
        "resolution": "720p",
        "generateAudio": False,
        "storageUri": "gs://dailies/video_1/",
        "seed": 7,
        "negativePrompt": "fog",
    }


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"operation": Operation.EXTEND, "source_job_id": NAME}, "unsupported_operation"),
    ],
)
async def test_what_it_can_not_do_is_not_sent(
    upstream: Upstream, fields: dict[str, Any], code: str
) -> None:
    given: dict[str, Any] = {"size": Size(1280, 720)} | fields

    outcome = await adapter(upstream).submit(Submission(MODEL, PROMPT, 8, **given))

    assert (outcome.kind, outcome.code) == (Kind.REFUSED, code)
    assert upstream.requests == []


@pytest.mark.parametrize(
    ("status", "message", "kind", "code"),
    [
        (400, "The prompt violates our usage guidelines.", Kind.REFUSED, "moderation_blocked"),
        (403, "This API method requires billing to be enabled.", Kind.REFUSED, "no_credit"),
        (403, "Permission denied.", Kind.UNAUTHORISED, "access_denied"),
        (404, "Publisher Model was not found.", Kind.REFUSED, "deployment_not_found"),
        (404, "veo-2 is no longer available.", Kind.RETIRED, "model_retired"),
        (429, "Quota exceeded for long running predictions.", Kind.THROTTLED, "rate_limit"),
        (503, "The service is unavailable.", Kind.UNKNOWN, "unknown_outcome"),
    ],
)
async def test_outcomes_of_a_create(
    upstream: Upstream, status: int, message: str, kind: Kind, code: str
) -> None:
    upstream.says(httpx.Response(status, json={"error": {"code": status, "message": message}}))

    outcome = await adapter(upstream).submit(SUBMISSION)

    assert (outcome.kind, outcome.code) == (kind, code)


@pytest.mark.parametrize(
    ("document", "status", "code"),
    [
        ({"name": NAME}, JobStatus.RUNNING, None),
        ({"name": NAME, "done": False}, JobStatus.RUNNING, None),
        (done(videos=[{"gcsUri": "gs://dailies/a.mp4"}]), JobStatus.COMPLETED, None),
        (done(videos=[{"bytesBase64Encoded": "AAAA"}]), JobStatus.COMPLETED, None),
        (done(), JobStatus.FAILED, "no_video"),
        (done(videos=[{}]), JobStatus.FAILED, "no_video"),
        (done(raiMediaFilteredCount=1), JobStatus.FAILED, "moderation_blocked"),
        (
            {"name": NAME, "done": True, "error": {"code": 13, "message": "Internal error."}},
            JobStatus.FAILED,
            "generation_failed",
        ),
        (
            {
                "name": NAME,
                "done": True,
                "error": {"code": 3, "message": "It violates Google's Responsible AI practices."},
            },
            JobStatus.FAILED,
            "moderation_blocked",
        ),
        ({"name": NAME, "done": True, "error": "x"}, JobStatus.FAILED, "generation_failed"),
        ({"name": NAME, "done": True, "response": 7}, JobStatus.FAILED, "no_video"),
    ],
)
async def test_statuses(
    upstream: Upstream, document: dict[str, object], status: JobStatus, code: str | None
) -> None:
    upstream.says(httpx.Response(200, json=document))

    outcome = await adapter(upstream).status(NAME)

    assert outcome.job is not None
    assert (outcome.job.status, outcome.job.error_code) == (status, code)
    assert str(upstream.last.url) == f"{ENDPOINT}/v1/{RESOURCE}:fetchPredictOperation"
    assert upstream.last_json == {"operationName": NAME}


def test_support_codes_are_told_and_nothing_else_of_the_reasons() -> None:
    reason = f"The prompt '{PROMPT}' was filtered. Support codes: 29310472, 15236754"

    job = parse_operation(done(raiMediaFilteredCount=1, raiMediaFilteredReasons=[reason]))

    assert job is not None
    assert job.error_message is not None
    assert "(support codes: 29310472, 15236754)" in job.error_message
    assert PROMPT not in job.error_message


@pytest.mark.parametrize("document", [None, [], {}, {"name": ""}, {"done": True}])
def test_no_operation(document: object) -> None:
    assert parse_operation(document) is None


@pytest.mark.parametrize("job_id", ["x", "../../v1/secrets", f"{RESOURCE}/operations/../a"])
async def test_only_operations_are_asked_for(upstream: Upstream, job_id: str) -> None:
    outcome = await adapter(upstream).status(job_id)
    found = await read(upstream, job_id)

    assert isinstance(found, Outcome)
    assert (outcome.kind, found.kind) == (Kind.MISSING, Kind.MISSING)
    assert upstream.requests == []


async def test_a_running_job_is_not_stopped(upstream: Upstream) -> None:
    outcome = await adapter(upstream).cancel(NAME)

    assert (outcome.kind, outcome.code) == (Kind.REFUSED, "not_cancellable")


async def test_a_file_comes_from_the_bucket_with_the_token(upstream: Upstream) -> None:
    upstream.says(
        httpx.Response(200, json=done(videos=[{"gcsUri": "gs://dailies/video_1/s_0.mp4"}])),
        httpx.Response(200, content=MP4, headers={"content-type": "video/mp4"}),
    )

    assert await read(upstream) == MP4
    assert str(upstream.last.url) == (
        "https://storage.googleapis.com/storage/v1/b/dailies/o/video_1%2Fs_0.mp4?alt=media"
    )
    assert upstream.last.headers["authorization"] == "Bearer google-token"


async def test_a_file_within_the_answer(upstream: Upstream) -> None:
    data = base64.b64encode(MP4).decode()
    upstream.says(httpx.Response(200, json=done(videos=[{"bytesBase64Encoded": data}])))

    assert await read(upstream) == MP4


async def test_a_file_elsewhere_is_not_fetched(upstream: Upstream) -> None:
    upstream.says(httpx.Response(200, json=done(videos=[{"gcsUri": "gs://other/s_0.mp4"}])))

    found = await read(upstream)

    assert isinstance(found, Outcome)
    assert found.code == "untrusted_link"
    assert len(upstream.requests) == 1
