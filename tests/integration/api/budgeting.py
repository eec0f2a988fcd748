"""Budgets of alice, and videos that use them up, for tests."""

from __future__ import annotations

from typing import Any

import httpx

from dailies.video.basics import Phase
from dailies.video.record import SubmitState
from tests.integration.api.world import World

__all__ = ["PIER", "create_pier", "end_video", "set_budget", "standing_of"]

PIER = {"prompt": "a pier", "seconds": "4"}  # for $0.40


async def set_budget(world: World, *, user: str | None = None, **limits: float) -> dict[str, Any]:
    """Set a budget, as an operator."""
    answer = await world.admin.put(
        f"/v1/admin/budgets/{world.owners['alice']}",
        params={} if user is None else {"user": user},
        json=limits,
    )
    assert answer.status_code == 200, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def standing_of(world: World, period: str = "day", user: str | None = None) -> dict[str, Any]:
    """How far a budget is used."""
    answer = await world.admin.get(
        f"/v1/admin/budgets/{world.owners['alice']}", params={} if user is None else {"user": user}
    )
    found = next(
        each
        for budget in answer.json()["data"]
        if budget["user"] == user
        for each in budget["standings"]
        if each["period"] == period
    )
    return {name: found[name] for name in ("spent_usd", "held_usd", "left_usd")}


async def create_pier(world: World, **fields: Any) -> httpx.Response:
    """Order a video."""
    return await world.alice.post("/v1/videos", json={**PIER, **fields})


async def end_video(world: World, video_id: str, *, cost: float | None, **changes: Any) -> None:
    """Let a video be done."""
    await world.change(
        video_id,
        phase=Phase.DONE,
        completed_at=world.now,
        cost_usd=cost,
        submit=SubmitState(deployment="first", job_id="job-1", submitted_at=world.now),
        **changes,
    )
