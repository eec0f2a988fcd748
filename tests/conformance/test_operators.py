"""What is open without a key, what the master key opens, and the webhook of uploads."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.e2e.durable import system_key
from tests.pictures import png
from tests.stack import RunningStack

DROPS = "reference_uploaded"


@pytest.mark.parametrize("path", ["/admin/host/ping", "/Admin/Instance/HTTP-health"])
def test_pings_are_for_everybody(stack: RunningStack, path: str) -> None:
    assert stack.anonymous.get(path).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/admin/host/status",
        "/ADMIN/host/status",
        "/admin/functions",
        "/admin/host/keys",
        "/admin/host/systemkeys",
        "/runtime/webhooks/durabletask/instances",
        f"/runtime/webhooks/EventGrid?functionName={DROPS}",
    ],
)
def test_all_else_of_the_host_needs_a_key(guarded: RunningStack, path: str) -> None:
    method = "POST" if "EventGrid" in path else "GET"
    assert guarded.anonymous.request(method, path, json=[]).status_code == 401
    wrong = {"x-functions-key": guarded.api_key}
    assert guarded.anonymous.request(method, path, headers=wrong, json=[]).status_code == 401


def test_the_master_key_opens_what_operators_need(stack: RunningStack) -> None:
    status = stack.operator.get("/admin/host/status").raise_for_status().json()
    assert status["state"] == "Running"
    listed = stack.operator.get("/admin/functions").raise_for_status().json()
    assert {"http_api", DROPS, "sweep"} <= {function["name"] for function in listed}
    assert system_key(stack, "durabletask")


@pytest.mark.parametrize("path", ["/admin/nothing", "/runtime/nothing", "/"])
def test_what_the_host_does_not_have_is_the_apps(stack: RunningStack, path: str) -> None:
    answer = stack.api.get(path)
    assert answer.status_code == 404
    assert answer.json()["error"]["message"]


def test_a_timer_runs_when_an_operator_says_so(stack: RunningStack) -> None:
    path = "/admin/functions/retire_videos"
    assert stack.operator.post(path, json={"input": ""}).status_code == 202
    assert stack.operator.post("/admin/functions/nobody", json={}).status_code == 404


def post(stack: RunningStack, function: str, *events: dict[str, Any]) -> httpx.Response:
    query = {"functionName": function, "code": system_key(stack, "eventgrid")}
    return stack.anonymous.post(
        "/runtime/webhooks/EventGrid", params=query, json=list(events), timeout=120
    )


def upload(name: str, **changes: Any) -> dict[str, Any]:
    event = {
        "id": name,
        "topic": "/subscriptions/0/resourceGroups/r",
        "subject": f"/blobServices/default/containers/references/blobs/{name}",
        "eventType": "Microsoft.Storage.BlobCreated",
        "eventTime": "2026-01-01T00:00:00Z",
        "dataVersion": "",
        "metadataVersion": "1",
        "data": {"api": "PutBlob", "eTag": "0x0", "contentLength": 1, "blobType": "BlockBlob"},
    }
    return event | changes


def test_an_event_is_answered_when_its_function_has_succeeded(stack: RunningStack) -> None:
    stack.drop("conformance/told.png", png(1), {"prompt": "told of"})
    assert post(stack, DROPS, upload("conformance/told.png")).status_code == 202
    assert post(stack, DROPS, upload("elsewhere.png", eventType="made.up")).status_code == 202


def test_an_event_for_nobody_is_a_404_and_the_host_lives(stack: RunningStack) -> None:
    assert post(stack, "renamed", upload("a.png")).status_code == 404
    assert stack.healthy()


def test_cloud_events_are_refused(stack: RunningStack) -> None:
    cloud = {"specversion": "1.0", "id": "1", "source": "s", "type": "t", "data": {}}
    assert post(stack, DROPS, cloud).status_code == 400


def test_a_subscription_is_confirmed(stack: RunningStack) -> None:
    event = upload(
        "x",
        eventType="Microsoft.EventGrid.SubscriptionValidationEvent",
        data={"validationCode": "512d38b6"},
    )
    query = {"functionName": DROPS, "code": system_key(stack, "eventgrid")}
    answer = stack.anonymous.post(
        "/runtime/webhooks/EventGrid",
        params=query,
        json=[event],
        headers={"aeg-event-type": "SubscriptionValidation"},
    )
    assert answer.json() == {"validationResponse": "512d38b6"}
