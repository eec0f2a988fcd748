"""How the app proves itself to Google Cloud without a stored key: workload identity federation.

A token of the app's own identity is exchanged at Google's security token service (RFC 8693) for one
of Google's, and that, where a service account is named, for a token of the account. google-auth
speaks both protocols; its one async transport does not reach external accounts, so the exchange
runs in a thread. ``azure_auth.Tokens`` keeps the result, renews it in time and one at a time.

Sources: google-auth 2.63 (``identity_pool``, ``oauth2.sts``, ``impersonated_credentials``) and
Google's guide to federation with Azure. Never tried live.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC
from functools import cache, partial
from typing import TYPE_CHECKING, Annotated

import httpx
from azure.core.credentials import AccessTokenInfo
from pydantic import Field

from dailies.providers.azure_auth import EntraAuth, TokenCredential, TokenFailure, Tokens
from dailies.providers.declaration import Options
from dailies.providers.error_text import readable
from dailies.providers.key_auth import HeaderKeyAuth
from dailies.providers.outcomes import Kind, Outcome
from dailies.threads import Pool

if TYPE_CHECKING:
    from azure.core.credentials import TokenRequestOptions

__all__ = [
    "CLOUD_SCOPE",
    "Address",
    "FederatedCredential",
    "FederationOptions",
    "GoogleKeyAuth",
    "ProviderName",
    "Scope",
    "federated",
]

CLOUD_SCOPE = "https://www.googleapis.com/auth/cloud-platform"

_SUBJECT_TYPE = "urn:ietf:params:oauth:token-type:jwt"
_PROVIDER = (
    r"^//iam\.googleapis\.com/projects/[0-9]+/locations/global/"
    r"workloadIdentityPools/[a-z0-9-]+/providers/[a-z0-9-]+$"
)
_ACCOUNT = r"^[a-z0-9.-]+@[a-z0-9.-]+\.gserviceaccount\.com$"
_TIMEOUT = httpx.Timeout(20, connect=10)


ProviderName = Annotated[str, Field(pattern=_PROVIDER)]
Scope = Annotated[str, Field(pattern=r"^[a-z][a-z0-9+.-]*:\S+$")]
Address = Annotated[str, Field(pattern=r"^https?://[^/?#@]+(?:/[^?#@]*[^/?#@])?$")]


@cache
def _threads() -> Pool:
    return Pool("google-auth", threads=2, seconds=60)


class FederationOptions(Options):
    """The part of a deployment's ``options`` by which the app signs in to Google Cloud.

    Attributes:
        workload_identity_provider: the full name of the pool's provider, which trusts the tenant.
        subject_scope: for what a token of the app's identity is asked: the application id URI that
            the provider allows as audience, with ``/.default``.
        service_account: whose token is used in the end; None for the federated identity itself.
        sts_endpoint, iam_endpoint: Google's services that exchange tokens.
    """

    workload_identity_provider: ProviderName
    subject_scope: Scope
    service_account: str | None = Field(default=None, pattern=_ACCOUNT)
    sts_endpoint: Address = "https://sts.googleapis.com"
    iam_endpoint: Address = "https://iamcredentials.googleapis.com"


class GoogleKeyAuth(HeaderKeyAuth):
    """The header ``x-goog-api-key``."""

    header = "x-goog-api-key"


def federated(options: FederationOptions, credential: Callable[[], TokenCredential]) -> httpx.Auth:
    """Bearer tokens of Google for the app's identity; see ``Provider.auth``."""
    return EntraAuth(Tokens(FederatedCredential(credential(), options), CLOUD_SCOPE))


