"""What every route needs: the services, the orchestration engine, and who is calling."""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyHeader, HTTPBearer

from dailies.api.observe import note
from dailies.api.rates import count_request
from dailies.engine import Orchestrations
from dailies.owners.issued import KeyState, digest_of, key_id_in
from dailies.owners.key import Key
from dailies.services import Services
from dailies.video.errors import Forbidden, Unauthenticated

__all__ = [
    "SECURITY",
    "Admin",
    "Caller",
    "Context",
    "Owner",
    "RequestContext",
    "authenticate",
    "context_of",
    "still_stands",
]

_HEADERS = ("api-key", "x-functions-key", "x-litellm-api-key")

# Only describe the keys to the OpenAPI document; ``_presented_key`` reads them itself.
SECURITY = [
    Security(HTTPBearer(auto_error=False, scheme_name="bearer")),
    *(Security(APIKeyHeader(name=n, auto_error=False, scheme_name=n)) for n in _HEADERS),
]
"""For the routers whose routes need a key."""


@dataclass(frozen=True, slots=True)
class Context:
    """The parts that a request is served with; the trigger puts a function that gives it into
    ``scope["state"]``."""

    services: Services
    orchestrations: Orchestrations


@dataclass(frozen=True, slots=True)
class Owner:
    """Who is calling: each key stands for an owner, with its own videos."""

    name: str
    key: Key


def context_of(request: Request) -> Context:
    """What the request is served with.

    Raises:
        SettingsError: the app can't be built from its settings.
    """
    context: Context = request.state.dailies()
    return context


def _presented_key(request: Request) -> str | None:
    """The key as clients send it: a Bearer token, or one of the headers for keys."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip()
    for name in _HEADERS:
        value = request.headers.get(name)
        if value:
            # LiteLLM's callers also write "Bearer sk-…" into its own header.
            return value.removeprefix("Bearer ").strip()
    return None


def _find(keys: Iterable[Key], digest: str) -> Key | None:
    """The key with that hash; every key is compared, in constant time."""
    found = None
    for key in keys:
        if hmac.compare_digest(key.digest, digest):
            found = key
    return found


async def _find_issued(services: Services, presented: str, digest: str) -> Key | None:
    """The issued key that this is a secret of.

    Raises:
        Unauthenticated: it is known, and not taken any more.
        Unavailable: storage does not answer, so nobody knows.
    """
    key_id = key_id_in(presented)
    if key_id is None:
        return None
    now = services.clock()
    issued = await services.keys.find(key_id, now)
    key = None if issued is None else issued.opened_by(digest, now)
    if issued is None or key is None:
        return None
    state = issued.state(now)
    if state is not KeyState.ACTIVE:
        raise Unauthenticated(f"This API key is {state}.", code=f"api_key_{state}")
    return key


async def _known_key(request: Request, context: Context) -> Key:
    """The key that came with the request.

    Raises:
        Unauthenticated: there is no key, or one that is not known or not taken any more.
        Unavailable: it may be an issued key, and storage does not answer.
        azure.core.exceptions.AzureError: the same.
    """
    settings = context.services.settings
    presented = _presented_key(request)
    if presented is None:
        raise Unauthenticated(
            "No API key provided. Send it as 'Authorization: Bearer <key>' or 'api-key: <key>'.",
            code="missing_api_key",
        )
    digest = digest_of(presented)
    key = _find((*settings.api_keys, *settings.admin_keys), digest)
    if key is None:
        key = await _find_issued(context.services, presented, digest)
    if key is None:
        raise Unauthenticated("Incorrect API key provided.", code="invalid_api_key")
    return key


async def authenticate(request: Request, context: Context) -> Owner:
    """Who is calling.

    Raises:
        Unauthenticated: there is no key, or one that is not known or not taken any more.
        Unavailable: it may be an issued key, and storage does not answer.
        azure.core.exceptions.AzureError: the same.
        TooMany: the key may make no more requests in this minute.
    """
    key = await _known_key(request, context)
    note(request, owner=key.owner, key_id=key.id)
    await count_request(request, context.services, key)
    return Owner(key.owner, key)


async def still_stands(request: Request, context: Context) -> bool:
    """Whether the key that came with a request would be taken again.

    Raises:
        Unavailable: storage does not answer, so nobody knows.
        azure.core.exceptions.AzureError: the same.
    """
    try:
        await _known_key(request, context)
    except Unauthenticated:
        return False
    return True


# A coroutine, though it waits for nothing: FastAPI sends a plain function to a thread, which costs
# more than what it does.
async def _context(request: Request) -> Context:
    return context_of(request)


RequestContext = Annotated[Context, Depends(_context)]


async def _caller(request: Request, context: RequestContext) -> Owner:
    return await authenticate(request, context)


async def _admin(request: Request, context: RequestContext) -> Owner:
    owner = await authenticate(request, context)
    if _find(context.services.settings.admin_keys, owner.key.digest) is None:
        raise Forbidden(
            "This route is for operators. Use an operator's key, or create the video with POST "
            "/v1/videos.",
            code="admin_key_required",
        )
    return owner


Caller = Annotated[Owner, Depends(_caller)]
Admin = Annotated[Owner, Depends(_admin)]
