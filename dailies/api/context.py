"""What every route needs: the services, the orchestration engine, and who is calling."""

from __future__ import annotations

import functools
import hmac
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, FastAPI, Request, Security
from fastapi.security import APIKeyHeader, HTTPBearer

from dailies.api.observe import note
from dailies.api.principal import principal_of
from dailies.api.rates import count_request
from dailies.engine import Orchestrations
from dailies.owners.issued import KeyState, digest_of, key_id_in
from dailies.owners.key import Key
from dailies.services import Services
from dailies.settings import Settings
from dailies.video.errors import Forbidden, InvalidRequest, Unauthenticated

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

_STRICT_PATHS = ("/v1/admin/", "/v1/video_batches")
_OF_AZURE = frozenset({"code", "api-version"})
"""Parameters that hosts and clients of Azure add to any request."""
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
    ``scope["state"]``. ``doubts`` tells what is odd about the settings, a line each."""

    services: Services
    orchestrations: Orchestrations
    doubts: Callable[[], Sequence[str]] = tuple


@dataclass(frozen=True, slots=True)
class Owner:
    """Who is calling: each key stands for an owner, with its own videos. An operator who comes with
    a token of Entra's is an owner too, with a key that nobody can present."""

    name: str
    key: Key
    is_operator: bool = False


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


def _operator_by_role(request: Request, settings: Settings) -> Owner | None:
    """The operator whose token came with the request; None where none did.

    Raises:
        Forbidden: it is somebody's who is no operator.
    """
    principal = principal_of(request, settings)
    if principal is None:
        return None
    if settings.admin_role not in principal.roles:
        raise Forbidden(
            f"Your identity is known, but has not the app role '{settings.admin_role}' that "
            "operators need. Ask for it, or use a key.",
            code="admin_role_required",
        )
    name = f"entra-{principal.object_id}"
    return Owner(name, Key(id=name, owner=name, digest=""), is_operator=True)


async def _identify(request: Request, context: Context) -> Owner:
    """Whose token or key came with the request.

    Raises:
        Forbidden: the token of an identity without the operators' role.
        Unauthenticated: there is no key, or one that is not known or not taken any more.
        Unavailable: it may be an issued key, and storage does not answer.
        azure.core.exceptions.AzureError: the same.
    """
    settings = context.services.settings
    operator = _operator_by_role(request, settings)
    if operator is not None:
        return operator
    presented = _presented_key(request)
    if presented is None:
        raise Unauthenticated(
            "No API key provided. Send it as 'Authorization: Bearer <key>' or 'api-key: <key>'.",
            code="missing_api_key",
        )
    digest = digest_of(presented)
    key, admin_key = _find(settings.api_keys, digest), _find(settings.admin_keys, digest)
    key = admin_key or key
    if key is None:
        key = await _find_issued(context.services, presented, digest)
    if key is None:
        raise Unauthenticated("Incorrect API key provided.", code="invalid_api_key")
    return Owner(key.owner, key, is_operator=admin_key is not None)


async def authenticate(request: Request, context: Context) -> Owner:
    """Who is calling.

    Raises:
        Forbidden: an identity of Entra's without the operators' role.
        Unauthenticated: there is no key, or one that is not known or not taken any more.
        Unavailable: it may be an issued key, and storage does not answer.
        azure.core.exceptions.AzureError: the same.
        TooMany: the key may make no more requests in this minute.
    """
    owner = await _identify(request, context)
    note(request, owner=owner.name, key_id=owner.key.id)
    await count_request(request, context.services, owner.key)
    return owner


async def still_stands(request: Request, context: Context) -> bool:
    """Whether the key that came with a request would be taken again.

    Raises:
        Unavailable: storage does not answer, so nobody knows.
        azure.core.exceptions.AzureError: the same.
    """
    try:
        await _identify(request, context)
    except (Forbidden, Unauthenticated):
        return False
    return True


# A coroutine, though it waits for nothing: FastAPI sends a plain function to a thread, which costs
# more than what it does.
async def _context(request: Request) -> Context:
    return context_of(request)


RequestContext = Annotated[Context, Depends(_context)]


async def _caller(request: Request, context: RequestContext) -> Owner:
    owner = await authenticate(request, context)
    _check_query(request)
    return owner


def _check_query(request: Request) -> None:
    """Whether the route knows each parameter of the query, and each comes once: a mistake in one
    would change or tell of more than what was meant.

    Raises:
        InvalidRequest: one is not known, or there twice.
    """
    path = "/v1" + request.scope["route"].path.removeprefix("/openai").removeprefix("/v1")
    if not path.startswith(_STRICT_PATHS):
        return
    known = _query_of(request.app, path, request.method.lower())
    names = [name for name, _ in request.query_params.multi_items() if name not in _OF_AZURE]
    for name in names:
        if name not in known:
            choice = f"Known are: {', '.join(known)}." if known else "It takes none."
            raise InvalidRequest(
                f"Unknown query parameter '{name[:64]}'. {choice}",
                param=name[:64],
                code="unknown_parameter",
            )
        if names.count(name) > 1:
            raise InvalidRequest(
                f"The query parameter '{name}' is there more than once. Give it once.",
                param=name,
                code="repeated_parameter",
            )


@functools.cache
def _query_of(app: FastAPI, path: str, method: str) -> tuple[str, ...]:
    """The parameters that the OpenAPI document tells of a route's query."""
    operations = app.openapi()["paths"].get(path, {})
    operation = operations.get(method) or operations.get("get", {})
    given = operation.get("parameters", ())
    return tuple(each["name"] for each in given if each["in"] == "query")


async def _admin(request: Request, context: RequestContext) -> Owner:
    owner = await authenticate(request, context)
    if not owner.is_operator:
        raise Forbidden(
            "This route is for operators. Use an operator's key, or create the video with POST "
            "/v1/videos.",
            code="admin_key_required",
        )
    _check_query(request)
    return owner


Caller = Annotated[Owner, Depends(_caller)]
Admin = Annotated[Owner, Depends(_admin)]
