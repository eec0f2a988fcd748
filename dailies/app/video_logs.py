"""One log for each video that has ended, to services that take no OTLP: Helicone, or an address of
the operator's own.

Both are made of the same span as OTLP's (``dailies.pipeline.generation``), in the background and at
most once: what must arrive are events, not logs.
"""

from __future__ import annotations

import json
import logging
import time
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import format_trace_id
from pydantic import SecretStr

from dailies.guards.webhook import signed_headers, webhook_key
from dailies.pipeline.generation import OPERATION
from dailies.telemetry.logs import log_event

__all__ = ["HeliconeExporter", "VideoLogProcessor", "WebhookExporter"]

_SECONDS = 10.0
_ATTEMPTS = 3

# What Helicone shows as a request's status: it has none for a video that its owner stopped.
_STATUSES = {"completed": 200, "cancelled": 499}
_FAILED = 500


class VideoLogProcessor(BatchSpanProcessor):
    """Hands over the spans of videos that have ended, and no others."""

    def on_end(self, span: ReadableSpan) -> None:
        """See the base."""
        if (span.attributes or {}).get("gen_ai.operation.name") == OPERATION:
            super().on_end(span)


class _VideoLogExporter(SpanExporter):
    """Sends each video's log by itself, in order; one that is not taken is given up and logged."""

    destination: str

    def __init__(self, url: str, transport: httpx.BaseTransport | None = None) -> None:
        self._url = url
        self._client = httpx.Client(timeout=_SECONDS, transport=transport)

    @abstractmethod
    def request_of(self, about: Mapping[str, Any]) -> tuple[bytes, Mapping[str, str]]:
        """The body and the headers that tell of a video, see ``_about``."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """See the base."""
        results = [self._send(_about(span)) for span in spans]
        return SpanExportResult.SUCCESS if all(results) else SpanExportResult.FAILURE

    def shutdown(self) -> None:
        """See the base."""
        self._client.close()

    def _send(self, about: Mapping[str, Any]) -> bool:
        body, headers = self.request_of(about)
        status: int | None = None
        fault: httpx.HTTPError | None = None
        for _ in range(_ATTEMPTS):
            try:
                answer = self._client.post(
                    self._url,
                    content=body,
                    headers={"content-type": "application/json", **headers},
                )
            except httpx.HTTPError as error:
                fault = error
                continue
            status, fault = answer.status_code, None
            if answer.is_success:
                return True
            if status < 500:
                break
        log_event(
            "video_log_not_sent",
            level=logging.WARNING,
            destination=self.destination,
            video_id=about["id"],
            http_status=status,
            fault=fault,
        )
        return False


class HeliconeExporter(_VideoLogExporter):
    """Helicone's endpoint for custom logs (docs.helicone.ai, "Manual Logger - cURL").

    Its OTLP intake wants a form of its own and reads chats alone, so that is not used.
    """

    destination = "helicone"

    def __init__(
        self, url: str, key: SecretStr, transport: httpx.BaseTransport | None = None
    ) -> None:
        super().__init__(url, transport)
        self._key = key

    def request_of(self, about: Mapping[str, Any]) -> tuple[bytes, Mapping[str, str]]:
        """See the base."""
        kind = {"_type": "data", "name": OPERATION, "model": about["model"]}
        asked = {name: about[name] for name in ("seconds", "size", "prompt") if name in about}
        answer_names = ("id", "status", "error_code", "cost_usd", "cost_is_estimate", "file")
        answered = {name: about[name] for name in answer_names if name in about}
        properties = {
            name: str(about[name]) for name in ("provider", "deployment", "source") if name in about
        }
        document = {
            "providerRequest": {
                "url": "custom-model-nopath",
                "json": {**kind, **asked},
                "meta": {
                    # The same for each try: a video is one request.
                    "Helicone-Request-Id": str(UUID(about["id"].rpartition("_")[2])),
                    "Helicone-User-Id": about["owner"],
                    **{f"Helicone-Property-{name.title()}": v for name, v in properties.items()},
                },
            },
            "providerResponse": {
                "headers": {},
                "status": _STATUSES.get(about["status"], _FAILED),
                "json": {**kind, **answered},
            },
            "timing": {
                "startTime": _seconds_and_milliseconds(about["created_at"]),
                "endTime": _seconds_and_milliseconds(about["completed_at"]),
            },
        }
        headers = {"authorization": f"Bearer {self._key.get_secret_value()}"}
        return json.dumps(document).encode(), headers


class WebhookExporter(_VideoLogExporter):
    """An address of the operator's own, signed as Standard Webhooks has it.

    Args:
        clock: gives Unix seconds.
    """

    destination = "webhook"

    def __init__(
        self,
        url: str,
        secret: SecretStr,
        *,
        clock: Callable[[], float] = time.time,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        super().__init__(url, transport)
        self._key = webhook_key(secret.get_secret_value())
        self._clock = clock

    def request_of(self, about: Mapping[str, Any]) -> tuple[bytes, Mapping[str, str]]:
        """See the base."""
        now = self._clock()
        document = {
            "type": "dailies.log.video",
            "timestamp": datetime.fromtimestamp(now, UTC).isoformat(),
            "data": about,
        }
        body = json.dumps(document).encode()
        return body, signed_headers(self._key, f"log_{about['id']}", now, body)


_NAMES = {
    "dailies.video.id": "id",
    "dailies.owner": "owner",
    "dailies.outcome": "status",
    "error.type": "error_code",
    "gen_ai.request.model": "model",
    "gen_ai.provider.name": "provider",
    "dailies.deployment": "deployment",
    "gen_ai.response.id": "job_id",
    "dailies.source": "source",
    "dailies.video.seconds": "seconds",
    "dailies.video.size": "size",
    "dailies.cost.usd": "cost_usd",
    "dailies.cost.is_estimate": "cost_is_estimate",
    # only where the operator wants them
    "gen_ai.prompt.0.content": "prompt",
    "gen_ai.completion.0.content": "file",
}


def _about(span: ReadableSpan) -> Mapping[str, Any]:
    """The video of a span in plain names; what is not known is left out."""
    attributes = span.attributes or {}
    context = span.get_span_context()
    return {
        **{ours: attributes[name] for name, ours in _NAMES.items() if name in attributes},
        "created_at": (span.start_time or 0) / 1e9,
        "completed_at": (span.end_time or 0) / 1e9,
        "trace_id": format_trace_id(context.trace_id) if context is not None else None,
    }


def _seconds_and_milliseconds(at: float) -> dict[str, int]:
    milliseconds = round(at * 1000)
    return {"seconds": milliseconds // 1000, "milliseconds": milliseconds % 1000}
