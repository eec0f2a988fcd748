"""Around every request: ids, log lines, and answers to what went wrong."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from tests.integration.api.world import World


def _lines(caplog: pytest.LogCaptureFixture, event: str) -> list[dict[str, Any]]:
    lines = [json.loads(r.message) for r in caplog.records if r.name == "dailies"]
    return [line for line in lines if line["event"] == event]


async def test_every_answer_has_an_id_of_its_own(world: World) -> None:
    ids = [
        (await world.anonymous.get(path)).headers["x-request-id"]
        for path in ("/health", "/v1/videos", "/nowhere", "/openapi.json")
    ]
    assert len(set(ids)) == 4


async def test_a_caller_s_own_id_is_given_back(world: World) -> None:
    answer = await world.alice.get("/v1/videos", headers={"x-request-id": "my-request.1"})
    assert answer.headers["x-request-id"] == "my-request.1"


@pytest.mark.parametrize("given", ["", "a b", "x" * 129, "<script>"])
async def test_an_id_that_is_unfit_is_replaced(world: World, given: str) -> None:
    answer = await world.alice.get("/v1/videos", headers={"x-request-id": given})
    assert answer.headers["x-request-id"].startswith("req_")


async def test_a_request_is_one_line_without_prompt_or_key(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "dailies")
    answer = await world.alice.post(
        "/v1/videos?token=hush",
        json={"prompt": "a secret pier", "seconds": "8"},
        headers={"x-request-id": "r-1"},
    )
    (line,) = _lines(caplog, "request")
    assert line.pop("latency_ms") >= 0
    assert line == {
        "event": "request",
        "request_id": "r-1",
        "method": "POST",
        "route": "/videos",
        "status": 200,
        "owner": world.owners["alice"],
        "key_id": world.services.settings.api_keys[0].id,
        "video_id": answer.json()["id"],
        "model": "sora-2",
        "seconds": 8,
    }
    assert "secret" not in caplog.text
    assert "hush" not in caplog.text
    assert world.keys["alice"] not in caplog.text


async def test_a_refusal_is_logged_with_its_code(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "dailies")
    await world.alice.post("/v1/videos", json={"prompt": "x", "seconds": "5"})
    (line,) = _lines(caplog, "request")
    assert (line["status"], line["code"]) == (400, "invalid_value")


async def test_a_bug_is_a_500_in_the_envelope_and_logged_by_type_and_place(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def bug(*_: object, **__: object) -> None:
        raise KeyError("a bug")

    monkeypatch.setattr(world.services.records, "list", bug)
    answer = await world.alice.get("/v1/videos", headers={"x-request-id": "r-1"})
    error = answer.json()["error"]
    assert answer.status_code == 500
    assert (error["type"], error["code"]) == ("server_error", "internal_error")
    assert "r-1" in error["message"]
    assert "a bug" not in answer.text
    (fault,) = _lines(caplog, "request_fault")
    assert (fault["request_id"], fault["route"], fault["fault"]) == ("r-1", "/videos", "KeyError")
    assert "dailies.api.videos:" in fault["fault_at"]
    assert "a bug" not in caplog.text


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("PUT", "/v1/videos", "GET, HEAD, POST"),
        ("PATCH", "/v1/videos/video_1", "GET, HEAD, DELETE"),
        ("POST", "/videos/video_1/content", "GET, HEAD"),
        ("GET", "/openai/v1/videos/video_1/remix", "POST"),
    ],
)
async def test_a_wrong_method_is_told_the_right_ones(
    world: World, method: str, path: str, allow: str
) -> None:
    answer = await world.alice.request(method, path)
    assert (answer.status_code, answer.headers["Allow"]) == (405, allow)
    assert answer.json()["error"]["code"] == "method_not_allowed"


async def test_a_path_that_is_none_is_a_404_in_the_envelope(world: World) -> None:
    answer = await world.alice.get("/v1/nowhere")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")
