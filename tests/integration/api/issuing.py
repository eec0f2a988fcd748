"""Keys that an operator issues, for tests."""

from __future__ import annotations

from typing import Any

import httpx

from tests.integration.api.world import World

__all__ = ["asked_with", "issue"]


async def issue(world: World, **fields: Any) -> dict[str, Any]:
    """Issue a key, as an operator."""
    body = {"owner": world.owners["alice"], **fields}
    answer = await world.admin.post("/v1/admin/keys", json=body)
    assert answer.status_code == 201, answer.text
    issued: dict[str, Any] = answer.json()
    return issued


async def asked_with(world: World, key: str) -> httpx.Response:
    """The answer to who sends the key."""
    async with world.client(key) as client:
        return await client.get("/v1/videos")
