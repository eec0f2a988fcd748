"""CloudEvents 1.0 as Event Grid's custom topics take them (JSON format, single or batch)."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any

from local.services.errors import ServiceError, event_grid_error

LARGEST = 1_048_576
"""Bytes of one event, and of a whole request."""

SINGLE = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
_REQUIRED = ("id", "source", "specversion", "type")
_ATTRIBUTES = frozenset(
    {*_REQUIRED, "subject", "time", "datacontenttype", "dataschema", "data", "data_base64"}
)
_EXTENSION = re.compile(r"^[a-z0-9]{1,20}$")


def parse_events(media_type: str, body: bytes) -> list[dict[str, Any]]:
    """The events of a request.

    Raises:
        ServiceError: 400 for what is no CloudEvent, 413 for what is too large, 415 for another
            media type.
    """
    kind = media_type.partition(";")[0].strip().lower()
    if kind not in (SINGLE, BATCH):
        raise event_grid_error(
            415, "UnsupportedMediaType", f"The content type must be '{SINGLE}' or '{BATCH}'."
        )
    if len(body) > LARGEST:
        raise too_large()
    try:
        parsed = json.loads(body)
    except ValueError as exc:
        raise _invalid(f"The body is not valid JSON: {exc}.") from None
    events = [parsed] if kind == SINGLE else parsed
    if not isinstance(events, list):
        raise _invalid("Token Expected: StartArray, Actual Token Received: StartObject.")
    for number, event in enumerate(events):
        _check(event, f"[{number}]" if kind == BATCH else "")
    return events


def too_large() -> ServiceError:
    """The request is over the limit."""
    return event_grid_error(
        413,
        "RequestEntityTooLarge",
        f"The maximum size ({LARGEST} bytes) of the request or of an event has been exceeded.",
    )


def _check(event: object, where: str) -> None:
    if not isinstance(event, dict):
        raise _invalid(f"{where} is not a JSON object.")
    for name in _REQUIRED:
        value = event.get(name)
        if not isinstance(value, str) or not value:
            raise _invalid(f"{where}{name}: a non-empty string is required.")
    if event["specversion"] != "1.0":
        raise _invalid(f"{where}specversion: expected '1.0', got '{event['specversion']}'.")
    if "data" in event and "data_base64" in event:
        raise _invalid(f"{where}data: must not be present together with data_base64.")
    for name in ("subject", "datacontenttype", "dataschema"):
        if event.get(name) is not None and not isinstance(event[name], str):
            raise _invalid(f"{where}{name}: expected a string.")
    _check_time(event.get("time"), where)
    for name, value in event.items():
        if name in _ATTRIBUTES:
            continue
        if not _EXTENSION.match(name):
            raise _invalid(
                f"{where}{name}: extension names are lower-case letters and digits, at most 20."
            )
        if not isinstance(value, str | int | bool):
            raise _invalid(f"{where}{name}: an extension is a string, a whole number or a boolean.")


def _check_time(value: object, where: str) -> None:
    if value is None:
        return
    try:
        datetime.fromisoformat(str(value))
    except ValueError:
        raise _invalid(f"{where}time: '{value}' is not a timestamp (RFC 3339).") from None


def _invalid(problem: str) -> ServiceError:
    return event_grid_error(
        400,
        "BadRequest",
        "This resource is configured to receive event in 'CloudEventV10' schema. The JSON received "
        f"does not conform to the expected schema. {problem}",
    )
