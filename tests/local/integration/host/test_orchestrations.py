"""Every durable feature, with the real SDK in a real worker."""

from __future__ import annotations

import json
import time

import pytest

from tests.local.integration.host.harness import LocalHost, eventually


def output_of(host: LocalHost, name: str, argument: object = None) -> object:
    state = host.run(name, argument)
    assert state["runtimeStatus"] == "Completed", state
    return state["output"]


def test_activities_run_one_after_the_other(host: LocalHost) -> None:
    assert output_of(host, "chain", 5) == 8


def test_activities_run_in_parallel(host: LocalHost) -> None:
    assert output_of(host, "fan_out", 25) == sum(range(1, 26))


def test_a_function_that_yields_nothing_completes(host: LocalHost) -> None:
    assert output_of(host, "no_generator", {"a": [1]}) == {"input": {"a": [1]}}


def test_a_cancelled_timer_does_not_hold_back_the_end(host: LocalHost) -> None:
    assert output_of(host, "race") == 2


def test_an_open_timer_holds_back_the_end(host: LocalHost) -> None:
    begun = time.monotonic()
    assert output_of(host, "open_timer") == "not before the timer"
    assert time.monotonic() - begun >= 1.0


@pytest.mark.parametrize(("seconds", "least", "less_than"), [(0.2, 0, 0.2), (1.9, 1.0, 1.9)])
def test_a_timer_fires_before_it_is_due(
    host: LocalHost, seconds: float, least: float, less_than: float
) -> None:
    """Its message is hidden for whole seconds, and the orchestrator sees the time as it is."""
    waited = output_of(host, "timers", seconds)
    assert isinstance(waited, float)
    assert least <= waited < less_than


@pytest.mark.parametrize("failures", [0, 1, 2])
def test_a_failed_activity_is_tried_again(host: LocalHost, failures: int) -> None:
    result = output_of(host, "retries", {"failures": failures})
    assert result == [f"after {failures + 1}", 42]


def test_the_last_failure_is_the_orchestrators(host: LocalHost) -> None:
    result = output_of(host, "retries", {"failures": 99})
    assert isinstance(result, list)
    reason, _, details = result[0].partition(" \n ")
    assert reason == "Activity function 'flaky' failed: RuntimeError: attempt 3"
    assert "attempt 3" in json.loads(details)["Message"]
    assert result[1] == 42


def test_retries_in_parallel_keep_their_numbers_apart(host: LocalHost) -> None:
    assert output_of(host, "retries_in_parallel") == ["after 1", "after 2", "after 3"]


def test_an_unhandled_failure_fails_the_orchestration(host: LocalHost) -> None:
    state = host.run("fails", "no luck")
    assert state["runtimeStatus"] == "Failed"
    assert state["output"].startswith(
        "Orchestrator function 'fails' failed: Activity function 'broken' failed: "
        "ValueError: no luck"
    )


def test_sub_orchestrations_answer_and_are_retried(host: LocalHost) -> None:
    state = host.run("parent", 1)
    inner, named, error = state["output"]
    assert (inner, named) == (4, 7)
    assert error.startswith("Orchestrator function 'fails' failed: Activity function 'broken'")
    child = host.state_of(f"{state['instanceId']}-child")
    assert (child["runtimeStatus"], child["output"]) == ("Completed", 7)


def test_an_external_event_is_awaited(host: LocalHost) -> None:
    begun = host.begin("waits")
    eventually(lambda: host.state_of(begun["id"])["customStatus"] == "waiting")
    event = {"name": "go", "data": {"n": 1}}
    assert host.manage("raise", begun["id"], event).status_code == 200
    state = host.finish(begun["id"])
    # The SDK's client sends its data as a string, as in Azure.
    assert state["output"] == json.dumps(event["data"])
    assert state["customStatus"] == {"got": state["output"]}


def test_an_event_over_http_is_a_value(host: LocalHost) -> None:
    begun = host.begin("waits")
    url = begun["sendEventPostUri"].replace("{eventName}", "go")
    assert host.http.post(url, json=[1, 2]).status_code == 202
    assert host.finish(begun["id"])["output"] == [1, 2]


