"""Paths of blob triggers, events about blobs, and the message for blobs that cannot be handled."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from .config import ConfigurationError
from .eventgrid_trigger import Event, WebhookError, handshake, read_events
from .functions import Function
from .trigger_store import BlobMessage, TriggerStore

__all__ = ["BlobConsumer", "BlobPath", "handle_blob_events", "poison_message"]


@dataclass(frozen=True)
class BlobPath:
    """A trigger's path, ``container/{dir}/{name}.{ext}``."""

    container: str
    pattern: re.Pattern[str]
    prefix: str
    """What every matching name begins with."""

    @classmethod
    def parse(cls, path: str) -> BlobPath:
        """Compile a path whose settings are resolved.

        :raises ConfigurationError: it has no container, or none that is fixed.
        """
        container, _, blob = path.strip("/").partition("/")
        if not container or "{" in container:
            raise ConfigurationError(f"blob path {path!r}: expected 'container/…'")
        parts = re.split(r"\{([A-Za-z_][A-Za-z0-9_]*)\}", blob or "{name}")
        pattern = "".join(
            f"(?P<{part}>.+)" if index % 2 else re.escape(part) for index, part in enumerate(parts)
        )
        return cls(container, re.compile(pattern), parts[0])

    def match(self, name: str) -> dict[str, str] | None:
        """The parameters of the path in a blob's name, if it matches."""
        found = self.pattern.fullmatch(name)
        return None if found is None else found.groupdict()


def poison_message(message: BlobMessage) -> str:
    """The text that Azure leaves in the poison queue for a blob."""
    return json.dumps(
        {
            "Type": "BlobTrigger",
            "FunctionId": f"Host.Functions.{message.function}",
            "BlobType": "BlockBlob",
            "ContainerName": message.container,
            "BlobName": message.name,
            "ETag": f'"{message.etag}"',
        }
    )


class BlobConsumer(Protocol):
    """A blob-triggered function that takes blobs by event."""

    @property
    def function(self) -> Function:
        """The function."""

    @property
    def path(self) -> BlobPath:
        """The blobs that it is for."""

    def enqueue(self, container: str, name: str, etag: str) -> None:
        """Queue a blob that an event names."""


async def handle_blob_events(
    request: Request, triggers: Sequence[BlobConsumer], store: TriggerStore
) -> Response:
    """Answer ``/runtime/webhooks/blobs?functionName=Host.Functions.…``; the key has been checked.

    Events are queued before the answer, whatever their type, the container, the path and the
    function: nothing is filtered here. CloudEvents are refused.
    """
    name = request.query_params.get("functionName", "").removeprefix("Host.Functions.")
    trigger = next((t for t in triggers if t.function.name == name), None)
    try:
        events = await read_events(request)
        answer = handshake(request, events)
        named = [_named_blob(event) for event in events] if answer is None else []
    except WebhookError as error:
        return PlainTextResponse(str(error), 400)
    if answer is not None:
        return answer
    for container, blob, etag in named:
        if trigger is None:
            store.enqueue(name, container, blob, etag, time.time())
        else:
            trigger.enqueue(container, blob, etag)
    return Response(status_code=202)


def _named_blob(event: Event) -> tuple[str, str, str]:
    """Container, name and ETag of the blob that an event is about."""
    if "specversion" in event:
        raise WebhookError("CloudEvents are not taken: subscribe with the Event Grid schema")
    subject = re.search(
        r"/blobServices/default/containers/([^/]+)/blobs/(.+)$", str(event.get("subject", ""))
    )
    if subject is None:
        raise WebhookError("an event about a blob needs a subject that names it")
    data: Mapping[str, Any] = event.get("data") or {}
    return subject[1], subject[2], str(data.get("eTag", "")).strip('"')
