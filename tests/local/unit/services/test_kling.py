"""The simulated Kling: as its answers were published, and as our adapter speaks to it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace

import httpx
import jwt
import pytest
from pydantic import SecretStr

from dailies.providers.base import Reference, Submission
from dailies.providers.kling import PROVIDER, Kling, KlingOptions
from dailies.providers.outcomes import JobStatus, Kind
from dailies.providers.signed_key import SignedKeyAuth
from dailies.providers.wire import Wire
from dailies.video.basics import Size
from local.services.upstreams import key_of
from tests.local.unit.services.simulator import SECRET, START, Simulator
from tests.patience import PATIENCE
from tests.pictures import png
from tests.unit.providers.conftest import called_job
from tests.unit.providers.living import context_of

ROOT = "/upstreams/kling"
VIDEOS = f"{ROOT}/v1/videos"
KEY = key_of(SECRET)
HD = Size(1280, 720)
IMAGE = Reference(png(1), "image/png", Size(720, 1280))
SUBMISSION = Submission("kling-v3", "a cat [sim render=40]", 5, HD, video_id="video_1")


class Standing(SignedKeyAuth):
    """Signs by the simulator's clock, which is ahead of ours."""

    def __init__(self, **claims: object) -> None:
        super().__init__(SecretStr(f"access:{KEY}"))
        self._claims = {"iss": "access", "exp": int(START) + 1800, "nbf": int(START) - 5} | claims

    def _token(self) -> str:
        return jwt.encode(self._claims, KEY, algorithm="HS256")


def adapter_of(simulator: Simulator, auth: httpx.Auth | None = None) -> Kling:
    return Kling(
        Wire(
            simulator.http,
            auth or Standing(),
            context_of(PROVIDER, "http://127.0.0.1", "kling-v3"),
            url=f"http://127.0.0.1{ROOT}",
            options=KlingOptions(usd_per_unit=0.14),
        )
    )


async def made(simulator: Simulator, submission: Submission = SUBMISSION) -> str:
    outcome = await adapter_of(simulator).submit(submission)
    assert outcome.job is not None, outcome
    await simulator.services.library.wait_until_idle()
    return outcome.job.id


async def test_an_answer_looks_like_one_that_was_published(simulator: Simulator) -> None:
    body = {
        "prompt": "A calm woman looks at the camera and slowly smiles.",
        "duration": "5",
        "mode": "std",
        "aspect_ratio": "16:9",
        "model_name": "kling-v3",
        "external_task_id": "text2video_kling_v3_final-1774805076",
    }
    answer = await simulator.http.post(f"{VIDEOS}/text2video", json=body, auth=Standing())
    document = answer.json()

    assert answer.status_code == 200
    assert document.keys() == {"code", "message", "request_id", "data"}
    assert (document["code"], document["message"]) == (0, "SUCCEED")
    data = document["data"]
    assert len(data.pop("task_id")) == 18
    assert data == {
        "task_status": "submitted",
        "task_info": {"external_task_id": "text2video_kling_v3_final-1774805076"},
        "created_at": int(START) * 1000,
        "updated_at": int(START) * 1000,
    }


@pytest.mark.parametrize("submission", [SUBMISSION, replace(SUBMISSION, reference=IMAGE)])
async def test_our_adapter_follows_it(simulator: Simulator, submission: Submission) -> None:
    adapter = adapter_of(simulator)
    task_id = await made(simulator, submission)
    told = []
    for pause in (0, 10, 31):
        simulator.wait(pause)
        job = (await adapter.status(task_id)).job
        assert job is not None
        told.append((job.status, job.cost_usd))

    assert told == [
        (JobStatus.QUEUED, None),
        (JobStatus.RUNNING, None),
        (JobStatus.COMPLETED, 0.42),
    ]
    video = await simulator.http.get(f"{ROOT}/files/{task_id}.mp4")
    assert video.status_code == 200


async def test_a_video_has_the_shape_of_its_image(simulator: Simulator) -> None:
    await made(simulator, replace(SUBMISSION, reference=IMAGE, last_frame=IMAGE))
    (spec,) = simulator.encoded

    assert (spec.width, spec.height) == (720, 1280)


