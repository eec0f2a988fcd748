"""What the host learns of the app: names, bindings and parameters of its functions.

A parameter that does not match its binding removes *all* functions from the host, so this is
checked as the host sees it: in a fresh process, and without any setting.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
NAME = re.compile(r"[a-z][a-z0-9_-]{0,127}")

ACTIVITIES = {
    "accept_drop": "drop",
    "advance_video": "video",
    "archive_video": "video",
    "check_video": "video",
    "deliver_webhooks": "given",
    "finish_video": "video",
    "prepare_reference": "video",
    "publish_events": "video",
    "reject_drop": "rejected",
    "submit_video": "video",
    "tend_batch": "batch",
}
ORCHESTRATORS = {
    "accept_batch_v1",
    "accept_drop_v1",
    "accept_drop_v2",
    "deliver_webhooks_v1",
    "generate_video_v1",
    "generate_video_v2",
    "generate_video_v3",
    "generate_video_v4",
    "repeat_step_v1",
    "repeat_step_v2",
    "repeat_step_v3",
    "run_batch_v1",
}
TRIGGERS = {
    "http_api": "httpTrigger",
    "reference_uploaded": "eventGridTrigger",
    "reference_dropped": "blobTrigger",
    "sweep": "timerTrigger",
    "sweep_references": "timerTrigger",
    "sweep_batches": "timerTrigger",
    "purge_histories": "timerTrigger",
    "retire_videos": "timerTrigger",
    "warn_of_retirements": "timerTrigger",
    "keep_books": "timerTrigger",
}

INDEX = """
import inspect, json, sys
import function_app

functions = []
for function in function_app.app.get_functions():
    call = function.get_user_function()
    functions.append({
        "name": function.get_function_name(),
        "bindings": [json.loads(raw) for raw in function.get_raw_bindings()],
        "parameters": list(inspect.signature(call).parameters),
        "is_async": inspect.iscoroutinefunction(call),
    })
