"""The one table of outcomes: which answer of a provider is which kind, with its remedy.

Two lists of rows, read from top to bottom, the first that matches wins: ``ANSWERS`` for HTTP
answers, ``FAULTS`` for connections that broke. Each row names the calls it holds for. A provider's
own rows for answers come before, and its own remedies in place of the general ones.

"Never pay twice" decides the hard cases. For a call that creates a job, an answer is ``TRANSIENT``
only when it is *certain* that nothing was done, for then the request is sent again without looking.
Everything else is ``UNKNOWN`` and is reconciled first:

- 303, 408, 409, 499 and every 5xx, 503 included: gateways answer so also when the connection to the
  server behind them broke after it had taken the request;
- a connection that broke, or timed out, once the first byte may have left. That includes a
  kept-alive connection which the server closed at that moment: nobody can tell the two apart.

For a call that only reads, the same faults are ``TRANSIENT``: reading again costs nothing.

Sources: Microsoft's Sora quickstart (remedies), the recorded errors of Azure's v1 videos API, the
documented deviations of vLLM-Omni, SGLang and FastVideo.
"""

from __future__ import annotations

import re
from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import httpx

from dailies.net.multipart import InputUnavailable
from dailies.net.pauses import retry_after
from dailies.providers.answers import request_id
from dailies.providers.error_text import ErrorText, readable
from dailies.providers.outcomes import Kind, Outcome

__all__ = [
    "ANSWERS",
    "ANY",
    "FAULTS",
    "NOT_OFFERED",
    "NO_CREDIT",
    "SHUT_OUT",
    "Answer",
    "Call",
    "CallContext",
    "Fault",
    "answer_row",
    "classify_answer",
    "classify_fault",
    "classify_job_error",
    "kept_words",
]


class Call(StrEnum):
    """What was asked of the provider; the same status means different things."""

    CREATE = "create"
    DERIVE = "derive"
    """A remix, edit or extension: a create that names another job."""
    STATUS = "status"
    LIST = "list"
    CONTENT = "content"
    """The video itself."""
    EXTRA = "extra"
    """A variant that need not exist: thumbnail, spritesheet."""
    CANCEL = "cancel"
    CHARACTER = "character"
    """Keeps a clip under a name; costs nothing, so sending it again harms nobody."""
    UPLOAD = "upload"
    """Brings a file there for a create that follows; costs nothing either."""


ANY = frozenset(Call)
_CREATES = frozenset({Call.CREATE, Call.DERIVE})
_READS = ANY - _CREATES
_FILES = frozenset({Call.CONTENT, Call.EXTRA})
_4XX = range(400, 500)
_5XX = range(500, 600)

_MODERATION = r"moderation"
_CONTENT_FILTER = r"content_?filter|content_policy|ResponsibleAIPolicyViolation"
_NO_DEPLOYMENT = r"(?:deployment|model) .*does not exist|DeploymentNotFound|model_?not_?found"
_NOT_READY = (
    r"not (?:yet )?(?:been )?(?:ready|complete|finished|generated)|pending|in.progress|queued"
)
_EXPIRED = r"\b(?:video|job|task|content|file|asset|generation)s?\b.*\bexpired|expired_"

SHUT_OUT = (
    "The provider does not let this service in ({status}). Nothing was made. Only the service's "
    "operator can mend that: the log says how."
)
NOT_OFFERED = (
    "The provider does not offer this model to this service ({status}). Nothing was made. Use "
    "another model, or ask the service's operator: the log says what is wrong."
)


@dataclass(frozen=True, slots=True)
class Answer:
    """A row for answers: in these calls, with these statuses, when the words match.

    Attributes:
        words: a regular expression that must be found in code, type, param or message; case does
            not matter. None asks for nothing.
        code: ours; ``{provider}`` is the provider's own where it is fit to be one.
        says: the message for callers; ``{detail}`` is what the provider said, made safe.
        remedy: what the operator can do, for the log.
    """

    calls: frozenset[Call]
    statuses: Container[int]
    words: str | None
    kind: Kind
    code: str | None
    says: str | None
    remedy: str | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """A row for connections that broke; the exceptions are those of httpx."""

    calls: frozenset[Call]
    errors: tuple[type[Exception], ...]
    kind: Kind
    code: str
    says: str
    remedy: str | None = None


