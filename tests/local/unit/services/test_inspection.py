"""Asking and telling the simulator."""

from __future__ import annotations

from typing import Any

import pytest

from tests.local.unit.services.simulator import VIDEOS, Simulator


async def test_jobs_are_reported_with_their_requests(simulator: Simulator) -> None:
    token = await simulator.token("https://cognitiveservices.azure.com")
    await simulator.make("first", seconds="8", size="1280x720")
    del simulator.http.headers["api-key"]
    simulator.http.headers["Authorization"] = f"Bearer {token}"
    await simulator.make("second")
    first, second = (await simulator.http.get("/_inspect/jobs")).json()
    assert (first["prompt"], first["seconds"], first["size"]) == ("first", "8", "1280x720")
    assert (first["api"], first["kind"], first["reference"]) == ("sora-2", "create", None)
    assert (first["authorization"], second["authorization"]) == ("api-key", "bearer")
    assert second["created_at"] == simulator.time


async def test_requests_are_counted_for_each_route_and_job(simulator: Simulator) -> None:
    video = await simulator.make("x")
    for _ in range(3):
        await simulator.show(video["id"])
    counts = (await simulator.http.get("/_inspect/requests")).json()
    assert (counts["create"], counts["status"]) == (1, 3)
    assert counts["by_job"][video["id"]] == {"status": 3}


@pytest.mark.parametrize(
    "order",
    [
        {},
        {"route": "create"},
        {"route": "create", "kind": "explode"},
        {"route": "everything", "kind": "reset"},
        {"route": "create", "kind": "reset", "time": 3},
        {"route": "create", "kind": "reset", "times": 0},
        {"route": "create", "kind": "status", "status": 42},
        {"route": "list", "kind": "reset", "match": "a prompt"},
        {"route": "create", "kind": "reset", "match": ""},
    ],
)
async def test_a_fault_that_makes_no_sense_is_refused(
    simulator: Simulator, order: dict[str, Any]
) -> None:
    answer = await simulator.http.post("/_inspect/faults", json=order)
    assert answer.status_code == 400
    assert answer.json()["error"]["message"]
    assert (await simulator.http.get("/_inspect/faults")).json() == []


async def test_faults_strike_in_order_until_used_up_or_forgotten(simulator: Simulator) -> None:
    for status, times in ((500, 2), (502, None)):
        order = {"route": "list", "kind": "status", "status": status, "times": times}
        await simulator.http.post("/_inspect/faults", json=order)
    seen = [(await simulator.http.get(VIDEOS)).status_code for _ in range(4)]
    assert seen == [500, 500, 502, 502]
    await simulator.http.delete("/_inspect/faults")
    assert (await simulator.http.get(VIDEOS)).status_code == 200


@pytest.mark.parametrize("change", [{"speed": 3}, {"unlimited": "yes"}, {"token_seconds": 0}])
async def test_a_setting_that_can_not_be_is_refused(
    simulator: Simulator, change: dict[str, Any]
) -> None:
    answer = await simulator.http.patch("/_inspect/settings", json=change)
    assert answer.status_code == 400


async def test_an_unknown_path_is_a_404_in_azures_form(simulator: Simulator) -> None:
    answer = await simulator.http.get("/openai/v2/nothing")
    assert answer.status_code == 404
    assert answer.json() == {"error": {"code": "404", "message": "Resource not found"}}


FAULT = {"route": "create", "kind": "reset"}


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:8000"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Host": "evil.example"},
        {"Host": "evil.example:8080"},
        {"Host": "127.0.0.1.evil.example"},
        {"Host": "0.0.0.0"},
        {"Host": ""},
    ],
)
async def test_a_web_page_can_not_ask_or_tell(
    simulator: Simulator, headers: dict[str, str]
) -> None:
    told = await simulator.http.post("/_inspect/faults", json=FAULT, headers=headers)
    asked = await simulator.http.get("/_inspect/jobs", headers=headers)
    assert (told.status_code, asked.status_code) == (403, 403)
    assert (await simulator.http.get("/_inspect/faults")).json() == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "localhost:8080"},
        {"Host": "LOCALHOST"},
        {"Host": "127.0.0.2:1"},
        {"Host": "[::1]:8080"},
        {"Host": "[::1]"},
        {"Sec-Fetch-Site": "none"},
    ],
)
async def test_this_machine_can(simulator: Simulator, headers: dict[str, str]) -> None:
    told = await simulator.http.post("/_inspect/faults", json=FAULT, headers=headers)
    assert told.status_code == 201
