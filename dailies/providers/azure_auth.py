"""How the app proves itself to Azure: tokens of its identity.

One credential serves the whole app (``azure_credential``). For the providers, which are called with
httpx, ``Tokens`` keeps the token between calls: azure-identity keeps one too, but would fetch one
for each of many calls that start at once, and some of its credentials keep none.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import logging
import re
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Protocol

import httpx
from azure.core.exceptions import (
    AzureError,
    HttpResponseError,
    IncompleteReadError,
    ServiceRequestError,
    ServiceResponseError,
)

from dailies.providers.error_text import readable
from dailies.providers.key_auth import ApiKeyAuth, BearerKeyAuth
from dailies.providers.outcomes import Kind, Outcome
from dailies.telemetry.logs import log_event

if TYPE_CHECKING:
    from azure.core.credentials import AccessTokenInfo, TokenRequestOptions
    from azure.identity.aio import DefaultAzureCredential, ManagedIdentityCredential

__all__ = [
    "SCOPE",
    "TOKEN_FAILURES",
    "ApiKeyAuth",  # from here, providers of operators' own have them
    "BearerKeyAuth",
    "EntraAuth",
    "TokenCredential",
    "TokenFailure",
    "Tokens",
    "azure_credential",
    "classify_token_failure",
]

SCOPE = "https://cognitiveservices.azure.com/.default"

_LONGEST_CHALLENGE = 8192
_MARGIN = 300.0
"""Seconds before its expiry that a token is renewed (a fifth of its life, if that is less)."""

_PAUSE = 30.0
"""Seconds between attempts to renew a token that still works, or that was refused."""


class TokenFailure(Exception):
    """Another issuer than Azure gave no token for a call, so nothing was sent.

    Attributes:
        outcome: of the call.
    """

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.code)
        self.outcome = outcome


TOKEN_FAILURES = (AzureError, TokenFailure)
"""Why there may be no token for a call; ``classify_token_failure`` tells what each means."""


class TokenCredential(Protocol):
    """The part of an azure-identity credential that is needed here; others may have it, too.

    ``get_token_info`` raises one of ``TOKEN_FAILURES``.
    """

    async def get_token_info(
        self, *scopes: str, options: TokenRequestOptions | None = None
    ) -> AccessTokenInfo: ...


def azure_credential(
    client_id: str | None, environ: Mapping[str, str]
) -> DefaultAzureCredential | ManagedIdentityCredential:
    """The app's own identity, shared by everything that talks to Azure; to be closed at the end.

    On App Service and Functions (which set ``IDENTITY_ENDPOINT``) that is the managed identity
    itself, ``client_id`` naming a user-assigned one. There, ``DefaultAzureCredential`` would only
    add guesses: a passing fault of the endpoint makes it start command-line tools, and it hides
    whether a fault will pass. Everywhere else, and when a service principal is configured, it is
    ``DefaultAzureCredential``, which also takes ``client_id``.
    """
    from azure.identity.aio import DefaultAzureCredential, ManagedIdentityCredential

    principal = environ.get("AZURE_CLIENT_SECRET") or environ.get("AZURE_CLIENT_CERTIFICATE_PATH")
    if environ.get("IDENTITY_ENDPOINT") and not principal:
        # Without these, azure-core waits five minutes for an endpoint that does not answer.
        return ManagedIdentityCredential(
            client_id=client_id, connection_timeout=10, read_timeout=30
        )
    return DefaultAzureCredential(managed_identity_client_id=client_id)


class Tokens:
    """The token for one scope: fetched once, however many ask at once, and renewed in time."""

    def __init__(
        self,
        credential: TokenCredential,
        scope: str = SCOPE,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._credential = credential
        self._scope = scope
        self._clock = clock
        self._lock = asyncio.Lock()
        self._info: AccessTokenInfo | None = None
        self._renew_at = 0.0
        self._forced_at = float("-inf")

    async def get(self) -> str:
        """A token that is valid for now.

        Raises:
            AzureError, TokenFailure: none could be had; see ``classify_token_failure``.
        """
        if self._info is not None and self._clock() < self._renew_at:
            return self._info.token
        async with self._lock:
            now = self._clock()
            if self._info is not None and now < self._renew_at:
                return self._info.token
            try:
                return self._keep(await self._credential.get_token_info(self._scope))
            except TOKEN_FAILURES as error:
                if self._info is None or self._info.expires_on - _PAUSE <= now:
                    raise
                # The present one serves on.
                log_event("token_not_renewed", level=logging.WARNING, fault=error)
                self._renew_at = now + _PAUSE
                return self._info.token

    async def replace(self, refused: str, claims: str | None = None) -> str | None:
        """Another token than the one that was refused; None when there is none.

        Args:
            claims: the claims challenge that came with the refusal, if any.

        Raises:
            AzureError, TokenFailure: as ``get``.
        """
        async with self._lock:
            if self._info is not None and self._info.token != refused:
                return self._info.token  # another call has replaced it meanwhile
            now = self._clock()
            if now < self._forced_at + _PAUSE:
                return None
            self._forced_at = now
            fresh = self._keep(await self._fetch_past_cache(claims))
            return fresh if fresh != refused else None

    async def _fetch_past_cache(self, claims: str | None) -> AccessTokenInfo:
        """azure-identity answers from its own cache, except to a request that has claims. Managed
        identities drop them afterwards, so for those any will do."""
        from azure.identity.aio import ManagedIdentityCredential

        if claims is None and isinstance(self._credential, ManagedIdentityCredential):
            claims = "{}"
        if claims is None:
            return await self._credential.get_token_info(self._scope)
        return await self._credential.get_token_info(self._scope, options={"claims": claims})

    def _keep(self, info: AccessTokenInfo) -> str:
        now = self._clock()
        margin = min(_MARGIN, (info.expires_on - now) / 5)
        refresh_on = info.refresh_on if info.refresh_on is not None else info.expires_on
        self._info = info
        self._renew_at = min(float(refresh_on), info.expires_on - margin)
        return info.token


class EntraAuth(httpx.Auth):
    """Bearer tokens; after a 401 the request is sent once more with a fresh one.

    That is safe for every request, also one that creates a job: what is answered by 401 was not
    done.
    """

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    async def async_auth_flow(
        self, request: httpx.Request
    ) -> AsyncGenerator[httpx.Request, httpx.Response]:
        token = await self._tokens.get()
        request.headers["Authorization"] = f"Bearer {token}"
        response = yield request
        if response.status_code != httpx.codes.UNAUTHORIZED:
            return
        fresh = await self._tokens.replace(token, _claims_challenge(response.headers))
        if fresh is not None:
            request.headers["Authorization"] = f"Bearer {fresh}"
            yield request


def classify_token_failure(error: AzureError | TokenFailure) -> Outcome:
    """The outcome of a call for which no token could be had; surely nothing was sent.

    A fault of the network or of the token endpoint passes; an identity that does not exist, or may
    not have a token, does not. azure-identity wraps the one in the other, so the whole chain of
    causes is looked at. (``DefaultAzureCredential`` drops the causes: its failures are final.)
    """
    if isinstance(error, TokenFailure):
        return error.outcome
    if any(_will_pass(cause) for cause in _causes(error)):
        return Outcome(
            Kind.TRANSIENT,
            code="token_unavailable",
            message=f"The identity endpoint gave no token ({type(error).__name__}); "
            "this usually passes.",
        )
    return Outcome(
        Kind.UNAUTHORISED,
        code="no_token",
        message="This service has no identity that the provider knows. Nothing was made. Only its "
        "operator can mend that: the log says how.",
        remedy="The app could get no token for its identity. Assign a managed identity to the app "
        "(AZURE_CLIENT_ID must be the client id of a user-assigned one); on your own machine, run "
        "'az login'.",
        detail=readable(str(error.message)),
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        cause = cause.__cause__ or cause.__context__


def _will_pass(error: BaseException) -> bool:
    if isinstance(
        error, ServiceRequestError | ServiceResponseError | IncompleteReadError | OSError
    ):
        return True  # OSError holds TimeoutError and all faults of sockets
    if isinstance(error, HttpResponseError):
        status = error.status_code or 0
        return status in {408, 410, 429} or status >= 500  # 410: IMDS is being updated
    return False


def _claims_challenge(headers: httpx.Headers) -> str | None:
    """The claims of a ``WWW-Authenticate: Bearer … claims="<base64url>"`` header, as JSON."""
    challenge = headers.get("www-authenticate", "")[:_LONGEST_CHALLENGE]
    found = re.search(r'\bclaims="([A-Za-z0-9_\-+/=]+)"', challenge)
    if found is None:
        return None
    encoded = found[1].rstrip("=").replace("+", "-").replace("/", "_")
    try:
        return base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
