"""Operators by Entra ID: whom the platform's authentication names, and only where it is on."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.integration.api.world import World

_ID = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"
_OBJECT_ID = "http://schemas.microsoft.com/identity/claims/objectidentifier"
_ROLE = "http://schemas.microsoft.com/ws/2008/06/identity/claims/role"
_TOKEN = "Bearer eyJ0eXAiOiJKV1QifQ.e30.c2ln"


def _principal(*roles: str, object_id: str = _ID, **fields: Any) -> str:
    """The header as App Service makes it of an access token of Entra's."""
    document = {
        "auth_typ": "aad",
        "name_typ": "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",
        "role_typ": _ROLE,
        "claims": [
            {"typ": "aud", "val": "api://dailies"},
            {"typ": _OBJECT_ID, "val": object_id},
            *({"typ": "roles", "val": role} for role in roles),
        ],
        **fields,
    }
    return base64.b64encode(json.dumps(document).encode()).decode()


async def _asked(
    world: World, principal: str, path: str = "/v1/admin/keys", **headers: str
) -> httpx.Response:
    sent = {"X-MS-CLIENT-PRINCIPAL": principal, "Authorization": _TOKEN, **headers}
    return await world.anonymous.get(path, headers=sent)


@pytest.fixture
async def guarded(storage: str) -> AsyncIterator[World]:
    """An app behind the platform's authentication."""
    async with World(storage, WEBSITE_AUTH_ENABLED="True") as world:
        yield world


async def test_the_role_makes_an_operator(guarded: World, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", "dailies"):
        answer = await _asked(guarded, _principal("Other", "Dailies.Admin"))
    assert answer.status_code == 200
    assert f'"owner": "entra-{_ID}"' in caplog.text
    assert _TOKEN.partition(" ")[2] not in caplog.text


@pytest.mark.parametrize("typ", ["roles", _ROLE, "https://example.com/roles"])
async def test_roles_are_found_by_every_name_that_claims_have(guarded: World, typ: str) -> None:
    claims = [{"typ": "oid", "val": _ID.upper()}, {"typ": typ, "val": "Dailies.Admin"}]
    principal = _principal(claims=claims, role_typ="https://example.com/roles")
    assert (await _asked(guarded, principal)).status_code == 200


async def test_the_role_s_name_is_a_setting(storage: str) -> None:
    settings: dict[str, Any] = {"WEBSITE_AUTH_ENABLED": "true", "DAILIES_ADMIN_ROLE": "Video.Ops"}
    async with World(storage, **settings) as world:
        assert (await _asked(world, _principal("Dailies.Admin"))).status_code == 403
        assert (await _asked(world, _principal("Video.Ops"))).status_code == 200


@pytest.mark.parametrize("path", ["/v1/admin/keys", "/v1/videos", f"/v1/videos/video_{'0' * 32}"])
async def test_an_identity_without_the_role_may_do_nothing(guarded: World, path: str) -> None:
    answer = await _asked(guarded, _principal("Reader"), path)
    assert answer.status_code == 403
    assert answer.json()["error"]["code"] == "admin_role_required"
    assert "Dailies.Admin" in answer.json()["error"]["message"]


@pytest.mark.parametrize("value", [None, "", "False", "0", "yes please"])
async def test_where_the_platform_does_not_authenticate_anybody_could_write_the_header(
    storage: str, value: str | None
) -> None:
    settings: dict[str, Any] = {} if value is None else {"WEBSITE_AUTH_ENABLED": value}
    async with World(storage, **settings) as world:
        answer = await _asked(world, _principal("Dailies.Admin"))
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_api_key")


async def test_a_browser_s_session_is_no_operator(guarded: World) -> None:
    """A page elsewhere can make a browser send its cookie, but no Authorization."""
    principal = _principal("Dailies.Admin")
    for headers in ({}, {"Authorization": "Basic YTpi"}, {"Authorization": "Bearer "}):
        sent = {"X-MS-CLIENT-PRINCIPAL": principal, "Cookie": "AppServiceAuthSession=x", **headers}
        answer = await guarded.anonymous.get("/v1/admin/keys", headers=sent)
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "missing_api_key")


async def test_a_session_counts_where_the_studio_itself_asks(guarded: World) -> None:
    session = {
        "X-MS-CLIENT-PRINCIPAL": _principal("Dailies.Admin"),
        "Cookie": "AppServiceAuthSession=x",
        "X-Dailies-Studio": "1",
    }
    for more in ({}, {"Sec-Fetch-Site": "same-origin"}):
        answer = await guarded.anonymous.get("/v1/whoami", headers={**session, **more})
        assert (answer.json()["owner"], answer.json()["operator"]) == (f"entra-{_ID}", True)
    for wrong in (
        {"X-Dailies-Studio": ""},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Authorization": "Basic YTpi"},
    ):
        answer = await guarded.anonymous.delete("/v1/videos/x", headers={**session, **wrong})
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "missing_api_key")
    without_role = {**session, "X-MS-CLIENT-PRINCIPAL": _principal("Reader")}
    answer = await guarded.anonymous.get("/v1/whoami", headers=without_role)
    assert answer.status_code == 403


async def test_no_other_origin_is_let_to_send_the_studio_s_header(guarded: World) -> None:
    asking = {
        "Origin": "https://evil.example",
        "Access-Control-Request-Method": "DELETE",
        "Access-Control-Request-Headers": "x-dailies-studio",
    }
    answer = await guarded.anonymous.options("/v1/videos/x", headers=asking)
    assert not [name for name in answer.headers if name.startswith("access-control-")]
    assert not answer.is_success


@pytest.mark.parametrize(
    "header",
    [
        "",
        "no base64",
        base64.b64encode(b"no json").decode(),
        base64.b64encode(b"[]").decode(),
        base64.b64encode(b"[" * 5000).decode(),
        base64.b64encode(b'{"auth_typ": "aad", "claims": 1}').decode(),
        _principal("Dailies.Admin", auth_typ="google"),
        _principal("Dailies.Admin", object_id="../../alice"),
        _principal("Dailies.Admin", claims=[{"typ": "roles", "val": "Dailies.Admin"}]),
        base64.b64encode(b" " * 70_000).decode(),
    ],
)
async def test_a_header_that_names_nobody_is_none(guarded: World, header: str) -> None:
    answer = await _asked(guarded, header)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_api_key")


async def test_keys_go_on_working_beside_it(guarded: World) -> None:
    assert (await guarded.alice.get("/v1/videos")).status_code == 200
    assert (await guarded.admin.get("/v1/admin/keys")).status_code == 200
    assert (await guarded.alice.get("/v1/admin/keys")).status_code == 403


async def test_an_operator_s_own_videos_are_apart_from_all_others(guarded: World) -> None:
    video_id = await guarded.finished()
    principal = _principal("Dailies.Admin")
    headers = {"X-MS-CLIENT-PRINCIPAL": principal, "Authorization": _TOKEN}
    started = await guarded.anonymous.post(
        "/orchestrations/generate-video", json={"prompt": "a pier"}, headers=headers
    )
    assert started.status_code == 202
    assert (await _asked(guarded, principal, f"/v1/videos/{video_id}")).status_code == 404
    listed = (await _asked(guarded, principal, "/v1/videos")).json()["data"]
    assert guarded.engine.started[-1] in [each["id"] for each in listed]
