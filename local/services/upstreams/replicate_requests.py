"""What the simulated Replicate makes of a request, and how it refuses one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from starlette.requests import Request

from local.services.errors import ServiceError
from local.services.upstreams.replicate_models import HostedModel

__all__ = ["EVENTS", "check_body", "deadline", "moment", "problem"]

EVENTS = ("start", "output", "logs", "completed")
_FIELDS = {"input", "webhook", "webhook_events_filter", "stream", "version"}
_DEADLINE = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
_UNSAID = 1800.0  # a prediction may run for half an hour


def problem(status: int, title: str, detail: str) -> ServiceError:
    """An error as Replicate answers it."""
    document = {"title": title, "detail": detail, "status": status}
    return ServiceError(status, {key: value for key, value in document.items() if value != ""})


def check_body(body: Mapping[str, Any], model: HostedModel) -> None:
    """Refuse a body that is not as the API, or the model, takes it.

    Raises:
        ServiceError: 422, with all that is wrong.
    """
    problems = [
        f"(root): Additional property {name} is not allowed"
        for name in sorted(body.keys() - _FIELDS)
    ]
    inputs = body.get("input")
    if isinstance(inputs, dict):
        problems += model.problems(inputs)
    else:
        problems.append("input: Invalid type. Expected: object")
    webhook = body.get("webhook", "https://")
    # It asks for https; the app of the stack is on this machine alone.
    if not isinstance(webhook, str) or not webhook.startswith(("https://", "http://127.0.0.1")):
        problems.append("webhook: Does not match format 'uri'")
    events = body.get("webhook_events_filter", [])
    if not isinstance(events, list) or not set(map(str, events)) <= set(EVENTS):
        problems.append(f"webhook_events_filter: must be of {', '.join(EVENTS)}")
    if problems:
        detail = "".join(f"- {one}\n" for one in problems)
        raise problem(422, "Input validation failed", detail)


def deadline(request: Request) -> float:
    """Simulated seconds after which the prediction is ended.

    Raises:
        ServiceError: 400, when ``Cancel-After`` can't be read or is below 5 seconds.
    """
    said = request.headers.get("cancel-after")
    if said is None:
        return _UNSAID
    found = _DEADLINE.fullmatch(said)
    hours, minutes, rest = (int(part or 0) for part in (found.groups() if found else ("0",) * 3))
    seconds = hours * 3600 + minutes * 60 + rest
    if seconds < 5:
        raise problem(400, "Bad request", "Invalid Cancel-After header")
    return float(seconds)


def moment(text: str | None) -> float | None:
    """A date-time of the query, in Unix seconds.

    Raises:
        ServiceError: 400, when it is none.
    """
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        raise problem(400, "Bad request", "Invalid date-time") from None