NO_CREDIT = "This service has no credit left at the provider."
_TOP_UP = "Add credit to the account that '{deployment}' at {endpoint} is paid from."

# fmt: off
ANSWERS: tuple[Answer, ...] = (
    # -- what is gone
    Answer(_FILES | {Call.STATUS}, {404, 410}, _EXPIRED, Kind.MISSING, "expired",
           "The provider no longer keeps this job{kept_jobs}."),
    Answer(ANY, {410}, None, Kind.RETIRED, "model_retired",
           "The provider has retired the model (410). Use another model.",
           remedy="Deployment '{deployment}' at {endpoint} is retired: deploy another model, or "
           "name a fallback for this one in the catalogue."),
    Answer(frozenset({Call.CANCEL}), {404}, None, Kind.ACCEPTED, None, None),

    # -- what is paid for it
    Answer(ANY, {402}, None, Kind.REFUSED, "no_credit", NO_CREDIT, remedy=_TOP_UP),
    Answer(ANY, {400, 403}, r"insufficient.(?:credit|balance|fund)|balance.{0,20}not enough",
           Kind.REFUSED, "no_credit", NO_CREDIT, remedy=_TOP_UP),

    # -- who we are
    Answer(ANY, {401}, None, Kind.UNAUTHORISED, "invalid_credential", SHUT_OUT,
           remedy="The provider at {endpoint} refused the credential. Check the credential and the "
           "key of deployment '{deployment}' in the catalogue."),
    Answer(ANY, {403}, None, Kind.UNAUTHORISED, "access_denied", SHUT_OUT,
           remedy="The provider at {endpoint} denied access to '{deployment}'. Check what the "
           "credential may do there."),

    # -- how much we may ask for
    Answer(ANY, {429}, r"insufficient_quota|billing", Kind.REFUSED, "insufficient_quota",
           "This service has no quota or credit left at the provider. Try again later.",
           remedy="Check billing and quota of the resource at {endpoint}."),
    Answer(ANY, {429}, r"running tasks|concurren", Kind.THROTTLED, "concurrency_limit",
           "The provider runs as many jobs as it may. Try again when one is done."),
    Answer(ANY, {429}, None, Kind.THROTTLED, "rate_limit",
           "The provider takes no more requests for the moment (429). Try again later.",
           remedy="If this lasts, ask the provider for more quota of '{deployment}'."),

    # -- what we ask for
    Answer(_CREATES | _FILES, _4XX, _MODERATION, Kind.REFUSED, "moderation_blocked",
           "The provider's moderation blocked the request{reasons}. Change the prompt or the "
           "reference image; the same request would be blocked again."),
    Answer(_CREATES | _FILES, _4XX, _CONTENT_FILTER, Kind.REFUSED, "content_filter",
           "The provider's content filter blocked the request{reasons}. Change the prompt or the "
           "reference image; the same request would be blocked again."),
    Answer(_CREATES, {400, 404}, _NO_DEPLOYMENT, Kind.REFUSED, "deployment_not_found", NOT_OFFERED,
           remedy="There is no '{deployment}' at {endpoint}. Check the endpoint and the "
           "deployment's name in the catalogue."),
    Answer(frozenset({Call.CREATE}), {404}, None, Kind.REFUSED, "deployment_not_found", NOT_OFFERED,
           remedy="Nothing answers to '{deployment}' at {endpoint}. Check the endpoint and the "
           "deployment's name in the catalogue."),
    Answer(frozenset({Call.DERIVE}), {404}, None, Kind.REFUSED, "source_not_found",
           "The provider no longer has the video that this one starts from, or does not offer this "
           "operation.{kept_videos}"),

    # -- a create that may have been taken
    Answer(_CREATES, {303, 408, 409, 499}, None, Kind.UNKNOWN, "unknown_outcome",
           "The provider answered {status} to the request; it may have taken it all the same."),
    Answer(_CREATES, _5XX, None, Kind.UNKNOWN, "unknown_outcome",
           "The provider failed ({status}) on the request; it may have taken it all the same."),

    # -- what a finished job leaves
    Answer(_FILES, {400, 404, 409, 422, 425}, _NOT_READY, Kind.TRANSIENT, "not_ready",
           "The provider does not have the file ready yet."),
    Answer(_FILES, {409, 425}, None, Kind.TRANSIENT, "not_ready",
           "The provider does not have the file ready yet."),
    Answer(frozenset({Call.EXTRA}), {400, 404, 405, 406, 415, 422, 501}, None,
           Kind.MISSING, "variant_unavailable", "The provider has no such file for this video."),
    # The job is done and paid for: rather ask again than give its video up.
    Answer(frozenset({Call.CONTENT}), {400}, None, Kind.TRANSIENT, "not_ready",
           "The provider does not hand the file out (400): {detail}"),
    Answer(frozenset({Call.CONTENT}), {404}, None, Kind.MISSING, "content_not_found",
           "The provider has no file for this job: it vanished or expired."),
    Answer(frozenset({Call.STATUS}), {404}, None, Kind.MISSING, "job_not_found",
           "The provider does not know this job: it vanished or expired."),
    Answer(frozenset({Call.CANCEL}), {400, 405, 409}, None, Kind.REFUSED, "not_cancellable",
           "The provider does not stop a running job; it ends by itself."),

    # -- everything else
    Answer(_READS, {408, 409, 425, 499}, None, Kind.TRANSIENT, "provider_busy",
           "The provider could not answer in time ({status})."),
    Answer(_READS, _5XX, None, Kind.TRANSIENT, "provider_error",
           "The provider failed to answer ({status})."),
    Answer(ANY, range(300, 400), None, Kind.REFUSED, "unexpected_redirect", SHUT_OUT,
           remedy="The provider at {endpoint} redirects elsewhere. Check that the endpoint is the "
           "resource's own address."),
    Answer(ANY, _4XX, None, Kind.REFUSED, "{provider}",
           "The provider refused the request ({status}): {detail}"),
    Answer(_CREATES, range(1000), None, Kind.UNKNOWN, "unknown_outcome",
           "The provider's answer ({status}) can't be read; it may have taken the request."),
    Answer(_READS, range(1000), None, Kind.TRANSIENT, "malformed_answer",
           "The provider's answer ({status}) can't be read."),
)

