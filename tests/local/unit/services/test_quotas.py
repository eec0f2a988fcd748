"""Two requests a minute and two jobs at once, in simulated time."""

from __future__ import annotations

from collections.abc import Callable

import httpx

from tests.local.unit.services.simulator import JOBS, VIDEOS, Simulator


async def create(simulator: Simulator, prompt: str, model: str = "sora-2") -> httpx.Response:
    return await simulator.http.post(VIDEOS, json={"model": model, "prompt": prompt})


async def test_a_third_request_within_a_minute_says_when_to_come_back(
    make_simulator: Callable[..., Simulator],
) -> None:
    simulator = make_simulator(speed=10)
    for _ in range(2):
        assert (await create(simulator, "x [sim render=1 outcome=failed]")).status_code == 200
        simulator.wait(1)
    refused = await create(simulator, "x")
    assert refused.status_code == 429
    assert refused.headers["retry-after"] == "4"
    assert refused.headers["retry-after-ms"] == "4000"
    assert (await create(simulator, "x", "sora-2-pro")).status_code == 200, "quotas are each one's"
    simulator.wait(3.9)
    assert (await create(simulator, "x")).status_code == 429
    simulator.wait(0.2)
    assert (await create(simulator, "x")).status_code == 200


async def test_a_third_job_at_once_is_too_many(make_simulator: Callable[..., Simulator]) -> None:
    simulator = make_simulator()
    for _ in range(2):
        await create(simulator, "x [sim render=500 outcome=failed]")
    simulator.wait(61)
    refused = await create(simulator, "x")
    assert refused.status_code == 429
    assert refused.json()["error"]["message"] == "Too many running tasks"
    assert refused.json()["error"]["type"] == "video_generation_user_error"
    assert "retry-after" not in refused.headers
    simulator.wait(440)
    assert (await create(simulator, "x")).status_code == 200


async def test_sora_1_has_two_places_and_no_rate(
    make_simulator: Callable[..., Simulator],
) -> None:
    simulator = make_simulator()
    body = {"model": "sora", "width": 480, "height": 480, "prompt": "x [sim outcome=failed]"}

    async def create_job() -> httpx.Response:
        return await simulator.http.post(JOBS, params={"api-version": "preview"}, json=body)

    first = await create_job()
    assert (first.status_code, (await create_job()).status_code) == (201, 201)
    assert (await create_job()).status_code == 429
    simulator.wait(500)
    assert (await create_job()).status_code == 201


async def test_quotas_can_be_lifted(simulator: Simulator) -> None:
    for _ in range(10):
        assert (await create(simulator, "x [sim outcome=stuck]")).status_code == 200
