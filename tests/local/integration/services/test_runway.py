"""Runway's own client drives the simulated Runway."""

from __future__ import annotations

import asyncio
import base64
import io
from collections.abc import AsyncIterator
from typing import Any, TypeVar

import httpx
import pytest
from PIL import Image
from runwayml import (
    APIStatusError,
    AsyncRunwayML,
    AuthenticationError,
    BadRequestError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
)
from runwayml.types.task_retrieve_response import Failed, Running, Succeeded

from local.services.upstreams import key_of
from tests.local.integration.services.harness import SECRET, ServicesProcess
from tests.patience import PATIENCE

T = TypeVar("T", Failed, Running, Succeeded)


@pytest.fixture
async def client(services: ServicesProcess) -> AsyncIterator[AsyncRunwayML]:
    async with AsyncRunwayML(
        api_key=key_of(SECRET), base_url=f"{services.url}/upstreams/runway", max_retries=0
    ) as client:
        yield client


def data_url(width: int = 1280, height: int = 720) -> str:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), "teal").save(buffer, "PNG")
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"


async def made(client: AsyncRunwayML, **fields: Any) -> str:
    created = await client.text_to_video.create(
        **{
            "model": "gen4.5",
            "prompt_text": "a pier [sim label=pier]",
            "ratio": "1280:720",
            "duration": 2,
            **fields,
        }
    )
    return created.id


async def reached(client: AsyncRunwayML, task_id: str, state: type[T]) -> T:
    """The task, once it is in the state."""
    async with asyncio.timeout(PATIENCE):
        while True:
            task = await client.tasks.retrieve(task_id)
            if isinstance(task, state):
                return task
            await asyncio.sleep(0.05)


async def test_a_task_is_made_followed_and_fetched(client: AsyncRunwayML) -> None:
    created = await client.text_to_video.create(
        model="gen4.5", prompt_text="a pier [sim label=pier]", ratio="1280:720", duration=2, seed=7
    )
    assert created.to_dict()["estimatedCost"] == {"credits": 24}
    task = await reached(client, created.id, Succeeded)

    assert (task.id, task.cost.credits) == (created.id, 24)
    async with httpx.AsyncClient() as anybody:
        video = await anybody.get(task.output[0])
    assert video.content[4:8] == b"ftyp"


async def test_an_image_begins_it(client: AsyncRunwayML) -> None:
    created = await client.image_to_video.create(
        model="seedance2",
        prompt_text="a pier [sim label=pier]",
        prompt_image=[
            {"uri": data_url(), "position": "first"},
            {"uri": data_url(), "position": "last"},
        ],
        ratio="1280:720",
        duration=4,
        audio=False,
    )
    assert created.to_dict()["estimatedCost"] == {"credits": 144}
    await reached(client, created.id, Succeeded)


async def test_it_runs_and_is_stopped(client: AsyncRunwayML) -> None:
    task_id = await made(client, prompt_text="a pier [sim outcome=stuck render=0.1]")
    task = await reached(client, task_id, Running)
    assert task.estimated_cost.credits == 24
    await client.tasks.delete(task_id)
    with pytest.raises(NotFoundError):
        await client.tasks.retrieve(task_id)


@pytest.mark.parametrize(
    ("prompt", "code", "charged"),
    [
        ("something moderated [sim render=0.1]", "SAFETY.OUTPUT.VIDEO", 0),
        ("something with moderated input [sim render=0.1]", "SAFETY.INPUT.TEXT", 24),
        ("a pier [sim outcome=failed error=code01 render=0.1]", "INTERNAL.BAD_OUTPUT.CODE01", 0),
    ],
)
async def test_it_fails(client: AsyncRunwayML, prompt: str, code: str, charged: int) -> None:
    task = await reached(client, await made(client, prompt_text=prompt), Failed)

    assert (task.failure_code, task.cost.credits) == (code, charged)


async def test_a_router_chooses_the_model(client: AsyncRunwayML) -> None:
    created = await client.generate.video.create(
        config_id="studio",
        input={
            "prompt_text": "a pier [sim label=pier]",
            "aspect_ratio": "16:9",
            "resolution": "720p",
            "duration": 4,
            "audio": False,
            "reference_images": [{"role": "first", "uri": data_url()}],
        },
    )
    assert created.to_dict()["routing"] == {
        "configId": "studio",
        "model": "seedance2",
        "provider": "bytedance",
        "estimatedCost": {"credits": 144},
        "resolvedInput": {"duration": 4, "ratio": "1280:720", "resolution": "720p"},
        "resolvedSettings": {"optimizeFor": "quality", "priceCeiling": None},
    }
    await reached(client, created.id, Succeeded)
    with pytest.raises(NotFoundError):
        await client.generate.video.create(config_id="other", input={"prompt_text": "a pier"})


@pytest.mark.parametrize(
    ("fields", "error", "told"),
    [
        ({"model": "gen4"}, PermissionDeniedError, "Model variant gen4 is not available"),
        ({"duration": 11}, BadRequestError, "duration"),
        ({"ratio": "1920:1080"}, BadRequestError, "ratio"),
        ({"prompt_text": "🌧" * 501}, BadRequestError, "promptText"),
        ({"audio": True}, BadRequestError, "audio: Unrecognized key"),
        ({"seed": -1}, BadRequestError, "seed"),
    ],
)
async def test_what_is_wrong_is_named(
    client: AsyncRunwayML, fields: dict[str, Any], error: type[APIStatusError], told: str
) -> None:
    with pytest.raises(error, match=told):
        await made(client, **fields)


async def test_the_last_frame_alone_is_too_little(client: AsyncRunwayML) -> None:
    with pytest.raises(BadRequestError, match="first frame"):
        await client.image_to_video.create(
            model="seedance2",
            prompt_text="a pier",
            prompt_image=[{"uri": data_url(), "position": "last"}],
            ratio="1280:720",
            duration=4,
        )


async def test_who_may_call(services: ServicesProcess) -> None:
    async with AsyncRunwayML(
        api_key="other", base_url=f"{services.url}/upstreams/runway", max_retries=0
    ) as stranger:
        with pytest.raises(AuthenticationError):
            await made(stranger)


async def test_it_can_be_busy(services: ServicesProcess, client: AsyncRunwayML) -> None:
    with services.client() as http:
        fault = {"route": "create", "kind": "status", "status": 429, "times": 1}
        http.post("/_inspect/faults", json=fault).raise_for_status()
    with pytest.raises(RateLimitError):
        await made(client)