FAULTS: tuple[Fault, ...] = (
    # No connection, so no byte of the request has left (TLS faults are ConnectError too).
    Fault(ANY, (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError),
          Kind.TRANSIENT, "connection_failed",
          "No connection to the provider could be made ({error}).",
          remedy="If this lasts, check the endpoint {endpoint} and the app's network."),
    Fault(ANY, (httpx.UnsupportedProtocol,), Kind.REFUSED, "invalid_endpoint",
          "This service can't reach the provider. Only its operator can mend that: the log says "
          "how.",
          remedy="The endpoint {endpoint} is no usable URL. Set it to an https:// address."),
    # Half a form of announced length: nothing can have been done with it.
    Fault(_CREATES, (InputUnavailable,), Kind.TRANSIENT, "input_unavailable",
          "An image or video that the request starts from can't be read from storage ({error})."),
    Fault(_CREATES, (httpx.TimeoutException,), Kind.UNKNOWN, "unknown_outcome",
          "The provider did not answer the request in time ({error}); it may have taken it."),
    Fault(_CREATES, (httpx.RequestError,), Kind.UNKNOWN, "unknown_outcome",
          "The connection to the provider broke ({error}); it may have taken the request."),
    Fault(_READS, (httpx.TimeoutException,), Kind.TRANSIENT, "provider_timeout",
          "The provider did not answer in time ({error})."),
    Fault(_READS, (httpx.RequestError,), Kind.TRANSIENT, "connection_lost",
          "The connection to the provider broke ({error})."),
)
# fmt: on


@dataclass(frozen=True, slots=True)
class CallContext:
    """What messages tell about the call: where it went, as what, and the prompt to keep out.

    Attributes:
        endpoint: host and port, without a path.
        deployment: the name by which the provider knows the model.
        answers: the provider's own rows, asked before the general ones.
        remedies: the provider's own, by the code of the outcome; they replace the general ones.
        kept_seconds: how long the provider keeps jobs and their files; None when it doesn't say.
        name: of the deployment in the catalogue, for the log; as the provider's if not given.
    """

    endpoint: str
    deployment: str
    prompt: str | None = None
    answers: tuple[Answer, ...] = ()
    remedies: Mapping[str, str] = field(default_factory=dict)
    kept_seconds: float | None = None
    name: str = ""


