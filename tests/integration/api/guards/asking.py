"""What the tests of guards set up and send."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import Any

import pytest
from PIL import Image

from dailies.guards.base import Guard
from dailies.guards.panel import Guards
from dailies.owners.guard import GuardLimits
from dailies.settings import Settings
from dailies.video.guarding import GuardRules, Harm
from tests.integration.api.world import World

RULES = GuardRules(severities=dict.fromkeys(Harm, 4), blocklists=("house-words",))
SECRET = "whsec_" + "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0"


def guard_with(world: World, *guards: Guard, rules: GuardRules = RULES, **how: Any) -> Guards:
    """Set the guards up."""
    made = Guards(guards, rules, **how)
    world.services = replace(world.services, guards=made)
    return made


def picture(colour: str, width: int = 400, height: int = 300) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(buffer, "PNG")
    return buffer.getvalue()


async def unfinished(world: World) -> int:
    owner = world.owners["alice"]
    return await world.services.records.count_unfinished(owner, up_to=10, besides=())


def events(caplog: pytest.LogCaptureFixture, name: str) -> list[dict[str, Any]]:
    lines = [json.loads(r.getMessage()) for r in caplog.records if r.name == "dailies"]
    return [line for line in lines if line["event"] == name]


def limited(world: World, limits: GuardLimits) -> None:
    """Give alice's key limits of its own."""
    settings = world.services.settings
    keys = tuple(
        key
        if key.owner != world.owners["alice"]
        else key.model_copy(update={"limits": key.limits.model_copy(update={"guards": limits})})
        for key in settings.api_keys
    )
    changed: Settings = settings.model_copy(update={"api_keys": keys})
    world.services = replace(world.services, settings=changed)
