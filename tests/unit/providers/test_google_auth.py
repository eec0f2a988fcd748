"""The app's identity at Google: its token is exchanged, and a refusal is told from an outage."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
from azure.core.credentials import AccessTokenInfo
from azure.core.exceptions import ClientAuthenticationError
from pydantic import SecretStr, ValidationError

from dailies.providers.azure_auth import EntraAuth, TokenFailure, Tokens, classify_token_failure
from dailies.providers.classify import Call, CallContext
from dailies.providers.google_auth import (
    CLOUD_SCOPE,
    FederatedCredential,
    FederationOptions,
    GoogleKeyAuth,
)
from dailies.providers.outcomes import Kind, Outcome
from dailies.providers.wire import Wire

PROVIDER = (
    "//iam.googleapis.com/projects/12345/locations/global/workloadIdentityPools/azure/"
    "providers/tenant"
)
ACCOUNT = "videos@project-1.iam.gserviceaccount.com"
OPTIONS = FederationOptions(
    workload_identity_provider=PROVIDER, subject_scope="api://dailies-google/.default"
)
AS_ACCOUNT = OPTIONS.model_copy(update={"service_account": ACCOUNT})


class Identity:
    """The app's own identity."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.scopes: list[str] = []

    async def get_token_info(self, *scopes: str, options: Any = None) -> AccessTokenInfo:
        self.scopes += scopes
        if self.error is not None:
            raise self.error
        return AccessTokenInfo("entra-token", int(time.time()) + 3600)


class Google:
    """The token services; ``answers`` by the last part of the path."""

    def __init__(self, **answers: httpx.Response | Exception) -> None:
        by_default: dict[str, httpx.Response | Exception] = {
            "token": httpx.Response(
                200,
                json={
                    "access_token": "federated-token",
                    "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
                    "token_type": "Bearer",
                    "expires_in": 3599,
                },
            ),
            "generateAccessToken": httpx.Response(
                200, json={"accessToken": "account-token", "expireTime": "2999-01-02T03:04:05Z"}
            ),
        }
        self.answers = by_default | answers
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers[request.url.path.replace(":", "/").rpartition("/")[2]]
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(answer.status_code, content=answer.content)

    def credential(
        self, options: FederationOptions = OPTIONS, identity: Identity | None = None
    ) -> FederatedCredential:
        transport = httpx.MockTransport(self)
        return FederatedCredential(identity or Identity(), options, transport=transport)


async def failure(get: Callable[[], Any]) -> Outcome:
    with pytest.raises(TokenFailure) as caught:
        await get()
    return classify_token_failure(caught.value)


async def test_a_token_of_the_identity_is_exchanged() -> None:
    google, identity = Google(), Identity()

    info = await google.credential(identity=identity).get_token_info(CLOUD_SCOPE)

    assert info.token == "federated-token"
    assert abs(info.expires_on - time.time() - 3599) < 60
    assert identity.scopes == ["api://dailies-google/.default"]
    (request,) = google.requests
    assert str(request.url) == "https://sts.googleapis.com/v1/token"
    assert parse_qs(request.content.decode()) == {
        "grant_type": ["urn:ietf:params:oauth:grant-type:token-exchange"],
        "audience": [PROVIDER],
        "scope": [CLOUD_SCOPE],
        "requested_token_type": ["urn:ietf:params:oauth:token-type:access_token"],
        "subject_token": ["entra-token"],
        "subject_token_type": ["urn:ietf:params:oauth:token-type:jwt"],
    }


async def test_and_that_for_one_of_a_service_account() -> None:
    google = Google()

    info = await google.credential(AS_ACCOUNT).get_token_info(CLOUD_SCOPE)

    assert (info.token, info.expires_on) == ("account-token", 32_472_241_445)
    first, second = google.requests
    assert first.url.path == "/v1/token"
    assert str(second.url) == (
        "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/"
        f"{ACCOUNT}:generateAccessToken"
    )
    assert second.headers["authorization"] == "Bearer federated-token"
    assert json.loads(second.content)["scope"] == [CLOUD_SCOPE]


