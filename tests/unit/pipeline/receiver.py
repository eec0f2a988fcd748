"""Receivers of webhooks, in memory: what they were sent, and what they answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from dailies.net.posting import Posted, WebhookPoster
from tests.unit.pipeline.memory import Point, no_point

__all__ = ["DEAD", "OK", "Call", "Receivers"]

OK = Posted(0.1, status=200)
DEAD = Posted(15.0, fault="timed_out")


@dataclass(frozen=True)
class Call:
    """What was sent once."""

    at: float
    url: str
    body: str
    headers: Mapping[str, str]

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def event(self) -> dict[str, Any]:
        event: dict[str, Any] = json.loads(self.body)
        return event


class Receivers(WebhookPoster):
    """``WebhookPoster`` whose addresses are those of the public internet, and none is called.

    ``answers`` has the answer by address; of what is not in it, it is success.
    """

    def __init__(self, clock: Callable[[], float], point: Point = no_point) -> None:
        super().__init__()
        self.point = point
        self.calls: list[Call] = []
        self.answers: dict[str, Posted] = {}
        self._clock = clock

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Posted:
        await self.point("post begins")
        self.calls.append(Call(self._clock(), url, body.decode(), headers))
        await self.point("post ended")
        return self.answers.get(url, OK)

    def ids(self, url: str) -> list[str]:
        """Of the events that an address was sent, each attempt one."""
        return [call.id for call in self.calls if call.url == url]
