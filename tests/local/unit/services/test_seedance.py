"""The simulated ModelArk: as its answers were published, and as our adapter speaks to it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace

import httpx
import pytest
from pydantic import SecretStr

from dailies.providers.base import Reference, Submission
from dailies.providers.key_auth import BearerKeyAuth
from dailies.providers.outcomes import JobStatus, Kind
from dailies.providers.seedance import PROVIDER, Seedance, SeedanceOptions
from dailies.providers.wire import Wire
from dailies.video.basics import Size
from local.services.upstreams import key_of
from tests.local.unit.services.simulator import SECRET, START, Simulator
from tests.patience import PATIENCE
from tests.pictures import png
from tests.unit.providers.conftest import called_job
from tests.unit.providers.living import context_of

MODEL = "dreamina-seedance-2-0-260128"
ROOT = "/upstreams/seedance/api/v3"
TASKS = f"{ROOT}/contents/generations/tasks"
HD = Size(1280, 720)
SUBMISSION = Submission(MODEL, "a cat [sim render=40]", 5, HD, video_id="video_1", seed=7)
HEADERS = {"Authorization": f"Bearer {key_of(SECRET)}"}


def adapter_of(simulator: Simulator, key: str = key_of(SECRET)) -> Seedance:
    return Seedance(
        Wire(
            simulator.http,
            BearerKeyAuth(SecretStr(key)),
            context_of(PROVIDER, "http://127.0.0.1", MODEL),
            url=f"http://127.0.0.1{ROOT}",
            options=SeedanceOptions(usd_per_million_tokens={"default": 10}),
        )
    )


async def made(simulator: Simulator, submission: Submission = SUBMISSION) -> str:
    outcome = await adapter_of(simulator).submit(submission)
    assert outcome.job is not None, outcome
    await simulator.services.library.wait_until_idle()
    return outcome.job.id


async def test_a_task_looks_like_one_that_was_published(simulator: Simulator) -> None:
    task_id = await made(simulator)
    simulator.wait(41)
    task = (await simulator.http.get(f"{TASKS}/{task_id}", headers=HEADERS)).json()

    assert task_id.startswith("cgt-2027")
    assert task["content"]["video_url"].endswith(f"/files/{task_id}.mp4")
    assert {name: task[name] for name in task if name not in ("content", "id")} == {
        "model": MODEL,
        "status": "succeeded",
        # 108900 was published of 720p and five seconds: one frame more
        "usage": {"completion_tokens": 108_000, "total_tokens": 108_000},
        "created_at": int(START),
        "updated_at": int(START),
        "seed": 7,
        "resolution": "720p",
        "ratio": "16:9",
        "duration": 5,
        "framespersecond": 24,
        "service_tier": "default",
        "execution_expires_after": 172_800,
        "generate_audio": True,
        "safety_identifier": "video_1",
    }


async def test_our_adapter_follows_it(simulator: Simulator) -> None:
    adapter = adapter_of(simulator)
    task_id = await made(simulator)
    told = []
    for pause in (0, 10, 31):
        simulator.wait(pause)
        job = (await adapter.status(task_id)).job
        assert job is not None
        told.append((job.status, job.cost_usd))

    assert told == [
        (JobStatus.QUEUED, None),
        (JobStatus.RUNNING, None),
        (JobStatus.COMPLETED, 1.08),
    ]
    video = await simulator.http.get(f"/upstreams/seedance/files/{task_id}.mp4")
    assert video.status_code == 200


async def test_our_adapter_finds_what_it_sent(simulator: Simulator) -> None:
    for number in range(3):
        await made(simulator, replace(SUBMISSION, video_id=f"video_{number}"))
    found = await adapter_of(simulator).find_submitted(SUBMISSION, START)
    nothing = await adapter_of(simulator).find_submitted(
        replace(SUBMISSION, video_id="video_9"), START
    )

    assert found.outcome.kind is Kind.ACCEPTED
    assert len(found.jobs) == 1
    task = await simulator.http.get(f"{TASKS}/{found.jobs[0].id}", headers=HEADERS)
    assert task.json()["safety_identifier"] == "video_1"
    assert (nothing.outcome.kind, list(nothing.jobs)) == (Kind.ACCEPTED, [])


async def test_only_what_waits_is_cancelled(simulator: Simulator) -> None:
    adapter = adapter_of(simulator)
    waiting, running = await made(simulator), await made(simulator)
    cancelled = await adapter.cancel(waiting)
    simulator.wait(10)
    goes_on = await adapter.cancel(running)
    job = (await adapter.status(waiting)).job

    assert (cancelled.kind, goes_on.kind) == (Kind.ACCEPTED, Kind.REFUSED)
    assert job is not None
    assert job.status is JobStatus.CANCELLED
    simulator.wait(31)
    assert (await adapter.cancel(running)).kind is Kind.ACCEPTED
    assert (await adapter.status(running)).kind is Kind.MISSING


@pytest.mark.parametrize(
    ("prompt", "status", "code"),
    [
        ("a moderated cat [sim render=1]", JobStatus.FAILED, "moderation_blocked"),
        ("a cat [sim outcome=failed error=Oh render=1]", JobStatus.FAILED, "Oh"),
        ("a cat [sim outcome=expired render=1]", JobStatus.EXPIRED, "expired"),
    ],
)
async def test_how_else_it_ends(
    simulator: Simulator, prompt: str, status: JobStatus, code: str
) -> None:
    task_id = await made(simulator, replace(SUBMISSION, prompt=prompt))
    simulator.wait(2)
    job = (await adapter_of(simulator).status(task_id)).job

    assert job is not None
    assert (job.status, job.error_code) == (status, code)


@pytest.mark.parametrize(
    ("submission", "code"),
    [
        (replace(SUBMISSION, prompt="moderated input"), "moderation_blocked"),
        (replace(SUBMISSION, deployment="seedance-9"), "deployment_not_found"),
        (replace(SUBMISSION, seconds=3), "InvalidParameter"),
        (replace(SUBMISSION, options={"negative_prompt": "dogs"}), "InvalidParameter"),
        (
            replace(SUBMISSION, last_frame=Reference(png(1), "image/png", HD)),
            "InvalidParameter",
        ),
    ],
)
async def test_what_is_refused(simulator: Simulator, submission: Submission, code: str) -> None:
    outcome = await adapter_of(simulator).submit(submission)

    assert (outcome.kind, outcome.code) == (Kind.REFUSED, code)


async def test_images_are_taken(simulator: Simulator) -> None:
    image = Reference(png(1), "image/png", HD)
    await made(simulator, replace(SUBMISSION, reference=image))
    await made(simulator, replace(SUBMISSION, reference=image, last_frame=image))
    await made(simulator, replace(SUBMISSION, references=(image, image)))


async def test_who_may_call(simulator: Simulator) -> None:
    outcome = await adapter_of(simulator, "other").submit(SUBMISSION)

    assert outcome.kind is Kind.UNAUTHORISED


async def test_it_calls_with_the_task(make_simulator: Callable[..., Simulator]) -> None:
    calls: asyncio.Queue[httpx.Request] = asyncio.Queue()

    def subscriber(request: httpx.Request) -> httpx.Response:
        calls.put_nowait(request)
        return httpx.Response(200)

    simulator = make_simulator(unlimited=True, subscriber=subscriber)
    task_id = await made(simulator, replace(SUBMISSION, callback_url="http://app/calls/1"))
    for pause, status in ((0, "queued"), (41, "succeeded")):
        simulator.wait(pause)
        call = await asyncio.wait_for(calls.get(), PATIENCE)

        assert str(call.url) == "http://app/calls/1"
        assert json.loads(call.content)["status"] == status
        assert called_job(await adapter_of(simulator).called_back({}, call.content)) == task_id
