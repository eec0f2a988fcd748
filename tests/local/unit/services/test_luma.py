"""How many generations the simulated Luma takes, in simulated time."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import luma_agents
import pytest
from luma_agents import AsyncLuma

from local.services.upstreams import key_of
from tests.local.unit.services.simulator import SECRET, Simulator


def client_of(simulator: Simulator) -> AsyncLuma:
    transport = httpx.ASGITransport(app=simulator.services.app)
    return AsyncLuma(
        base_url="http://127.0.0.1/upstreams/luma/v1",
        auth_token=key_of(SECRET),
        max_retries=0,
        http_client=httpx.AsyncClient(transport=transport),
    )


async def create(client: AsyncLuma, prompt: str) -> httpx.Headers:
    """The headers of the answer."""
    answer = await client.generations.with_raw_response.create(
        type="video", model="ray-3.2", prompt=prompt, video={"resolution": "360p"}
    )
    return answer.headers


async def test_no_more_than_ten_jobs_run_at_once(
    make_simulator: Callable[..., Simulator],
) -> None:
    simulator = make_simulator(speed=2.0)
    async with client_of(simulator) as client:
        for _ in range(10):
            await create(client, "A pier [sim render=90]")
        with pytest.raises(luma_agents.RateLimitError, match="concurrent") as refused:
            await create(client, "A pier")
        headers = refused.value.response.headers
        assert (headers["retry-after"], "x-ratelimit-limit" in headers) == ("30", False)
        simulator.wait(45)
        await simulator.services.library.wait_until_idle()
        await create(client, "A pier")


async def test_no_more_than_thirty_are_taken_in_a_minute(
    make_simulator: Callable[..., Simulator],
) -> None:
    simulator = make_simulator(speed=2.0)
    async with client_of(simulator) as client:
        for left in reversed(range(30)):
            headers = await create(client, "A pier [sim render=0 outcome=failed]")
            assert headers["x-ratelimit-remaining"] == str(left)
            simulator.wait(0.5)
        with pytest.raises(luma_agents.RateLimitError, match="Rate limit exceeded") as refused:
            await create(client, "A pier")
        assert refused.value.response.headers["retry-after"] == "15"
        simulator.wait(15)
        await create(client, "A pier")


async def test_none_is_too_many_without_limits(simulator: Simulator) -> None:
    async with client_of(simulator) as client:
        for _ in range(31):
            await create(client, "A pier [sim render=90]")