json.dump(functions, sys.stdout)
"""


def _index() -> subprocess.CompletedProcess[str]:
    # As bare as a process can be: no setting at all.
    environ = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-c", INDEX], cwd=ROOT, env=environ, capture_output=True, text=True
    )


@pytest.fixture(scope="module")
def index() -> subprocess.CompletedProcess[str]:
    return _index()


@pytest.fixture(scope="module")
def functions(index: subprocess.CompletedProcess[str]) -> dict[str, dict[str, Any]]:
    assert index.returncode == 0, index.stderr
    listed: list[dict[str, Any]] = json.loads(index.stdout)
    assert len({function["name"] for function in listed}) == len(listed)
    return {function["name"]: function for function in listed}


def _trigger(function: dict[str, Any]) -> dict[str, Any]:
    found = [b for b in function["bindings"] if b["type"].lower().endswith("trigger")]
    assert len(found) == 1
    trigger: dict[str, Any] = found[0]
    return trigger


def test_an_app_without_settings_has_its_functions_and_its_first_work_says_what_is_missing(
    index: subprocess.CompletedProcess[str],
) -> None:
    assert index.returncode == 0
    assert index.stderr == ""  # nobody would hear it: ``test_runtime`` has what is said, and when


def test_the_app_has_exactly_these_functions(functions: dict[str, dict[str, Any]]) -> None:
    assert set(functions) == {*ACTIVITIES, *ORCHESTRATORS, *TRIGGERS, "quota"}


def test_names_are_valid_in_azure(functions: dict[str, dict[str, Any]]) -> None:
    for name in functions:
        assert NAME.fullmatch(name), name
        assert name != "host"


def test_parameters_match_bindings(functions: dict[str, dict[str, Any]]) -> None:
    for name, function in functions.items():
        bound = {b["name"] for b in function["bindings"]} - {"$return"}
        # The worker brings the invocation's context itself, where no binding has that name.
        unbound = set(function["parameters"]) - bound - {"context"}
        assert not unbound, f"{name}: no binding for {unbound}"
        assert bound <= set(function["parameters"]), f"{name}: no parameter for a binding"


def test_every_binding_has_a_direction(functions: dict[str, dict[str, Any]]) -> None:
    for name, function in functions.items():
        for binding in function["bindings"]:
            wanted = "OUT" if binding["name"] == "$return" else "IN"
            assert binding["direction"] == wanted, f"{name}: {binding['name']}"


@pytest.mark.parametrize("name", ACTIVITIES)
def test_activities(functions: dict[str, dict[str, Any]], name: str) -> None:
    trigger = _trigger(functions[name])
    assert (trigger["type"], trigger["name"]) == ("activityTrigger", ACTIVITIES[name])
    assert functions[name]["is_async"]


@pytest.mark.parametrize("name", sorted(ORCHESTRATORS))
def test_orchestrators_are_registered_under_their_versioned_names(
    functions: dict[str, dict[str, Any]], name: str
) -> None:
    trigger = _trigger(functions[name])
    assert trigger["type"] == "orchestrationTrigger"
    assert trigger.get("orchestration") == name
    assert not functions[name]["is_async"]


def test_the_quota_entity(functions: dict[str, dict[str, Any]]) -> None:
    trigger = _trigger(functions["quota"])
    assert (trigger["type"], trigger.get("entityName")) == ("entityTrigger", "quota")


@pytest.mark.parametrize(("name", "kind"), TRIGGERS.items())
def test_triggers(functions: dict[str, dict[str, Any]], name: str, kind: str) -> None:
    assert _trigger(functions[name])["type"] == kind


def test_functions_with_a_durable_client_are_async(functions: dict[str, dict[str, Any]]) -> None:
    clients = {
        name
        for name, function in functions.items()
        if any(b["type"] == "durableClient" for b in function["bindings"])
    }
    # These start nothing.
    besides = {"accept_drop", "advance_video", "publish_events", "tend_batch"}
    assert clients == {*TRIGGERS, *besides} - {
        "retire_videos",
        "warn_of_retirements",
        "keep_books",
    }
    assert all(functions[name]["is_async"] for name in clients)


def test_http_is_one_anonymous_route_for_every_method(
    functions: dict[str, dict[str, Any]],
) -> None:
    trigger = _trigger(functions["http_api"])
    assert trigger["route"] == "{*path}"
    assert trigger["authLevel"].lower() == "anonymous"
    assert {"GET", "HEAD", "POST", "DELETE"} <= {str(m).upper() for m in trigger["methods"]}
    host = json.loads((ROOT / "host.json").read_text(encoding="utf-8"))
    assert host["extensions"]["http"]["routePrefix"] == ""


@pytest.mark.parametrize("name", ["host.json", "infra/host.scheduler.json"])
def test_the_lines_of_every_function_that_writes_some_get_through(
    functions: dict[str, dict[str, Any]], name: str
) -> None:
    """Without them the alerts are blind. What the host says of itself is left out."""
    silent = ("orchestrationTrigger", "entityTrigger")
    writing = {n for n, function in functions.items() if _trigger(function)["type"] not in silent}
    levels = json.loads((ROOT / name).read_text(encoding="utf-8"))["logging"]["logLevel"]
    lines = {f"Function.{function}.User": "Information" for function in writing}
    host = {"Function": "Warning", "default": "Warning", "Azure.Core": "Error"}
    told = {key: level for key, level in levels.items() if key in host or key.startswith("Fun")}
    assert told == {**host, **lines}
    # The host tells of requests, and of timers that failed, by this.
    assert levels["Host.Results"] == "Information"


def test_what_the_old_trigger_queued_still_finds_its_function(
    functions: dict[str, dict[str, Any]],
) -> None:
    # A message for a function that is not there ends the host. Flex supports no other source.
    trigger = _trigger(functions["reference_dropped"])
    assert trigger["source"] == "EventGrid"
    assert trigger["connection"] == "VideoStorage"
    assert trigger["path"].endswith("/{name}")


@pytest.mark.parametrize("name", ["sweep", "sweep_references"])
def test_the_sweepers_run_by_a_setting(functions: dict[str, dict[str, Any]], name: str) -> None:
    trigger = _trigger(functions[name])
    assert trigger["schedule"] == "%DAILIES_SWEEP_SCHEDULE%"
