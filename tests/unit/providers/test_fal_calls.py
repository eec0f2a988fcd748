"""fal's calls: signed, read, and never believed by themselves."""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.unit.providers.conftest import Upstream, called_job
from tests.unit.providers.fal_wire import (
    ENDPOINT,
    ID,
    JOB,
    VIDEO,
    fal,
)

KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes([1]) * 32)
CALL = json.dumps(
    {"request_id": ID, "gateway_request_id": ID, "status": "OK", "payload": VIDEO, "error": None}
).encode()


def jwks(*keys: Ed25519PrivateKey) -> httpx.Response:
    listed = [
        {"kty": "OKP", "crv": "Ed25519", "kid": str(number), "x": _public(key)}
        for number, key in enumerate(keys)
    ]
    return httpx.Response(
        200, json={"keys": [{"kty": "RSA"}, {"crv": "Ed25519", "x": "?"}, *listed]}
    )


def _public(key: Ed25519PrivateKey) -> str:
    return urlsafe_b64encode(key.public_key().public_bytes_raw()).decode().rstrip("=")


def signed(
    body: bytes = CALL, *, key: Ed25519PrivateKey = KEY, sent: float | None = None
) -> dict[str, str]:
    moment = str(int(time.time() if sent is None else sent))
    message = "\n".join((ID, "user", moment, hashlib.sha256(body).hexdigest()))
    return {
        "x-fal-webhook-request-id": ID,
        "x-fal-webhook-user-id": "user",
        "x-fal-webhook-timestamp": moment,
        "x-fal-webhook-signature": key.sign(message.encode()).hex(),
    }


async def test_a_call_names_the_job(upstream: Upstream) -> None:
    upstream.says(jwks(OTHER, KEY))
    adapter = fal(upstream)
    assert called_job(await adapter.called_back(signed(), CALL)) == JOB
    assert called_job(await adapter.called_back(signed(), CALL)) == JOB
    [asked] = upstream.requests
    assert str(asked.url) == "https://rest.fal.ai/.well-known/jwks.json"
    assert "authorization" not in asked.headers


async def test_calls_that_come_together_wait_for_the_keys(upstream: Upstream) -> None:
    upstream.says(jwks(KEY))
    adapter = fal(upstream)
    named = await asyncio.gather(*(adapter.called_back(signed(), CALL) for _ in range(3)))
    assert [called_job(called) for called in named] == [JOB] * 3
    assert len(upstream.requests) == 1


@pytest.mark.parametrize(
    # Signed in the test: a call of when it was collected may be too old by then.
    ("headers", "body"),
    [
        (lambda: {}, CALL),
        (lambda: signed(key=OTHER), CALL),
        (signed, CALL + b" "),
        (lambda: signed(sent=1_700_000_000), CALL),
        (lambda: signed() | {"x-fal-webhook-timestamp": "soon"}, CALL),
        (lambda: signed() | {"x-fal-webhook-user-id": "another"}, CALL),
        (lambda: signed() | {"x-fal-webhook-signature": "no hex"}, CALL),
        (lambda: signed() | {"x-fal-webhook-signature": ""}, CALL),
        (lambda: signed(b"[]"), b"[]"),
        (lambda: signed(b"{}"), b"{}"),
        (lambda: signed(b"?"), b"?"),
    ],
)
async def test_other_calls_name_none(
    upstream: Upstream, headers: Callable[[], dict[str, str]], body: bytes
) -> None:
    upstream.says(jwks(KEY))
    assert await fal(upstream).called_back(headers(), body) is None


async def test_wrong_signatures_cost_one_reading_of_the_keys(upstream: Upstream) -> None:
    upstream.says(jwks(KEY))
    adapter = fal(upstream)
    for _ in range(3):
        assert await adapter.called_back(signed(key=OTHER), CALL) is None
    assert len(upstream.requests) == 1


@pytest.mark.parametrize(
    "answer",
    [httpx.Response(500), httpx.Response(200, json={"keys": []}), httpx.ConnectError("no")],
)
async def test_where_one_place_has_no_keys_the_other_may(
    upstream: Upstream, answer: httpx.Response | Exception
) -> None:
    upstream.says(answer, jwks(KEY))
    assert called_job(await fal(upstream).called_back(signed(), CALL)) == JOB
    assert [request.url.host for request in upstream.requests] == [
        "rest.fal.ai",
        "rest.alpha.fal.ai",
    ]


async def test_keys_may_be_at_a_place_of_ones_own_but_not_at_anybodys(upstream: Upstream) -> None:
    upstream.says(jwks(KEY))
    own = fal(upstream, webhook_keys=f"{ENDPOINT}/keys.json")
    assert called_job(await own.called_back(signed(), CALL)) == JOB
    anybodys = fal(upstream, webhook_keys="https://evil.example/keys.json")
    assert await anybodys.called_back(signed(), CALL) is None
