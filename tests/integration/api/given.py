"""A create with whatever a caller sends."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import httpx

from tests.integration.api.world import World, png

__all__ = ["IMAGE_URL", "JOBS", "PICTURE", "create", "refused"]

IMAGE_URL = "data:image/png;base64," + base64.b64encode(png()).decode()
JOBS = "/v1/video/generations/jobs"
PICTURE = ("pier.png", png(), "image/png")


async def create(world: World, **fields: Any) -> httpx.Response:
    return await world.alice.post("/v1/videos", json={"prompt": "a pier", **fields})


async def refused(world: World, **fields: Any) -> Mapping[str, Any]:
    """The error of a create, of which no video was made."""
    answer = await create(world, **fields)
    assert answer.status_code == 400, answer.text
    assert world.engine.started == []
    error: dict[str, Any] = answer.json()["error"]
    return error
