"""Tokens: who gets one, and which are good where."""

from __future__ import annotations

import jwt
import pytest

from tests.local.unit.services.simulator import SECRET, VIDEOS, Simulator

SORA = "https://cognitiveservices.azure.com"
TOPIC = "https://eventgrid.azure.net"
GOOD = {"resource": SORA, "api-version": "2019-08-01"}


@pytest.mark.parametrize(
    ("query", "headers", "status"),
    [
        (GOOD, {"X-IDENTITY-HEADER": SECRET}, 200),
        (GOOD, {}, 400),
        (GOOD, {"X-IDENTITY-HEADER": "wrong"}, 401),
        (GOOD | {"api-version": "2017-09-01"}, {"X-IDENTITY-HEADER": SECRET}, 400),
        ({"api-version": "2019-08-01"}, {"X-IDENTITY-HEADER": SECRET}, 400),
        (GOOD | {"client_id": "not-a-uuid"}, {"X-IDENTITY-HEADER": SECRET}, 400),
    ],
)
async def test_the_endpoint_follows_app_services_protocol(
    simulator: Simulator, query: dict[str, str], headers: dict[str, str], status: int
) -> None:
    answer = await simulator.http.get("/identity/token", params=query, headers=headers)
    assert answer.status_code == status
    body = answer.json()
    if status == 200:
        assert int(body["expires_on"]) == simulator.time + 86_400
        assert (body["resource"], body["token_type"]) == (SORA, "Bearer")
        claims = jwt.decode(body["access_token"], options={"verify_signature": False})
        assert claims["aud"] == SORA
        assert {"iss", "exp", "oid", "appid", "tid"} <= set(claims)
    else:
        assert body["statusCode"] == status
        assert body["message"]


async def status_with(simulator: Simulator, token: str | None) -> int:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    simulator.http.headers.pop("api-key", None)
    answer = await simulator.http.get(VIDEOS, headers=headers)
    if answer.status_code != 200:
        assert answer.json()["error"]["code"] == "401"
    return answer.status_code


@pytest.mark.parametrize("audience", [SORA, f"{SORA}/", f"{SORA}/.default"])
async def test_the_audience_may_be_written_in_each_usual_way(
    simulator: Simulator, audience: str
) -> None:
    assert await status_with(simulator, await simulator.token(audience)) == 200


async def test_wrong_late_and_forged_tokens_are_refused(simulator: Simulator) -> None:
    good = await simulator.token(SORA)
    assert await status_with(simulator, None) == 401
    assert await status_with(simulator, "rubbish") == 401
    assert await status_with(simulator, await simulator.token(TOPIC)) == 401
    claims = jwt.decode(good, options={"verify_signature": False})
    forged = jwt.encode(claims, "x" * 32, algorithm="HS256")
    assert await status_with(simulator, forged) == 401
    simulator.wait(86_399)
    assert await status_with(simulator, good) == 200
    simulator.wait(1)
    assert await status_with(simulator, good) == 401


async def test_tokens_survive_a_restart(simulator: Simulator) -> None:
    token = await simulator.token(SORA)
    await simulator.restart()
    assert await status_with(simulator, token) == 200


async def test_a_wrong_key_is_refused_and_a_good_one_may_come_as_a_bearer(
    simulator: Simulator,
) -> None:
    wrong = await simulator.http.get(VIDEOS, headers={"api-key": "wrong"})
    assert wrong.status_code == 401
    assert "invalid subscription key" in wrong.json()["error"]["message"]
    assert await status_with(simulator, "sora-key") == 200


async def test_the_life_of_tokens_can_be_changed(simulator: Simulator) -> None:
    await simulator.http.patch("/_inspect/settings", json={"token_seconds": 10})
    token = await simulator.token(SORA)
    simulator.wait(11)
    assert await status_with(simulator, token) == 401