def test_a_custom_status_above_16_kb_fails(host: LocalHost) -> None:
    state = host.run("loud_status", 9_000)
    assert state["runtimeStatus"] == "Failed"
    assert "must not exceed 16 KB" in state["output"]
    assert state["customStatus"] is None
    assert host.run("loud_status", 8_200)["customStatus"] == "x" * 8_200


def test_continue_as_new_starts_over_with_its_input(host: LocalHost) -> None:
    state = host.run("counting_down", 20)
    assert (state["output"], state["customStatus"]) == ("done", "1 left")
    history = host.state_of(state["instanceId"], showHistory="true")["historyEvents"]
    assert [event["EventType"] for event in history] == [
        "ExecutionStarted",
        "TaskCompleted",
        "ExecutionCompleted",
    ]


def test_entities_are_signalled_and_called(host: LocalHost) -> None:
    assert output_of(host, "counts", {"key": "a", "signals": 3}) == [3, 13]
    host.manage("signal", "a", {"op": "add", "input": 2})
    eventually(lambda: host.manage("entity", "a").json() == [True, 15])
    host.manage("signal", "a", {"op": "delete"})
    eventually(lambda: host.manage("entity", "a").json() == [False, None])


def test_an_entitys_failure_reaches_its_caller(host: LocalHost) -> None:
    assert output_of(host, "upsets_entity") == "no such operation"


def test_an_unknown_activity_fails_the_orchestration(host: LocalHost) -> None:
    state = host.run("calls_nobody")
    assert state["runtimeStatus"] == "Failed"
    assert "The function 'nobody' doesn't exist" in state["output"]
    assert "'increment'" in state["output"]


def test_suspend_holds_messages_until_resume(host: LocalHost) -> None:
    begun = host.begin("waits")
    host.manage("suspend", begun["id"], "a break")
    eventually(lambda: host.state_of(begun["id"])["runtimeStatus"] == "Suspended")
    host.manage("raise", begun["id"], {"name": "go", "data": 1})
    time.sleep(0.2)
    suspended = host.state_of(begun["id"])
    assert (suspended["runtimeStatus"], suspended["output"]) == ("Suspended", "a break")
    host.manage("resume", begun["id"], "go on")
    assert host.finish(begun["id"])["output"] == "1"


def test_terminate_ends_an_instance(host: LocalHost) -> None:
    begun = host.begin("waits")
    host.manage("terminate", begun["id"], "enough")
    state = host.finish(begun["id"])
    assert (state["runtimeStatus"], state["output"]) == ("Terminated", "enough")


def test_a_terminated_parent_leaves_its_sub_orchestrations_running(host: LocalHost) -> None:
    begun = host.begin("waits_for_child", instance_id="terminated-parent")
    child = "terminated-parent-child"
    eventually(lambda: host.http.get(begun["statusQueryGetUri"]).json()["customStatus"])
    eventually(lambda: host.state_of(child)["customStatus"] == "waiting")
    host.manage("terminate", begun["id"], "enough")
    assert host.finish(begun["id"])["runtimeStatus"] == "Terminated"
    assert host.state_of(child)["runtimeStatus"] == "Running"
    host.manage("terminate", child, "that too")
    assert host.finish(child)["output"] == "that too"


def test_a_running_instance_is_not_started_twice(host: LocalHost) -> None:
    begun = host.begin("waits", instance_id="only-one")
    assert begun["id"] == "only-one"
    again = host.http.post("/start/waits", params={"id": "only-one"})
    assert again.status_code == 500
    host.manage("terminate", "only-one", "")
    host.finish("only-one")
    host.begin("chain", 1, instance_id="only-one")
    assert host.finish("only-one")["output"] == 4


def test_restart_runs_an_instance_once_more(host: LocalHost) -> None:
    host.begin("chain", 1, instance_id="again")
    first = host.finish("again")
    host.manage("restart", "again")
    assert host.finish("again")["output"] == first["output"]