@pytest.mark.parametrize("reference", [None, IMAGE])
async def test_our_adapter_finds_what_it_sent(
    simulator: Simulator, reference: Reference | None
) -> None:
    sent = replace(SUBMISSION, reference=reference)
    ids = [await made(simulator, replace(sent, video_id=f"video_{number}")) for number in range(3)]
    found = await adapter_of(simulator).find_submitted(sent, START)
    nothing = await adapter_of(simulator).find_submitted(replace(sent, video_id="video_9"), START)

    assert [job.id for job in found.jobs] == [ids[1]]
    assert (nothing.outcome.kind, list(nothing.jobs)) == (Kind.ACCEPTED, [])


async def test_the_same_request_is_never_a_second_job(simulator: Simulator) -> None:
    first = await made(simulator)
    again = await adapter_of(simulator).submit(SUBMISSION)
    found = await adapter_of(simulator).find_submitted(SUBMISSION, START)

    assert again.kind is Kind.UNKNOWN
    assert [job.id for job in found.jobs] == [first]


@pytest.mark.parametrize(
    ("prompt", "code", "cost"),
    [
        ("a moderated cat [sim render=1]", "moderation_blocked", 0.0),
        ("a cat [sim outcome=failed render=1]", "generation_failed", 0.0),
    ],
)
async def test_how_else_it_ends(simulator: Simulator, prompt: str, code: str, cost: float) -> None:
    task_id = await made(simulator, replace(SUBMISSION, prompt=prompt))
    simulator.wait(2)
    job = (await adapter_of(simulator).status(task_id)).job

    assert job is not None
    assert (job.status, job.error_code, job.cost_usd) == (JobStatus.FAILED, code, cost)


@pytest.mark.parametrize(
    ("submission", "code"),
    [
        (replace(SUBMISSION, prompt="moderated input"), "moderation_blocked"),
        (replace(SUBMISSION, deployment="kling-v9"), "deployment_not_found"),
        (replace(SUBMISSION, seconds=16), "invalid_request"),
        (replace(SUBMISSION, options={"dream": "yes"}), "invalid_request"),
        (replace(SUBMISSION, prompt=""), "invalid_request"),
    ],
)
async def test_what_is_refused(simulator: Simulator, submission: Submission, code: str) -> None:
    outcome = await adapter_of(simulator).submit(submission)

    assert (outcome.kind, outcome.code) == (Kind.REFUSED, code)


@pytest.mark.parametrize(
    "auth",
    [
        SignedKeyAuth(SecretStr(f"access:{'x' * 32}")),
        SignedKeyAuth(SecretStr(KEY)),
        Standing(iss="other"),
        Standing(exp=int(START) - 1),
        Standing(exp=int(START) + 7200),
        Standing(nbf=int(START) + 60),
    ],
)
async def test_who_may_call(simulator: Simulator, auth: httpx.Auth) -> None:
    outcome = await adapter_of(simulator, auth).submit(SUBMISSION)

    assert outcome.kind is Kind.UNAUTHORISED


async def test_a_task_that_nobody_knows(simulator: Simulator) -> None:
    assert (await adapter_of(simulator).status("867")).kind is Kind.MISSING


async def test_it_calls_with_the_task(make_simulator: Callable[..., Simulator]) -> None:
    calls: asyncio.Queue[httpx.Request] = asyncio.Queue()

    def subscriber(request: httpx.Request) -> httpx.Response:
        calls.put_nowait(request)
        return httpx.Response(200)

    simulator = make_simulator(unlimited=True, subscriber=subscriber)
    task_id = await made(simulator, replace(SUBMISSION, callback_url="http://app/calls/1"))
    for pause, status in ((0, "submitted"), (41, "succeed")):
        simulator.wait(pause)
        call = await asyncio.wait_for(calls.get(), PATIENCE)

        assert str(call.url) == "http://app/calls/1"
        assert json.loads(call.content)["task_status"] == status
        assert called_job(await adapter_of(simulator).called_back({}, call.content)) == task_id