def classify_answer(
    call: Call,
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    context: CallContext,
) -> Outcome:
    """The outcome of an answer that is no success, or can't be read as one."""
    error = ErrorText.parse(body)
    row = answer_row(call, status, error, context.answers)
    detail = readable(error.message, context.prompt)
    words = {
        "endpoint": context.endpoint,
        "deployment": context.deployment,
        **_kept(context.kept_seconds),
        "status": status,
        "reasons": _reasons(error.message),
        "detail": detail or "it gave no reason.",
    }
    remedy = context.remedies.get(row.code or "", row.remedy)
    return Outcome(
        row.kind,
        code=row.code and row.code.format(provider=_slug(error.code) or "invalid_request"),
        message=row.says and row.says.format(**words),
        remedy=remedy and remedy.format(**words),
        detail=detail or None,
        request_id=request_id(headers),
        retry_after=error.retry_after if (told := retry_after(headers)) is None else told,
        http_status=status,
        param=_slug(error.param),
    )


def answer_row(call: Call, status: int, error: ErrorText, own: tuple[Answer, ...] = ()) -> Answer:
    """The row that decides, of the provider's ``own`` or of ``ANSWERS``, whose last two take
    whatever is left."""
    return next(
        row
        for row in (*own, *ANSWERS)
        if call in row.calls
        and status in row.statuses
        and (row.words is None or re.search(row.words, error.words, re.IGNORECASE))
    )


def classify_fault(call: Call, error: httpx.RequestError, context: CallContext) -> Outcome:
    """The outcome of a call that got no answer."""
    row = next(row for row in FAULTS if call in row.calls and isinstance(error, row.errors))
    return Outcome(
        row.kind,
        code=row.code,
        message=row.says.format(error=type(error).__name__),
        remedy=row.remedy and row.remedy.format(endpoint=context.endpoint),
    )


def classify_job_error(error: ErrorText, prompt: str | None = None) -> tuple[str, str]:
    """The code and message of a job that failed, from the ``error`` in the job, or from Sora 1's
    ``failure_reason`` as its code.

    Never worth a retry by itself: moderation is deterministic, and anything else was paid for.
    """
    if re.search(_MODERATION, error.words, re.IGNORECASE):
        return (
            "moderation_blocked",
            f"The provider's moderation blocked the video{_moderated(error)}. Change the "
            "prompt or the reference image; the same request would be blocked again.",
        )
    if re.search(_CONTENT_FILTER, error.words, re.IGNORECASE):
        return (
            "content_filter",
            f"The provider's content filter blocked the video{_reasons(error.message)}. Change "
            "the prompt or the reference image; the same request would be blocked again.",
        )
    detail = readable(error.message, prompt) or "it gave no reason."
    if not error.message and _slug(error.code):
        detail = f"it says '{error.code}'. Create the video again."
    return _slug(error.code) or "generation_failed", f"The provider could not render it: {detail}"


def kept_words(seconds: float) -> str:
    """How long a provider keeps what it made: ``24 hours``."""
    return f"{round(seconds / 3600)} hours"


def _kept(seconds: float | None) -> dict[str, str]:
    """What the messages that are about it say of how long jobs are kept."""
    if seconds is None:
        return {"kept_jobs": "", "kept_videos": ""}
    after = f"{kept_words(seconds)} after their creation"
    return {
        "kept_jobs": f": it deletes jobs and files {after}",
        "kept_videos": f" It deletes videos {after}.",
    }


def _slug(text: str) -> str | None:
    """A provider's code or parameter, if it is fit to be shown as one."""
    return text if re.fullmatch(r"[A-Za-z][A-Za-z0-9_.\[\]-]{0,63}", text) else None


def _moderated(error: ErrorText) -> str:
    """What was moderated, or why: `` (output_moderation)``."""
    side = re.fullmatch(r"(?:input|output)_moderation", error.code)
    return f" ({side[0]})" if side else _reasons(error.message)


def _reasons(message: str) -> str:
    """`` (people-in-user-uploads)``: the policy's names, which are not the caller's words."""
    found = re.search(r"reasons?:\s*([a-z]+(?:[-/][a-z]+)*(?:,\s*[a-z]+(?:[-/][a-z]+)*)*)", message)
    return f" ({found[1]})" if found else ""
