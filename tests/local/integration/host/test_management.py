"""The management API: queries, paging, purging, starting, and its key."""

from __future__ import annotations

from typing import Any

import httpx

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
    assert running.headers["location"]
    for link in ("suspendPostUri", "resumePostUri"):
        assert host.http.post(links[link].replace("{text}", "why")).status_code == 202
    assert host.http.post(links["rewindPostUri"]).status_code == 501
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
    assert host.http.delete(links["purgeHistoryDeleteUri"]).json() == {"instancesDeleted": 1}
    assert host.http.get(links["statusQueryGetUri"]).status_code == 404
    assert host.http.delete(links["purgeHistoryDeleteUri"]).status_code == 404


def test_orchestrations_are_started_over_http(host: LocalHost) -> None:
    started = call(host, "POST", "/orchestrators/no_generator/by-http", json={"a": 1})
    assert started.status_code == 202
    assert host.finish("by-http")["output"] == {"input": {"a": 1}}
    assert call(host, "POST", "/orchestrators/nobody").status_code == 400
    assert call(host, "POST", "/orchestrators/chain/@bad").status_code == 400
    bad = call(host, "POST", "/orchestrators/chain", content=b"{")
    assert bad.status_code == 400


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
        token = page.headers.get("x-ms-continuation-token")
        if token is None:
            break
        headers = {"x-ms-continuation-token": token}
    assert found == [f"listed-{n}" for n in range(5)]
    none = call(host, "GET", "/instances", params={**query, "runtimeStatus": "Running"})
    assert none.json() == []
    late = call(host, "GET", "/instances", params={**query, "createdTimeFrom": "2999-01-01T00:00Z"})
    assert late.json() == []


def test_instances_are_purged_by_filter_and_with_their_children(host: LocalHost) -> None:
    host.begin("parent", 1, "to-purge")
    host.finish("to-purge")
    assert host.state_of("to-purge-child")["runtimeStatus"] == "Completed"
    assert host.manage("purge", "to-purge").text == "5"
    assert call(host, "GET", "/instances/to-purge-child").status_code == 404
    assert call(host, "DELETE", "/instances").status_code == 400
    query = {"createdTimeFrom": "2000-01-01T00:00:00Z", "runtimeStatus": "Terminated"}
    host.begin("waits", None, "stays")
    call(host, "POST", f"/instances/{host.begin('waits')['id']}/terminate")
    eventually(lambda: call(host, "DELETE", "/instances", params=query).status_code == 200)
    assert call(host, "DELETE", "/instances", params=query).status_code == 404
    assert host.state_of("stays")["runtimeStatus"] == "Running"
    call(host, "POST", "/instances/stays/terminate")


def test_entities_are_signalled_read_and_listed(host: LocalHost) -> None:
    for key in ("one", "two"):
        signal = call(host, "POST", f"/entities/Counter/{key}", params={"op": "add"}, json="7")
        assert signal.status_code == 202
    eventually(lambda: call(host, "GET", "/entities/counter/two").status_code == 200)
    assert call(host, "GET", "/entities/counter/one").json() == 7
    assert call(host, "GET", "/entities/counter/three").status_code == 404
    listed = call(host, "GET", "/entities/counter", params={"fetchState": "true"}).json()
    assert {e["entityId"]["key"]: e["state"] for e in listed} == {"one": 7, "two": 7}
    assert call(host, "POST", "/entities/nobody/x").status_code == 400
    assert call(host, "DELETE", "/entities/counter/one").status_code == 202
    eventually(lambda: call(host, "GET", "/entities/counter/one").status_code == 404)
