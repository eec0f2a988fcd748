"""Tokens: fetched once for many, renewed in time, replaced when refused."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

import httpx
import pytest
from azure.core.credentials import AccessTokenInfo
from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    ServiceRequestError,
    ServiceResponseError,
)
from azure.identity import CredentialUnavailableError

from dailies.providers.azure_auth import SCOPE, EntraAuth, Tokens, classify_token_failure
from dailies.providers.base import Submission
from dailies.providers.outcomes import Kind
from dailies.video.basics import Size
from tests.unit.providers.conftest import Adapter, Upstream, job

SUBMISSION = Submission("sora-2-eu", "p", 4, Size(1280, 720))


class Clock:
    def __init__(self) -> None:
        self.now = 1_780_000_000.0

    def __call__(self) -> float:
        return self.now


class FakeIdentity:
    """Gives numbered tokens; ``life`` and ``refresh_in`` are seconds."""

    def __init__(self, clock: Clock, life: int = 3600, refresh_in: int | None = None) -> None:
        self.clock = clock
        self.life = life
        self.refresh_in = refresh_in
        self.error: AzureError | None = None
        self.asked: list[object] = []
        self.frozen = False

    async def get_token_info(self, *scopes: str, options: Any = None) -> AccessTokenInfo:
        assert scopes == (SCOPE,)
        self.asked.append(options)
        await asyncio.sleep(0)
        if self.error is not None:
            raise self.error
        now = int(self.clock.now)
        return AccessTokenInfo(
            "token-1" if self.frozen else f"token-{len(self.asked)}",
            now + self.life,
            refresh_on=None if self.refresh_in is None else now + self.refresh_in,
        )


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def identity(clock: Clock) -> FakeIdentity:
    return FakeIdentity(clock)


@pytest.fixture
def tokens(identity: FakeIdentity, clock: Clock) -> Tokens:
    return Tokens(identity, clock=clock)


async def test_many_at_once_share_one_token(tokens: Tokens, identity: FakeIdentity) -> None:
    got = await asyncio.gather(*(tokens.get() for _ in range(50)))

    assert set(got) == {"token-1"}
    assert len(identity.asked) == 1


@pytest.mark.parametrize(
    ("life", "refresh_in", "renewed_after"),
    [(3600, None, 3300), (86_400, 43_200, 43_200), (600, None, 480), (100, None, 80)],
)
async def test_a_token_is_renewed_before_it_expires(
    clock: Clock, life: int, refresh_in: int | None, renewed_after: int
) -> None:
    identity = FakeIdentity(clock, life, refresh_in)
    tokens = Tokens(identity, clock=clock)
    await tokens.get()

    clock.now += renewed_after - 1
    assert await tokens.get() == "token-1"
    clock.now += 1
    assert await tokens.get() == "token-2"


async def test_a_token_that_works_outlives_a_failing_endpoint(
    tokens: Tokens, identity: FakeIdentity, clock: Clock
) -> None:
    await tokens.get()
    identity.error = ServiceRequestError("down")
    clock.now += 3400

    assert await tokens.get() == "token-1"
    assert await tokens.get() == "token-1"
    assert len(identity.asked) == 2  # not at every call
    identity.error = None
    clock.now += 31
    assert await tokens.get() == "token-3"


async def test_an_expired_token_is_not_used(
    tokens: Tokens, identity: FakeIdentity, clock: Clock
) -> None:
    await tokens.get()
    identity.error = ServiceRequestError("down")
    clock.now += 3601

    with pytest.raises(ServiceRequestError):
        await tokens.get()


async def test_a_refused_token_is_replaced_once_for_all(
    tokens: Tokens, identity: FakeIdentity
) -> None:
    refused = await tokens.get()
    fresh = await asyncio.gather(*(tokens.replace(refused) for _ in range(20)))

    assert set(fresh) == {"token-2"}
    assert len(identity.asked) == 2


async def test_replacing_is_not_repeated_at_once(
    tokens: Tokens, identity: FakeIdentity, clock: Clock
) -> None:
    second = await tokens.replace(await tokens.get())
    assert second == "token-2"

    assert await tokens.replace(second) is None
    assert len(identity.asked) == 2
    clock.now += 31
    assert await tokens.replace(second) == "token-3"


async def test_the_same_token_again_is_no_replacement(
    tokens: Tokens, identity: FakeIdentity
) -> None:
    identity.frozen = True

    assert await tokens.replace(await tokens.get()) is None


# -- on the wire


async def test_a_401_is_sent_once_more_with_a_fresh_token(
    upstream: Upstream, adapter: Adapter, tokens: Tokens
) -> None:
    upstream.says(httpx.Response(401), httpx.Response(200, json=job()))
    outcome = await adapter(auth=EntraAuth(tokens)).submit(SUBMISSION)

    assert outcome.kind is Kind.ACCEPTED
    assert [r.headers["authorization"] for r in upstream.requests] == [
        "Bearer token-1",
        "Bearer token-2",
    ]
    assert upstream.requests[0].content == upstream.requests[1].content != b""


async def test_a_second_401_is_final(upstream: Upstream, adapter: Adapter, tokens: Tokens) -> None:
    upstream.says(httpx.Response(401))
    outcome = await adapter(auth=EntraAuth(tokens)).submit(SUBMISSION)

    assert (outcome.kind, outcome.code) == (Kind.UNAUTHORISED, "invalid_credential")
    assert len(upstream.requests) == 2


async def test_a_claims_challenge_is_answered(
    upstream: Upstream, adapter: Adapter, tokens: Tokens, identity: FakeIdentity
) -> None:
    claims = json.dumps({"access_token": {"nbf": {"value": "1"}}})
    coded = base64.urlsafe_b64encode(claims.encode()).decode().rstrip("=")
    challenge = {"www-authenticate": f'Bearer error="insufficient_claims", claims="{coded}"'}
    upstream.says(httpx.Response(401, headers=challenge), httpx.Response(200, json=job()))
    await adapter(auth=EntraAuth(tokens)).submit(SUBMISSION)

    assert identity.asked == [None, {"claims": claims}]


async def test_a_challenge_that_can_not_be_read_is_left_out(
    upstream: Upstream, adapter: Adapter, tokens: Tokens, identity: FakeIdentity
) -> None:
    challenge = {"www-authenticate": 'Bearer claims="_____"'}
    upstream.says(httpx.Response(401, headers=challenge))
    await adapter(auth=EntraAuth(tokens)).status("video_1")

    assert identity.asked == [None, None]


@pytest.mark.parametrize("answers", [[], [httpx.Response(401)]], ids=["at first", "after a 401"])
async def test_without_a_token_nothing_is_done(
    upstream: Upstream,
    adapter: Adapter,
    tokens: Tokens,
    identity: FakeIdentity,
    answers: list[httpx.Response],
) -> None:
    upstream.says(*answers)
    if answers:
        await tokens.get()
    identity.error = ServiceRequestError("down")
    outcome = await adapter(auth=EntraAuth(tokens)).submit(SUBMISSION)

    assert (outcome.kind, outcome.code) == (Kind.TRANSIENT, "token_unavailable")
    assert len(upstream.requests) == len(answers)


# -- failures of azure-identity


def answered(status: int, cause: Exception | None = None) -> AzureError:
    error = ClientAuthenticationError("Unexpected response")
    error.status_code = status
    error.__cause__ = cause
    return error


def unavailable(cause: Exception) -> AzureError:
    error = CredentialUnavailableError("no response from the IMDS endpoint.")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    "error",
    [
        ServiceRequestError("refused"),
        ServiceResponseError("broke off"),
        answered(500),
        answered(503),
        answered(429),
        unavailable(ServiceRequestError("refused")),
        unavailable(TimeoutError()),
    ],
)
def test_faults_that_pass(error: AzureError) -> None:
    assert classify_token_failure(error).kind is Kind.TRANSIENT


@pytest.mark.parametrize(
    "error",
    [answered(400), answered(401), CredentialUnavailableError("No managed identity endpoint.")],
)
def test_faults_that_last(error: AzureError) -> None:
    outcome = classify_token_failure(error)

    assert (outcome.kind, outcome.code) == (Kind.UNAUTHORISED, "no_token")
    assert "AZURE_CLIENT_ID" in (outcome.remedy or "")
    assert "AZURE" not in (outcome.message or "")
