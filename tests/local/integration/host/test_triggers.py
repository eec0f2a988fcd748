"""Blob, timer and Event Grid triggers."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob import BlobServiceClient, ContentSettings
from azure.storage.queue import QueueClient

from tests.azurite import running_azurite
from tests.local.integration.host.harness import APPS, LocalHost, eventually, running_host

API_VERSION = "2025-11-05"
TRIGGERS = APPS / "triggers"


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_azurite(tmp_path_factory.mktemp("azurite")) as text:
        yield text


@pytest.fixture(scope="module")
def blobs(connection: str) -> Iterator[BlobServiceClient]:
    with BlobServiceClient.from_connection_string(connection, api_version=API_VERSION) as service:
        service.create_container("poisonous")
        yield service


def notes(host: LocalHost, name: str) -> list[Any]:
    path = host.notes / name
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def settings(connection: str, every_second: str = "* * * * * *") -> dict[str, str]:
    return {"TEST_STORAGE": connection, "EVERY_SECOND": every_second}


def test_blobs_are_delivered_once_and_again_when_they_change(
    make_host: Callable[..., LocalHost], connection: str, blobs: BlobServiceClient
) -> None:
    container = blobs.get_container_client("references")
    container.upload_blob("a/before.txt", b"was there", metadata={"prompt": "a cat"})
    container.upload_blob("no-match.txt", b"has no folder")
    host = make_host(TRIGGERS, **settings(connection))
    host.start()
    (first,) = eventually(lambda: notes(host, "dropped"))
    assert first["name"] == "references/a/before.txt"
    assert first["uri"].endswith("/references/a/before.txt")
    assert first["metadata"] == {"prompt": "a cat"}
    assert (first["length"], first["content"]) == (9, "was there")
    container.upload_blob("a/before.txt", b"changed", overwrite=True)
    eventually(lambda: len(notes(host, "dropped")) == 2)
    assert host.stop() == 0
    container.upload_blob("b/later.txt", b"while it was down")
    host.start()
    eventually(lambda: len(notes(host, "dropped")) == 3)
    assert [n["content"] for n in notes(host, "dropped")] == [
        "was there",
        "changed",
        "while it was down",
    ]


def test_a_blob_that_always_fails_becomes_a_poison_message(
    make_host: Callable[..., LocalHost], connection: str, blobs: BlobServiceClient
) -> None:
    blobs.get_blob_client("poisonous", "bad.txt").upload_blob(b"x")
    host = make_host(TRIGGERS, **settings(connection))
    host.start()
    queue = QueueClient.from_connection_string(
        connection, "webjobs-blobtrigger-poison", api_version=API_VERSION
    )

    def poison() -> list[Any]:
        try:
            return list(queue.peek_messages(5))
        except ResourceNotFoundError:
            return []

    with queue:
        (message,) = eventually(poison)
    document = json.loads(base64.b64decode(message.content))
    assert document["FunctionId"] == "Host.Functions.poisoned"
    assert (document["ContainerName"], document["BlobName"]) == ("poisonous", "bad.txt")
    assert document["ETag"].startswith('"0x')
    assert notes(host, "poisoned") == ["poisonous/bad.txt"] * 5
    assert "function unreachable will never run: there is no storage connection" in host.log()
    assert "function copies will never run: the local host has no blob" in host.log()
    assert "function queued will never run: the local host has no queueTrigger" in host.log()
    assert "function reserved will never run: its route is the host's" in host.log()


def webhook(host: LocalHost, route: str, function: str, key: str | None = None) -> httpx.URL:
    system = "blobs_extension" if route == "blobs" else "eventgrid_extension"
    code = host.keys["systemKeys"][system] if key is None else key
    return httpx.URL(f"/runtime/webhooks/{route}", params={"functionName": function, "code": code})


def blob_event(container: str, name: str, etag: str, **changes: Any) -> dict[str, Any]:
    event = {
        "id": "1",
        "topic": "/subscriptions/…",
        "subject": f"/blobServices/default/containers/{container}/blobs/{name}",
        "eventType": "Microsoft.Storage.BlobCreated",
        "eventTime": "2026-01-01T00:00:00Z",
        "dataVersion": "",
        "data": {"eTag": etag.strip('"'), "url": "https://…"},
    }
    return {**event, **changes}


def test_a_blob_event_runs_its_function_each_time_whatever_it_tells_of(
    make_host: Callable[..., LocalHost], connection: str, blobs: BlobServiceClient
) -> None:
    host = make_host(TRIGGERS, **settings(connection))
    host.start()
    properties = blobs.get_blob_client("references", "e/event.txt").upload_blob(b"by event")
    blobs.get_blob_client("poisonous", "other.txt").upload_blob(b"elsewhere")
    event = blob_event("references", "e/event.txt", properties["etag"])
    url = webhook(host, "blobs", "Host.Functions.announced")
    for _ in range(3):
        assert host.http.post(url, json=[event]).status_code == 202
    # Nothing is filtered: another version, another kind of event, another container.
    stale = {**event, "data": {"eTag": "0x0"}}
    deleted = {**event, "eventType": "Microsoft.Storage.BlobDeleted"}
    elsewhere = blob_event("poisonous", "other.txt", "0x0")
    gone = blob_event("references", "e/gone.txt", "0x0")
    assert host.http.post(url, json=[stale, deleted, elsewhere, gone]).status_code == 202
    cloud = {
        "specversion": "1.0",
        "type": "Microsoft.Storage.BlobCreated",
        **{key: event[key] for key in ("id", "subject", "data")},
        "source": event["topic"],
    }
    assert host.http.post(url, json=cloud).status_code == 400
    eventually(lambda: len(notes(host, "announced")) == 6)
    contents = [n["content"] for n in notes(host, "announced")]
    assert sorted(contents) == ["by event"] * 5 + ["elsewhere"]
    assert host.http.post(webhook(host, "blobs", "announced", "wrong")).status_code == 401


def test_an_event_for_an_unknown_function_is_taken_and_ends_the_host(
    make_host: Callable[..., LocalHost], connection: str, blobs: BlobServiceClient
) -> None:
    host = make_host(TRIGGERS, **settings(connection))
    host.start()
    event = blob_event("references", "e/whatever.txt", "0x0")
    url = webhook(host, "blobs", "Host.Functions.renamed")
    assert host.http.post(url, json=[event]).status_code == 202
    assert host.ends() == 1
    assert "Invalid function ID: a message is for 'renamed'. Host is shutting down" in host.log()
    assert "ExceptionGroup" not in host.log()
    # It is back when the message is visible again.
    host.start()


def test_a_trigger_that_is_told_of_blobs_does_not_look_for_them(
    make_host: Callable[..., LocalHost], connection: str, blobs: BlobServiceClient
) -> None:
    host = make_host(TRIGGERS, **settings(connection))
    host.start()
    blobs.get_blob_client("references", "f/seen.txt").upload_blob(b"seen by whoever looks")
    eventually(lambda: any(n["content"].startswith("seen") for n in notes(host, "dropped")))
    assert not any(n["content"].startswith("seen") for n in notes(host, "announced"))


def test_a_blob_comes_as_it_is_stored_and_one_that_cannot_be_read_stops_no_other(
    make_host: Callable[..., LocalHost], connection: str, blobs: BlobServiceClient
) -> None:
    host = make_host(TRIGGERS, **settings(connection))
    host.start()
    container = blobs.get_container_client("references")
    container.upload_blob(
        "g/encoded.txt", b"no gzip", content_settings=ContentSettings(content_encoding="gzip")
    )
    container.upload_blob("g/plain.txt", b"after it")
    eventually(lambda: {"no gzip", "after it"} <= {n["content"] for n in notes(host, "dropped")})


def test_timers_run_on_schedule_and_on_startup(
    make_host: Callable[..., LocalHost], connection: str
) -> None:
    host = make_host(TRIGGERS, **settings(connection))
    host.start()
    eventually(lambda: len(notes(host, "ticks")) >= 2)
    assert notes(host, "yearly") == [False]
    host.stop()
    quiet = make_host(TRIGGERS, **settings(connection), **{"AzureWebJobs.yearly.Disabled": "true"})
    quiet.start()
    eventually(lambda: notes(quiet, "ticks"))
    assert notes(quiet, "yearly") == []


def test_an_operator_may_run_a_timer_at_once(event_host: LocalHost) -> None:
    before = len(notes(event_host, "ticks"))
    path = "/admin/functions/ticks"
    assert event_host.http.post(path, json={}).status_code == 401
    assert event_host.http.post(path, json={}, headers=event_host.master).status_code == 202
    eventually(lambda: len(notes(event_host, "ticks")) == before + 1)


@pytest.fixture(scope="module")
def event_host(tmp_path_factory: pytest.TempPathFactory, connection: str) -> Iterator[LocalHost]:
    quiet = settings(connection, "0 0 0 1 1 *")
    with running_host(TRIGGERS, tmp_path_factory.mktemp("events"), **quiet) as host:
        yield host


def test_event_grid_events_reach_their_function(event_host: LocalHost) -> None:
    event = {
        "id": "1",
        "topic": "t",
        "subject": "s",
        "eventType": "made.up",
        "eventTime": "2026-01-01T00:00:00Z",
        "data": {"n": 1},
        "dataVersion": "1",
    }
    http = event_host.http
    url = webhook(event_host, "EventGrid", "classic")
    assert http.post(url, json=[event, {**event, "id": "2"}]).status_code == 202
    assert sorted(notes(event_host, "classic")) == [
        ["1", "made.up", {"n": 1}],
        ["2", "made.up", {"n": 1}],
    ]
    cloud = {"specversion": "1.0", "id": "3", "source": "s", "type": "good", "data": {"n": 2}}
    assert http.post(url, json=cloud).status_code == 400
    url = webhook(event_host, "EventGrid", "failing")
    answer = http.post(url, json=[event, {**event, "eventType": "bad"}])
    assert answer.status_code == 500
    assert "failing" in answer.text
    assert http.post(webhook(event_host, "EventGrid", "nobody"), json=[event]).status_code == 404


def test_event_grid_webhooks_shake_hands(event_host: LocalHost) -> None:
    http = event_host.http
    before = notes(event_host, "classic")
    validation = {
        "id": "1",
        "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent",
        "data": {"validationCode": "the-code"},
    }
    for route, function in (("EventGrid", "classic"), ("blobs", "Host.Functions.announced")):
        url = webhook(event_host, route, function)
        headers = {"aeg-event-type": "SubscriptionValidation"}
        answer = http.post(url, json=[validation], headers=headers)
        assert answer.json() == {"validationResponse": "the-code"}
        answer = http.options(url, headers={"WebHook-Request-Origin": "eventgrid.azure.net"})
        assert answer.headers["webhook-allowed-origin"] == "eventgrid.azure.net"
        assert http.post(url, content=b"no json").status_code == 400
    assert notes(event_host, "classic") == before
