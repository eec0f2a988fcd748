"""Azure's own SDKs get their tokens here and publish their events here."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError
from azure.core.messaging import CloudEvent
from azure.eventgrid import EventGridPublisherClient as SyncPublisherClient
from azure.eventgrid.aio import EventGridPublisherClient
from azure.identity import CredentialUnavailableError, DefaultAzureCredential
from azure.identity.aio import ManagedIdentityCredential

from tests.local.integration.services.harness import SECRET, ServicesProcess, wait_until

CLIENT_ID = "1f0c7d7e-95c2-4f8b-8c9e-2a2b1c3d4e5f"
SORA_SCOPE = "https://cognitiveservices.azure.com/.default"


@pytest.fixture(autouse=True)
def _environment(services: ServicesProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{services.url}/identity/token")
    monkeypatch.setenv("IDENTITY_HEADER", SECRET)


def test_a_default_credential_opens_sora_and_is_asked_once(services: ServicesProcess) -> None:
    before = services.ask("tokens")["issued"]
    with DefaultAzureCredential(managed_identity_client_id=CLIENT_ID) as credential:
        for _ in range(3):
            token = credential.get_token(SORA_SCOPE)
            answer = httpx.get(
                f"{services.url}/openai/v1/videos?api-version=preview",
                headers={"Authorization": f"Bearer {token.token}"},
                trust_env=False,
            )
            assert answer.status_code == 200
    assert services.ask("tokens")["issued"] == before + 1


def test_a_wrong_secret_gets_no_token(
    services: ServicesProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IDENTITY_HEADER", "wrong")
    before = services.ask("tokens")
    with (
        DefaultAzureCredential() as credential,
        pytest.raises((ClientAuthenticationError, CredentialUnavailableError)),
    ):
        credential.get_token(SORA_SCOPE)
    after = services.ask("tokens")
    assert after["refused"] > before["refused"]
    assert after["issued"] == before["issued"]


def publisher_of(
    services: ServicesProcess, credential: ManagedIdentityCredential
) -> EventGridPublisherClient:
    # aiohttp reads SSL_CERT_FILE when it is imported, which is too late in a test.
    return EventGridPublisherClient(
        f"{services.tls_url}/topics/dailies/api/events",
        credential,
        connection_verify=str(services.certificates.bundle),
    )


class _Webhook(BaseHTTPRequestHandler):
    """Consents, refuses the first delivery of everything, and notes what comes."""

    received: list[dict[str, object]]

    def do_OPTIONS(self) -> None:
        self.send_response(200)
        self.send_header("WebHook-Allowed-Origin", self.headers["WebHook-Request-Origin"])
        self.end_headers()

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        first = body["id"] not in [event["id"] for event in self.received]
        self.received.append(body)
        self.send_response(503 if first else 200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Stay silent."""


@pytest.fixture
def webhook() -> Iterator[tuple[str, list[dict[str, object]]]]:
    received: list[dict[str, object]] = []
    handler = type("Handler", (_Webhook,), {"received": received})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/hook", received
    server.shutdown()
    thread.join()
    server.server_close()


async def test_events_are_published_over_tls_and_delivered_again_until_taken(
    services: ServicesProcess, webhook: tuple[str, list[dict[str, object]]]
) -> None:
    url, received = webhook
    with services.client() as client:
        client.post("/_inspect/subscriptions", json={"url": url}).raise_for_status()
    events = [
        CloudEvent(source="/dailies", type="dailies.video.completed", id=f"e{n}", data={"n": n})
        for n in range(2)
    ]
    async with (
        ManagedIdentityCredential(client_id=CLIENT_ID) as credential,
        publisher_of(services, credential) as publisher,
    ):
        await publisher.send(events[0])
        await publisher.send(events)
    accepted = [entry["event"] for entry in services.ask("events")]
    assert [event["id"] for event in accepted] == ["e0", "e0", "e1"]
    assert accepted[2]["data"] == {"n": 1}
    wait_until(lambda: [event["id"] for event in received].count("e1") == 2)
    with services.client() as client:
        client.delete("/_inspect/subscriptions", params={"url": url}).raise_for_status()


async def test_a_token_for_sora_does_not_open_the_topic(services: ServicesProcess) -> None:
    async with ManagedIdentityCredential(client_id=CLIENT_ID) as credential:
        token = await credential.get_token(SORA_SCOPE)
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.post(
            f"{services.url}/topics/dailies/api/events?api-version=2018-01-01",
            headers={
                "Authorization": f"Bearer {token.token}",
                "Content-Type": "application/cloudevents+json",
            },
            content=b"{}",
        )
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "Unauthorized"


def test_an_event_over_a_megabyte_is_refused(
    services: ServicesProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(services.certificates.bundle))
    with (
        DefaultAzureCredential(managed_identity_client_id=CLIENT_ID) as credential,
        SyncPublisherClient(
            f"{services.tls_url}/topics/dailies/api/events", credential
        ) as publisher,
        pytest.raises(HttpResponseError) as caught,
    ):
        publisher.send(CloudEvent(source="/x", type="t", data="x" * 1_100_000))
    assert caught.value.status_code == 413


def test_a_webhook_that_does_not_consent_is_no_subscriber(
    make_services: Callable[..., ServicesProcess],
) -> None:
    services = make_services()
    with services.client() as client:
        url = f"{services.url}/_inspect/health"
        answer = client.post("/_inspect/subscriptions", json={"url": url})
    assert answer.status_code == 400
    assert "does not consent" in answer.json()["error"]["message"]
    assert services.ask("subscriptions") == []
