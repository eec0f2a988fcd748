"""What a request says of its own sending, and how long it may wait until it is recorded."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import Request

from dailies.api.context import Context
from dailies.stores.resends import Sending
from dailies.video.errors import InvalidRequest, Unavailable

__all__ = ["LONGEST_ACCEPT_SECONDS", "idempotency_key", "in_time", "retry_count", "sending_of"]

_MOST_KEY_CHARACTERS = 255
# What official clients, which Stainless generates, say of how often they have sent a request again.
_RETRY_COUNT = "x-stainless-retry-count"
_MOST_DIGITS = 3
# Well within what clients and gateways wait for an answer.
LONGEST_ACCEPT_SECONDS = 15.0


@asynccontextmanager
async def in_time(seconds: float = LONGEST_ACCEPT_SECONDS) -> AsyncIterator[None]:
    """What storage must do before a caller gets an answer, in so many seconds.

    Raises:
        Unavailable: it did not, in time. Then nobody knows whether the video was recorded; a caller
            that wants to be sure of one video sends an Idempotency-Key.
    """
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise Unavailable(
            "Storage does not answer at the moment. Send the request again, with the same "
            "Idempotency-Key if you gave one: then it makes one video at most.",
            retry_after=10,
            code="storage_unavailable",
        ) from None


async def sending_of(context: Context, request: Request, owner: str) -> Sending | None:
    """Which sending of a create this is; None where an Idempotency-Key decides.

    To be asked before the body is read: a resend of this request may come meanwhile.

    Raises:
        InvalidRequest: the Idempotency-Key is too long.
        Unavailable: storage did not answer in time.
    """
    if idempotency_key(request) is not None:
        return None
    async with in_time():
        epoch = await context.services.records.epoch(owner)
    return Sending(retry_count(request), epoch)


def retry_count(request: Request) -> int:
    """How often the client says that it has sent this request before; 0 where it says nothing."""
    text = request.headers.get(_RETRY_COUNT, "")
    is_count = text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS
    return int(text) if is_count else 0


def idempotency_key(request: Request) -> str | None:
    """The header ``Idempotency-Key``.

    Raises:
        InvalidRequest: it is longer than 255 characters.
    """
    key = request.headers.get("idempotency-key")
    if key is not None and len(key) > _MOST_KEY_CHARACTERS:
        raise InvalidRequest(
            f"The Idempotency-Key is longer than {_MOST_KEY_CHARACTERS} characters.",
            code="invalid_idempotency_key",
        )
    return key or None
