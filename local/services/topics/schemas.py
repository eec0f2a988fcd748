"""The two forms in which Event Grid talks to a webhook: CloudEvents 1.0, and its own."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Any, Protocol

import httpx

from local.services.topics.cloudevents import SINGLE
from local.services.topics.store import Delivery

__all__ = ["CloudEventSchema", "EventGridSchema", "HandshakeError", "Schema"]

ORIGIN = "eventgrid.azure.net"
_NOTIFICATION = {"aeg-event-type": "Notification", "aeg-subscription-name": "SUBSCRIPTION"}


class HandshakeError(Exception):
    """The webhook did not consent to receive events."""


class Schema(Protocol):
    """How a webhook is asked for its consent, and how an event is sent to it."""

    async def ask(self, client: httpx.AsyncClient, url: str) -> None:
        """Ask for consent.

        Raises:
            HandshakeError: it does not consent.
        """
        ...

    async def send(self, client: httpx.AsyncClient, delivery: Delivery) -> httpx.Response:
        """Send the event of a delivery.

        Raises:
            httpx.HTTPError: there is no answer.
        """
        ...


class CloudEventSchema:
    """CloudEvents 1.0; consent by the abuse protection of its HTTP webhooks (section 4)."""

    async def ask(self, client: httpx.AsyncClient, url: str) -> None:
        """See ``Schema``."""
        try:
            answer = await client.options(url, headers={"WebHook-Request-Origin": ORIGIN})
        except httpx.HTTPError as exc:
            raise _unreachable(url, exc) from exc
        allowed = answer.headers.get("WebHook-Allowed-Origin")
        if answer.status_code != 200 or allowed not in (ORIGIN, "*"):
            raise HandshakeError(
                f"{url} does not consent to events from {ORIGIN}: it answered "
                f"{answer.status_code} with WebHook-Allowed-Origin {allowed!r}"
            )

    async def send(self, client: httpx.AsyncClient, delivery: Delivery) -> httpx.Response:
        """See ``Schema``."""
        headers = {
            **_NOTIFICATION,
            "Content-Type": f"{SINGLE}; charset=utf-8",
            "WebHook-Request-Origin": ORIGIN,
            "aeg-delivery-count": str(len(delivery.attempts)),
        }
        return await client.post(delivery.url, json=delivery.event, headers=headers)


class EventGridSchema:
    """Event Grid's own; consent by sending back the code of a validation event.

    https://learn.microsoft.com/azure/event-grid/end-point-validation-event-grid-events-schema
    """

    async def ask(self, client: httpx.AsyncClient, url: str) -> None:
        """See ``Schema``."""
        code = secrets.token_hex(16)
        event: dict[str, Any] = {
            "id": secrets.token_hex(16),
            "topic": "",
            "subject": "",
            "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent",
            "eventTime": datetime.now(UTC).isoformat(),
            "dataVersion": "2",
            "metadataVersion": "1",
            "data": {"validationCode": code},
        }
        headers = {"aeg-event-type": "SubscriptionValidation"}
        try:
            answer = await client.post(url, json=[event], headers=headers)
            given = answer.json().get("validationResponse") if answer.status_code == 200 else None
        except httpx.HTTPError as exc:
            raise _unreachable(url, exc) from exc
        except (ValueError, AttributeError):
            given = None
        if given != code:
            raise HandshakeError(f"{_bare(url)} does not send the code back: {answer.status_code}")

    async def send(self, client: httpx.AsyncClient, delivery: Delivery) -> httpx.Response:
        """See ``Schema``."""
        headers = {
            **_NOTIFICATION,
            "aeg-delivery-count": str(len(delivery.attempts)),
            "aeg-data-version": str(delivery.event.get("dataVersion", "")),
            "aeg-metadata-version": "1",
        }
        return await client.post(delivery.url, json=[delivery.event], headers=headers)


def _unreachable(url: str, error: httpx.HTTPError) -> HandshakeError:
    return HandshakeError(f"{_bare(url)} can't be reached: {error or type(error).__name__}")


def _bare(url: str) -> str:
    """Without its query, which may hold a key."""
    return url.partition("?")[0]
