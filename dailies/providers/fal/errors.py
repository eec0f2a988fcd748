"""What fal says went wrong, in its two forms.

The queue's own errors are flat: ``{"detail": "…", "error_type": "runner_disconnected"}``, with the
header ``X-Fal-Error-Type``. A model's are a list: ``{"detail": [{loc, msg, type, …}]}``; of refused
contents, the ``type`` is ``content_policy_violation`` and ``categories`` says which. Source: fal's
pages "Request Error Types" and "Model Errors".
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from dailies.providers.answers import text
from dailies.providers.classify import classify_job_error
from dailies.providers.error_text import ErrorText, read_json
from dailies.providers.outcomes import JobStatus, UpstreamJob
from dailies.providers.wire import Reply

__all__ = ["POLICY", "failed_job", "in_envelope", "is_the_models"]

POLICY = "content_policy_violation"

_QUEUES_OWN = {401, 403, 404, 408, 409, 425, 429}
"""Statuses at a result's address that say nothing of the model's work."""

_RUNS = re.compile(r"runner_\w+|request_timeout|startup_timeout")
"""The queue's errors that are about the run, and not about its own answer."""


def is_the_models(reply: Reply) -> bool:
    """Whether an answer at a result's address is an error of the model's, and not of the queue's
    own trouble, which passes."""
    if reply.status < 500:
        return reply.status >= 400 and reply.status not in _QUEUES_OWN
    document = read_json(reply.body)
    fields = document if isinstance(document, dict) else {}
    is_list = isinstance(fields.get("detail"), list)
    return is_list or _RUNS.fullmatch(_error_type(fields, reply.headers) or "") is not None


def failed_job(job_id: str, reply: Reply, state: Mapping[str, Any]) -> UpstreamJob:
    """The job that failed, by the answer at its result's address, else by its state.

    What ends with a 5xx costs nothing, says fal's FAQ; of the others nobody can tell.
    """
    error = ErrorText(
        code=text(state.get("error_type")) or "", message=text(state.get("error")) or ""
    )
    if is_the_models(reply):
        error = _problem(read_json(reply.body), reply.headers)
    code = text(state.get("error_type")) or error.code
    if code == "client_cancelled":
        return UpstreamJob(
            job_id,
            JobStatus.CANCELLED,
            error_code="cancelled_upstream",
            error_message="The job was cancelled at the provider.",
        )
    if error.code == POLICY:
        error = replace(error, code="moderation_blocked")
    error_code, message = classify_job_error(error)
    return UpstreamJob(
        job_id,
        JobStatus.FAILED,
        failure_reason=code or None,
        error_code=error_code,
        error_message=message,
        cost_usd=0.0 if reply.status >= 500 else None,
    )


def _problem(document: object, headers: Mapping[str, str]) -> ErrorText:
    """fal's two forms of an error: ``detail`` is a text, with ``error_type`` beside it, or a list
    of what is wrong, each with a ``type``. Of a refused content, the categories are the message:
    its texts may repeat the prompt."""
    fields = document if isinstance(document, dict) else {}
    detail = fields.get("detail")
    items = [item for item in detail if isinstance(item, dict)] if isinstance(detail, list) else []
    refused = [item for item in items if item.get("type") == POLICY]
    if refused:
        return ErrorText(code=POLICY, message=_categories(refused), param=_field(refused[0]))
    first = items[0] if items else {}
    code = _error_type(fields, headers) or text(first.get("type")) or ""
    return replace(ErrorText.of({"detail": detail}), code=code, param=_field(first))


def _error_type(fields: dict[str, Any], headers: Mapping[str, str]) -> str | None:
    return text(fields.get("error_type")) or text(headers.get("x-fal-error-type"))


def _categories(items: list[dict[str, Any]]) -> str:
    found = {
        category.replace("_", "-")
        for item in items
        if isinstance(names := item.get("categories"), list)
        for category in names
        if isinstance(category, str)
    }
    return f"reasons: {', '.join(sorted(found))}" if found else ""


def _field(item: dict[str, Any]) -> str:
    place = item.get("loc")
    return str(place[-1]) if isinstance(place, list) and place else ""


def in_envelope(reply: Reply) -> Reply:
    """The reply with fal's error in the form that the rows for answers are looked up by."""
    error = _problem(read_json(reply.body), reply.headers)
    if not (error.code or error.message):
        return reply
    envelope = {"code": error.code, "message": error.message, "param": error.param}
    return replace(reply, body=json.dumps({"error": envelope}).encode())
