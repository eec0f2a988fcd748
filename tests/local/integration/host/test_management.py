"""The management API: queries, paging, purging, starting, and its key."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote

import httpx
import pytest

from tests.local.integration.host.harness import LocalHost, eventually

BASE = "/runtime/webhooks/durabletask"


def call(host: LocalHost, method: str, path: str, **options: Any) -> httpx.Response:
    params = {"code": host.keys["systemKeys"]["durabletask_extension"]} | options.pop("params", {})
    return host.http.request(method, f"{BASE}{path}", params=params, **options)


def test_the_key_is_checked(host: LocalHost) -> None:
    assert host.http.get(f"{BASE}/instances").status_code == 401
    assert host.http.get(f"{BASE}/instances", params={"code": "no"}).status_code == 401
    assert call(host, "GET", "/instances").status_code == 200


def test_the_links_of_a_started_instance_work(host: LocalHost) -> None:
    response = host.http.post("/start/waits")
    links = response.json()
    assert response.headers["location"] == links["statusQueryGetUri"]
    running = host.http.get(links["statusQueryGetUri"])
    assert running.status_code == 202
    assert running.headers["location"] == links["statusQueryGetUri"].partition("?")[0]
    assert "connection=Storage&" in links["statusQueryGetUri"]
    assert host.http.delete(links["purgeHistoryDeleteUri"]).status_code == 412
    same_id = links["restartPostUri"] + "&restartWithNewInstanceId=false"
    assert host.http.post(same_id).status_code == 409
    for link in ("suspendPostUri", "resumePostUri"):
        assert host.http.post(links[link].replace("{text}", "why")).status_code == 202
    assert host.http.post(links["rewindPostUri"]).status_code == 412
    assert host.http.post(links["terminatePostUri"].replace("{text}", "over")).status_code == 202
    assert host.finish(links["id"])["output"] == "over"
    assert host.http.get(links["statusQueryGetUri"]).status_code == 200
    assert host.http.post(links["terminatePostUri"]).status_code == 410
    event = links["sendEventPostUri"].replace("{eventName}", "go")
    assert host.http.post(event, json=1).status_code == 410
    restarted = host.http.post(links["restartPostUri"])
    assert restarted.status_code == 202
    assert restarted.json()["id"] != links["id"]
    call(host, "POST", f"/instances/{restarted.json()['id']}/terminate")
    assert host.http.post(links["rewindPostUri"]).status_code == 412
    assert host.http.delete(links["purgeHistoryDeleteUri"]).json() == {"instancesDeleted": 1}
    assert host.http.get(links["statusQueryGetUri"]).status_code == 404
    assert host.http.delete(links["purgeHistoryDeleteUri"]).status_code == 404


def test_orchestrations_are_started_over_http(host: LocalHost) -> None:
    started = call(host, "POST", "/orchestrators/no_generator/by-http", json={"a": 1})
    assert started.status_code == 202
    assert host.finish("by-http")["output"] == {"input": {"a": 1}}
    assert call(host, "POST", "/orchestrators/no_generator/no-body").status_code == 202
    assert host.finish("no-body")["input"] == ""
    too_large = call(host, "POST", "/orchestrators/no_generator/too-large", content=b"[-1e400]")
    assert too_large.status_code == 202
    assert host.finish("too-large")["input"] == ["-Infinity"]
    bad = call(host, "POST", "/orchestrators/chain", content=b"{")
    assert bad.status_code == 400


def test_a_start_of_an_unknown_orchestrator_is_taken_and_fails(host: LocalHost) -> None:
    assert call(host, "POST", "/orchestrators/nobody/unknown").status_code == 202
    state = host.finish("unknown")
    assert state["runtimeStatus"] == "Failed"
    assert "The function 'nobody' doesn't exist" in state["output"]


def test_a_start_on_an_id_that_runs_is_a_409(host: LocalHost) -> None:
    assert call(host, "POST", "/orchestrators/waits/one-of-it").status_code == 202
    assert call(host, "POST", "/orchestrators/waits/one-of-it").status_code == 409
    call(host, "POST", "/instances/one-of-it/terminate")


def test_the_app_s_client_leaves_one_that_runs_alone(host: LocalHost) -> None:
    start = "/client/start_unless_it_runs/only-one"
    for number in (1, 2):
        begun = host.http.post(start, json={"name": "waits", "number": number})
        assert begun.status_code < 300, begun.text
    assert json.loads(host.state_of("only-one")["input"]) == {"name": "waits", "number": 1}
    call(host, "POST", "/instances/only-one/terminate")


@pytest.mark.parametrize("identity", ["@x", "y" * 257, "a%2Fb%3Fc"])
def test_ids_that_the_sdk_refuses_are_taken(host: LocalHost, identity: str) -> None:
    assert call(host, "POST", f"/orchestrators/no_generator/{identity}").status_code == 202
    eventually(lambda: call(host, "GET", f"/instances/{identity}").status_code == 200)
    found = call(host, "GET", f"/instances/{identity}").json()
    assert found["instanceId"] == unquote(identity)


def test_a_failed_activity_tells_of_the_worker_s_exception(host: LocalHost) -> None:
    state = host.run("fails", "no luck")
    events = host.state_of(state["instanceId"], showHistory="true")["historyEvents"]
    (details,) = [event["Details"] for event in events if event["EventType"] == "TaskFailed"]
    inner = json.loads(details)["InnerException"]
    assert inner["ClassName"].endswith("RpcException")
    assert "ValueError: no luck" in inner["Message"]
    assert "Traceback" in inner["Message"]


def test_a_start_may_wait_for_the_end(host: LocalHost) -> None:
    wait = {"timeout": "10", "pollingInterval": "0.05"}
    done = call(host, "POST", "/orchestrators/chain", json="1", params=wait)
    assert (done.status_code, done.json()) == (200, 4)
    wait["timeout"] = "0.1"
    running = call(host, "POST", "/orchestrators/waits", params=wait)
    assert running.status_code == 202
    call(host, "POST", f"/instances/{running.json()['id']}/terminate")


def test_a_failed_instance_answers_200_or_what_is_asked(host: LocalHost) -> None:
    host.begin("fails", "x", "a-failure")
    host.finish("a-failure")
    assert call(host, "GET", "/instances/a-failure").status_code == 200
    wants = {"returnInternalServerErrorOnFailure": "true"}
    assert call(host, "GET", "/instances/a-failure", params=wants).status_code == 500


def test_the_history_shows_what_happened(host: LocalHost) -> None:
    state = host.run("chain", 1)
    shown = host.state_of(
        state["instanceId"], showHistory="true", showHistoryOutput="true", showInput="false"
    )
    assert shown["input"] is None
    kinds = [event["EventType"] for event in shown["historyEvents"]]
    assert kinds == ["ExecutionStarted", *["TaskCompleted"] * 3, "ExecutionCompleted"]
    assert [e["Result"] for e in shown["historyEvents"][1:]] == [2, 3, 4, 4]
    assert shown["historyEvents"][1]["FunctionName"] == "increment"
    assert "historyEvents" not in host.state_of(state["instanceId"])


def test_instances_are_listed_by_filter_and_page(host: LocalHost) -> None:
    for number in range(5):
        host.begin("chain", number, f"listed-{number}")
    for number in range(5):
        host.finish(f"listed-{number}")
    query = {"instanceIdPrefix": "listed-", "pageSize": "2", "runtimeStatus": "Completed,Failed"}
    found: list[str] = []
    headers: dict[str, str] = {}
    while True:
        page = call(host, "GET", "/instances/", params=query, headers=headers)
        found += [item["instanceId"] for item in page.json()]
        token = page.headers["x-ms-continuation-token"]
        if not token:
            break
        headers = {"x-ms-continuation-token": token}
    assert found == [f"listed-{n}" for n in range(5)]
    none = call(host, "GET", "/instances", params={**query, "runtimeStatus": "Running"})
    assert none.json() == []
    invalid = {"instanceIdPrefix": "listed-", "runtimeStatus": "made-up"}
    every = call(host, "GET", "/instances", params=invalid).json()
    assert [item["input"] for item in every] == [str(number) for number in range(5)]
    late = call(host, "GET", "/instances", params={**query, "createdTimeFrom": "2999-01-01T00:00Z"})
    assert late.json() == []


def test_instances_are_purged_by_filter_and_without_their_children(host: LocalHost) -> None:
    host.begin("parent", 1, "to-purge")
    host.finish("to-purge")
    assert host.state_of("to-purge-child")["runtimeStatus"] == "Completed"
    assert host.manage("purge", "to-purge").text == "1"
    assert call(host, "GET", "/instances/to-purge-child").status_code == 200
    assert call(host, "DELETE", "/instances").status_code == 400
    query = {"createdTimeFrom": "2000-01-01T00:00:00Z", "runtimeStatus": "Terminated"}
    host.begin("waits", None, "stays")
    call(host, "POST", f"/instances/{host.begin('waits')['id']}/terminate")
    eventually(lambda: call(host, "DELETE", "/instances", params=query).status_code == 200)
    # What other tests have terminated may end late.
    eventually(lambda: call(host, "DELETE", "/instances", params=query).status_code == 404)
    assert host.state_of("stays")["runtimeStatus"] == "Running"
    call(host, "POST", "/instances/stays/terminate")


def test_entities_are_signalled_read_and_listed(host: LocalHost) -> None:
    for key in ("one", "two"):
        signal = call(host, "POST", f"/entities/Counter/{key}", params={"op": "add"}, json="7")
        assert signal.status_code == 202
    eventually(lambda: call(host, "GET", "/entities/counter/two").status_code == 200)
    assert call(host, "GET", "/entities/counter/one").json() == 7
    assert call(host, "GET", "/entities/counter/three").status_code == 404
    instances = call(host, "GET", "/instances", params={"instanceIdPrefix": "@counter@"}).json()
    assert [(i["instanceId"], i["name"], i["runtimeStatus"]) for i in instances] == [
        ("@counter@one", "@counter", "Running"),
        ("@counter@two", "@counter", "Running"),
    ]
    assert instances[0]["input"] == {"exists": True, "state": "7"}
    listed = call(host, "GET", "/entities/counter", params={"fetchState": "true"}).json()
    assert {e["entityId"]["key"]: e["state"] for e in listed} == {"one": 7, "two": 7}
    assert call(host, "POST", "/entities/nobody/x").status_code == 400
    assert call(host, "DELETE", "/entities/counter/one").status_code == 202
    eventually(lambda: call(host, "GET", "/entities/counter/one").status_code == 404)