class FederatedCredential:
    """Google's tokens for an identity of Azure, as a ``TokenCredential``."""

    def __init__(
        self,
        credential: TokenCredential,
        options: FederationOptions,
        *,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """Ask for nothing yet.

        Args:
            credential: the app's own identity.
            transport: takes the place of the network in tests.
        """
        self._credential = credential
        self._options = options
        self._transport = transport

    async def get_token_info(
        self, *scopes: str, options: TokenRequestOptions | None = None
    ) -> AccessTokenInfo:
        """A fresh token for Google's ``scopes``.

        Raises:
            AzureError: the identity gave no token to exchange.
            TokenFailure: Google did not exchange it.
        """
        from google.auth.exceptions import GoogleAuthError

        subject = await self._credential.get_token_info(self._options.subject_scope)
        try:
            return await _threads().run(partial(self._exchange, subject.token, scopes))
        except GoogleAuthError as error:
            raise TokenFailure(_outcome(error)) from error
        except TimeoutError as error:
            raise TokenFailure(_unavailable(error)) from error
        except (ValueError, KeyError, TypeError) as error:
            # google-auth reads an answer of 200 with trust: this one was no token.
            raise TokenFailure(_unavailable(error)) from error

    def _exchange(self, subject: str, scopes: tuple[str, ...]) -> AccessTokenInfo:
        from google.auth import identity_pool

        account = self._options.service_account
        with httpx.Client(timeout=_TIMEOUT, transport=self._transport) as client:
            credentials = identity_pool.Credentials(
                audience=self._options.workload_identity_provider,
                subject_token_type=_SUBJECT_TYPE,
                token_url=f"{self._options.sts_endpoint}/v1/token",
                subject_token_supplier=_Given(subject),
                service_account_impersonation_url=account
                and f"{self._options.iam_endpoint}/v1/projects/-/serviceAccounts/{account}"
                ":generateAccessToken",
                scopes=list(scopes),
            )
            credentials.refresh(partial(_send, client))
        token, expiry = credentials.token, credentials.expiry
        if not isinstance(token, str) or not token or expiry is None:
            raise ValueError("the answer has no token")
        return AccessTokenInfo(token, int(expiry.replace(tzinfo=UTC).timestamp()))


class _Given:
    """A ``SubjectTokenSupplier`` of google-auth with a token that is there already."""

    def __init__(self, token: str) -> None:
        self._token = token

    def get_subject_token(self, context: object, request: object) -> str:
        return self._token


@dataclass(frozen=True, slots=True)
class _Answer:
    """A ``Response`` of google-auth's transports."""

    status: int
    headers: Mapping[str, str]
    data: bytes


def _send(
    client: httpx.Client,
    url: str,
    method: str = "GET",
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    timeout: float | None = None,
    **_: object,
) -> _Answer:
    """A ``Request`` of google-auth's transports.

    Raises:
        google.auth.exceptions.TransportError: what usually passes: no answer, or none that says
            anything of the identity. google-auth itself would take a 503 for a refusal.
    """
    from google.auth.exceptions import TransportError

    try:
        answer = client.request(method, url, content=body, headers=headers)
    except httpx.RequestError as error:
        raise TransportError(type(error).__name__) from error
    if answer.status_code in (408, 429) or answer.status_code >= 500:
        raise TransportError(f"HTTP status {answer.status_code}")
    return _Answer(answer.status_code, answer.headers, answer.content)


def _outcome(error: Exception) -> Outcome:
    from google.auth.exceptions import TransportError

    if isinstance(error, TransportError):
        return _unavailable(error)
    return Outcome(
        Kind.UNAUTHORISED,
        code="no_token",
        message="This service has no identity that the provider knows. Nothing was made. Only its "
        "operator can mend that: the log says how.",
        remedy="Google gave no token for the app's identity. Check the options "
        "workload_identity_provider and subject_scope (the provider of the pool must trust the "
        "tenant and allow that audience), and that the identity may use the service_account "
        "(role 'Workload Identity User').",
        detail=readable(str(error)),
    )


def _unavailable(error: Exception) -> Outcome:
    return Outcome(
        Kind.TRANSIENT,
        code="token_unavailable",
        message=f"The identity endpoint gave no token ({type(error).__name__}); this usually "
        "passes.",
    )
