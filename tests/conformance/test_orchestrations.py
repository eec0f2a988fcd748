"""Durable's HTTP API, asked about the app's own orchestrations."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.e2e.durable import system_key
from tests.stack import RunningStack

BASE = "/runtime/webhooks/durabletask"
TOKEN = "x-ms-continuation-token"


def call(stack: RunningStack, method: str, path: str, **options: Any) -> httpx.Response:
    query = {"code": system_key(stack, "durabletask"), **options.pop("params", {})}
    return stack.anonymous.request(method, f"{BASE}{path}", params=query, **options)


def until(stack: RunningStack, instance_id: str, status: str) -> dict[str, Any]:
    """Wait until an instance is in this runtime status."""

    def look() -> dict[str, Any] | None:
        answer = call(stack, "GET", f"/instances/{instance_id}")
        found: dict[str, Any] = answer.json() if answer.status_code != 404 else {}
        return found if found.get("runtimeStatus") == status else None

    return stack.wait_until(look, what=f"{instance_id} is {status}")


@pytest.fixture(scope="module")
def finished(stack: RunningStack) -> str:
    """The id of an instance that has completed."""
    video = stack.wait_for(stack.create("a pier, made to its end"))
    until(stack, video["id"], "Completed")
    return str(video["id"])


def test_a_start_of_an_unknown_orchestrator_is_taken_and_fails(stack: RunningStack) -> None:
    started = call(stack, "POST", "/orchestrators/nobody", json={})
    assert started.status_code == 202
    assert until(stack, started.json()["id"], "Failed")["name"] == "nobody"


def test_a_start_without_a_body_has_the_input_of_an_empty_text(stack: RunningStack) -> None:
    started = call(stack, "POST", "/orchestrators/nobody")
    assert until(stack, started.json()["id"], "Failed")["input"] == ""


@pytest.mark.parametrize("identity", ["@x", "y" * 257, "a%2Fb"])
def test_any_id_is_taken(stack: RunningStack, identity: str) -> None:
    """The SDK refuses these itself."""
    assert call(stack, "POST", f"/orchestrators/nobody/{identity}", json={}).status_code == 202


def test_an_id_that_runs_is_started_by_nobody(stack: RunningStack, rendering: str) -> None:
    answer = call(stack, "POST", f"/orchestrators/nobody/{rendering}", json={})
    assert answer.status_code == 409
    again = {"restartWithNewInstanceId": "false"}
    answer = call(stack, "POST", f"/instances/{rendering}/restart", params=again)
    assert answer.status_code == 409


def test_what_runs_is_not_purged_and_what_has_completed_not_rewound(
    stack: RunningStack, rendering: str, finished: str
) -> None:
    assert call(stack, "DELETE", f"/instances/{rendering}").status_code == 412
    assert call(stack, "POST", f"/instances/{finished}/rewind").status_code == 412
    assert call(stack, "POST", f"/instances/{finished}/terminate").status_code == 410
    assert call(stack, "GET", "/instances/nobody").status_code == 404


def test_what_runs_is_a_202_that_says_where_to_look_again(
    stack: RunningStack, rendering: str
) -> None:
    running = call(stack, "GET", f"/instances/{rendering}")
    assert running.status_code == 202
    location = running.headers["location"]
    assert location.endswith(f"{BASE}/instances/{rendering}")


def test_links_name_the_connection(stack: RunningStack) -> None:
    links = call(stack, "POST", "/orchestrators/nobody", json={}).json()
    assert "connection=Storage" in links["statusQueryGetUri"]
    assert "code=" in links["purgeHistoryDeleteUri"]


def test_a_purge_leaves_sub_orchestrations(stack: RunningStack, finished: str) -> None:
    children = [
        event["InstanceId"]
        for event in call(
            stack, "GET", f"/instances/{finished}", params={"showHistory": "true"}
        ).json()["historyEvents"]
        if "InstanceId" in event
    ]
    assert call(stack, "DELETE", f"/instances/{finished}").json() == {"instancesDeleted": 1}
    assert call(stack, "GET", f"/instances/{finished}").status_code == 404
    for child in children:
        assert call(stack, "GET", f"/instances/{child}").status_code in (200, 202)


def test_a_suspended_instance_tells_why(stack: RunningStack) -> None:
    video = stack.create("[sim render=1000000] a pier, suspended")["id"]
    until(stack, video, "Running")
    answer = call(stack, "POST", f"/instances/{video}/suspend", params={"reason": "a break"})
    assert answer.status_code == 202
    assert until(stack, video, "Suspended")["output"] == "a break"
    assert call(stack, "POST", f"/instances/{video}/resume").status_code == 202
    until(stack, video, "Running")
    reason = {"reason": "enough of it"}
    assert call(stack, "POST", f"/instances/{video}/terminate", params=reason).status_code == 202
    assert until(stack, video, "Terminated")["output"] == "enough of it"


def test_the_list_has_entities_and_inputs_and_always_a_token(
    stack: RunningStack, rendering: str
) -> None:
    query = {"instanceIdPrefix": "@quota@"}
    entities = stack.wait_until(
        lambda: call(stack, "GET", "/instances", params=query).json(), what="an entity is listed"
    )
    assert all(entity["instanceId"].startswith("@quota@") for entity in entities)
    one = call(stack, "GET", "/instances", params={"instanceIdPrefix": rendering})
    assert one.json()[0]["input"] is not None
    assert TOKEN in one.headers


def test_a_status_that_is_none_lists_all(stack: RunningStack, rendering: str) -> None:
    query = {"instanceIdPrefix": rendering, "runtimeStatus": "made-up"}
    listed = call(stack, "GET", "/instances", params=query).json()
    assert rendering in {instance["instanceId"] for instance in listed}


def test_pages_follow_one_another(stack: RunningStack, rendering: str) -> None:
    query = {"pageSize": "1"}
    first = call(stack, "GET", "/instances", params=query)
    second = call(stack, "GET", "/instances", params=query, headers={TOKEN: first.headers[TOKEN]})
    assert first.headers[TOKEN]
    assert first.json() != second.json()