async def test_many_calls_share_one_exchange() -> None:
    google = Google()
    tokens = Tokens(google.credential(), CLOUD_SCOPE)

    got = await asyncio.gather(*(tokens.get() for _ in range(20)))

    assert set(got) == {"federated-token"}
    assert len(google.requests) == 1


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(503, text="<html>busy</html>"),
        httpx.Response(429, json={"error": "slow_down"}),
        httpx.Response(200, text="<html>a proxy</html>"),
        httpx.Response(200, json={}),
        httpx.Response(200, json={"access_token": "t", "expires_in": None}),
        httpx.Response(200, json={"access_token": None, "expires_in": 60}),
        httpx.ConnectError("refused"),
        httpx.ReadTimeout("slow"),
    ],
    ids=str,
)
async def test_an_exchange_that_may_work_later(answer: httpx.Response | Exception) -> None:
    google = Google(token=answer)

    outcome = await failure(lambda: google.credential().get_token_info(CLOUD_SCOPE))

    assert (outcome.kind, outcome.code) == (Kind.TRANSIENT, "token_unavailable")


@pytest.mark.parametrize(
    ("part", "options", "answer"),
    [
        (
            "token",
            OPTIONS,
            httpx.Response(
                400,
                json={
                    "error": "invalid_grant",
                    "error_description": "The audience in ID Token does not match the expected "
                    "audience.",
                },
            ),
        ),
        (
            "generateAccessToken",
            AS_ACCOUNT,
            httpx.Response(
                403,
                json={
                    "error": {
                        "code": 403,
                        "message": "Permission 'iam.serviceAccounts.getAccessToken' denied",
                        "status": "PERMISSION_DENIED",
                    }
                },
            ),
        ),
    ],
)
async def test_an_exchange_that_is_refused(
    part: str, options: FederationOptions, answer: httpx.Response
) -> None:
    google = Google(**{part: answer})

    outcome = await failure(lambda: google.credential(options).get_token_info(CLOUD_SCOPE))

    assert (outcome.kind, outcome.code) == (Kind.UNAUTHORISED, "no_token")
    assert outcome.remedy is not None
    assert "workload_identity_provider" in outcome.remedy
    assert "entra-token" not in repr(outcome)


async def test_a_failure_of_the_apps_own_identity_stays_what_it_is() -> None:
    identity = Identity(ClientAuthenticationError("no identity"))
    with pytest.raises(ClientAuthenticationError):
        await Google().credential(identity=identity).get_token_info(CLOUD_SCOPE)


async def test_a_call_without_a_token_is_not_sent() -> None:
    google = Google(token=httpx.ConnectError("refused"))
    sent: list[httpx.Request] = []

    def provider(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200)

    async with httpx.AsyncClient(transport=httpx.MockTransport(provider)) as client:
        auth = EntraAuth(Tokens(google.credential(), CLOUD_SCOPE))
        wire = Wire(client, auth, CallContext("one.example", "model"))
        outcome = await wire.call(Call.CREATE, wire.request("POST", "https://one.example"))

    assert isinstance(outcome, Outcome)
    assert (outcome.kind, outcome.code) == (Kind.TRANSIENT, "token_unavailable")
    assert sent == []


async def test_a_key_goes_into_googles_header() -> None:
    def provider(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, text=request.headers["x-goog-api-key"])

    async with httpx.AsyncClient(transport=httpx.MockTransport(provider)) as client:
        answer = await client.get("https://one.example", auth=GoogleKeyAuth(SecretStr("AIza-1")))

    assert answer.text == "AIza-1"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("workload_identity_provider", "projects/1/locations/global/workloadIdentityPools/a"),
        ("subject_scope", "dailies"),
        ("service_account", "somebody@example.com"),
        ("sts_endpoint", "https://sts.googleapis.com/?a=b"),
        ("sts_endpoint", "https://sts.googleapis.com/"),
    ],
)
def test_options_that_can_not_be_meant_are_told(field: str, value: str) -> None:
    with pytest.raises(ValidationError):
        FederationOptions.model_validate(OPTIONS.model_dump() | {field: value})
