"""A *prediction*, the job of services that run models packed by Cog, read as ours."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum
from typing import Any
from urllib.parse import urlsplit

from dailies.providers.answers import moment, text
from dailies.providers.base import Submission
from dailies.providers.classify import classify_job_error
from dailies.providers.error_text import ErrorText
from dailies.providers.listing import same_prompt
from dailies.providers.mapping import MappedOptions, linked_result, model_inputs
from dailies.providers.outcomes import JobStatus, UpstreamJob

__all__ = ["MODERATION", "Likeness", "likeness", "parse_prediction"]

MODERATION = (
    r"\bE005\b|\bNSFW\b|flagged as sensitive|sensitive content|content polic|moderat|"
    r"safety (?:filter|system|checker)|prohibited content|usage guidelines"
)
"""There is no code for it: what models say when they will not. E005 and "flagged as sensitive" are
ByteDance's, the others were recorded from other models."""

_STATUSES = {
    "starting": JobStatus.QUEUED,
    "queued": JobStatus.QUEUED,
    "processing": JobStatus.RUNNING,
    "succeeded": JobStatus.COMPLETED,
    "failed": JobStatus.FAILED,
    "canceled": JobStatus.CANCELLED,
    "aborted": JobStatus.FAILED,
}
_PERCENT = re.compile(r"(\d{1,3})%\s*\|")
_END_OF_LOGS = 2000


class Likeness(Enum):
    """Whether a listed prediction is the one that was sent."""

    OURS = "ours"
    """It repeats the address that is this video's own."""
    ALIKE = "alike"
    """It repeats the inputs, and they are the same."""
    UNTOLD = "untold"
    """It repeats nothing by which it could be told."""
    OTHER = "other"


def parse_prediction(document: object, options: MappedOptions) -> UpstreamJob | None:
    """The job in a JSON document; None when it has no id."""
    if not isinstance(document, dict):
        return None
    job_id = text(document.get("id"))
    if job_id is None:
        return None
    word = (text(document.get("status")) or "").lower()
    given = document.get("input")
    prompt = text(given.get(options.inputs.prompt)) if isinstance(given, dict) else None
    status, code, message = _how(word, document, options, prompt)
    return UpstreamJob(
        id=job_id,
        status=status,
        progress=100 if status is JobStatus.COMPLETED else _percent(document.get("logs")),
        created_at=moment(document.get("created_at")),
        completed_at=moment(document.get("completed_at")),
        model=text(document.get("model")),
        prompt=prompt,
        error_code=code,
        error_message=message,
        # "you're only charged for predictions with a canceled status, not for aborted ones"
        cost_usd=0.0 if word == "aborted" else None,
    )


def likeness(
    document: Mapping[str, Any], submission: Submission, options: MappedOptions
) -> Likeness:
    """Whether a listed prediction is the submission.

    Files are not compared, for an answer does not repeat them as they were sent. An hour after its
    making a prediction has no inputs any more: then only the address can tell.
    """
    model = text(document.get("model"))
    name = submission.deployment.partition(":")[0]
    if model is not None and model.lower() != name.lower():
        return Likeness.OTHER
    address = text(document.get("webhook"))
    if address is not None and submission.callback_url is not None:
        if address == submission.callback_url:
            return Likeness.OURS
        # Another video's; where the app itself has moved since, addresses can't be compared.
        if urlsplit(address).netloc == urlsplit(submission.callback_url).netloc:
            return Likeness.OTHER
    given = document.get("input")
    if not isinstance(given, dict) or not given or document.get("data_removed") is True:
        return Likeness.UNTOLD
    agrees = _agree(given, model_inputs(options, submission), options)
    return Likeness.ALIKE if agrees else Likeness.OTHER


def _agree(given: Mapping[str, Any], ours: Mapping[str, Any], options: MappedOptions) -> bool:
    names = options.inputs
    prompt = given.get(names.prompt)
    if not isinstance(prompt, str) or not same_prompt(prompt, str(ours[names.prompt])):
        return False
    if any(given.get(name) and name not in ours for name in names.files):
        return False
    apart = names.files | {names.prompt}
    return all(
        given.get(name) == value
        for name, value in ours.items()
        if name not in apart and not _is_file(value)
    )


def _is_file(value: object) -> bool:
    if isinstance(value, list):
        return any(map(_is_file, value))
    return isinstance(value, str) and value.startswith(("data:", "https:", "http:"))


def _how(
    word: str, document: Mapping[str, Any], options: MappedOptions, prompt: str | None
) -> tuple[JobStatus, str | None, str | None]:
    """The status, and why it failed."""
    status = _STATUSES.get(word, JobStatus.UNKNOWN)
    if status is JobStatus.COMPLETED and linked_result(options, document.get("output")) is None:
        if document.get("data_removed") is True:
            return (
                JobStatus.EXPIRED,
                "expired",
                "The provider no longer keeps this job: it removes inputs and outputs an hour "
                "after its creation.",
            )
        return (
            JobStatus.FAILED,
            "no_video",
            "The provider says that it succeeded, and gave no video. Create the video again.",
        )
    if word == "aborted":
        return (
            status,
            "not_started",
            "The provider did not start the job in time; nothing was charged. Create the video "
            "again.",
        )
    if status is JobStatus.CANCELLED:
        return (
            status,
            "cancelled_upstream",
            "The job was cancelled at the provider, or was not done by its deadline there.",
        )
    if status is JobStatus.FAILED:
        return status, *_why(document.get("error"), prompt)
    return status, None, None


def _why(error: object, prompt: str | None) -> tuple[str, str]:
    said = ErrorText.of({"error": error} if isinstance(error, str) else {})
    if re.search(MODERATION, said.message, re.IGNORECASE):
        # Its words are the model's, about the caller's: what matters is the class.
        return classify_job_error(ErrorText(code="moderation_blocked"), prompt)
    return classify_job_error(said, prompt)


def _percent(logs: object) -> int:
    """The last progress bar in the logs, as the official client reads it."""
    found = _PERCENT.findall(logs[-_END_OF_LOGS:]) if isinstance(logs, str) else []
    return min(int(found[-1]), 99) if found else 0
