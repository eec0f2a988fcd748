"""The requests of a key that is limited to so many a minute: counted, refused, and told.

``x-ratelimit-…`` are OpenAI's headers, which its clients and LiteLLM know; official clients wait as
``Retry-After`` says and try again by themselves.
"""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import Request
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dailies.owners.key import Key
from dailies.services import Services
from dailies.stores.rates import Rate
from dailies.video.errors import TooMany

__all__ = ["RateHeaders", "count_request"]

_STATE = "dailies_rate"


async def count_request(request: Request, services: Services, key: Key) -> None:
    """Count a request of the key, if that is limited.

    Raises:
        TooMany: its limit for this minute is used up.
        Unavailable: it can't be counted.
        azure.core.exceptions.AzureError: the same.
    """
    limit = key.limits.requests_per_minute
    if limit is None:
        return
    rate = await services.rates.take(key.id, limit, services.clock())
    setattr(request.state, _STATE, _headers(rate))
    if not rate.allowed:
        raise TooMany(
            f"Rate limit reached for this key: {limit} requests per minute. Please try again in "
            f"{rate.reset_seconds}s.",
            retry_after=rate.reset_seconds,
            code="rate_limit_exceeded",
            type="requests",
        )


def _headers(rate: Rate) -> Mapping[str, str]:
    return {
        "x-ratelimit-limit-requests": str(rate.limit),
        "x-ratelimit-remaining-requests": str(rate.remaining),
        "x-ratelimit-reset-requests": f"{rate.reset_seconds}s",
    }


class RateHeaders:
    """Middleware that tells in each answer, whatever it is, where its key stands."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state = scope.setdefault("state", {})

        async def send_with_rate(message: Message) -> None:
            if message["type"] == "http.response.start" and _STATE in state:
                MutableHeaders(scope=message).update(state[_STATE])
            await send(message)

        await self._app(scope, receive, send_with_rate)
