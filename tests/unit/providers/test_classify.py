"""Every row of the table of outcomes, by the answers that providers were seen to give."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dailies.catalogue import Deployment
from dailies.providers.answers import request_id
from dailies.providers.azure_sora_2 import PROVIDER
from dailies.providers.classify import (
    ANSWERS,
    ANY,
    FAULTS,
    Answer,
    Call,
    CallContext,
    answer_row,
    classify_answer,
    classify_fault,
    classify_job_error,
)
from dailies.providers.error_text import ErrorText
from dailies.providers.outcomes import Kind, Outcome

CREATES = (Call.CREATE, Call.DERIVE)
READS = tuple(call for call in Call if call not in CREATES)
ENTRY = {
    "name": "eu",
    "provider": "azure-sora-2",
    "endpoint": "https://my.openai.azure.com",
    "deployment": "sora-2-eu",
    "sizes": ["1280x720"],
    "seconds": [4],
    "prices": None,
}


def azure_context(**fields: object) -> CallContext:
    return PROVIDER.context(PROVIDER.complete(Deployment.model_validate(ENTRY | fields)))


CONTEXT = replace(azure_context(), prompt="a very private prompt about my boss")
OTHER = CallContext("api.example.com", "film-1")
"""A provider that declares nothing of its own."""


def azure(message: str, code: str | None = None, **fields: object) -> str:
    return json.dumps({"error": {"message": message, "code": code, "type": None, **fields}})


NO_DEPLOYMENT = azure(
    "The API deployment 'sora-2' for this resource does not exist. If you created the deployment "
    "within the last 5 minutes, please wait a moment and try again.",
    type="video_generation_user_error",
)
MODERATED = azure(
    "The request is blocked by our moderation system when checking inputs. "
    "Possible reasons: people-in-user-uploads"
)
FILTERED = azure(
    "The response was filtered due to the prompt triggering Azure OpenAI's policy.",
    "content_filter",
    innererror={"code": "ResponsibleAIPolicyViolation"},
)
FIREWALL = azure("Access denied due to Virtual Network/Firewall rules.", "AccessDenied")
NO_ROLE = azure(
    "The principal `1b2c` lacks the required data action `…/videos/write` to perform `POST`",
    "PermissionDenied",
)
NO_KEYS = azure("Key based authentication is disabled for this resource.", "403")

CASES: list[tuple[Call, int, str, Kind, str | None]] = [
    # what is gone
    (Call.STATUS, 404, azure("Video video_1 has expired"), Kind.MISSING, "expired"),
    (Call.CONTENT, 410, azure("The video content expired"), Kind.MISSING, "expired"),
    *((call, 410, "", Kind.RETIRED, "model_retired") for call in Call),
    (Call.CANCEL, 404, azure("not found"), Kind.ACCEPTED, None),
    # who we are
    *(
        (call, 401, azure("Access denied"), Kind.UNAUTHORISED, "invalid_credential")
        for call in Call
    ),
    *((call, 403, "", Kind.UNAUTHORISED, "missing_role") for call in Call),
    (Call.CREATE, 401, NO_ROLE, Kind.UNAUTHORISED, "missing_role"),
    (Call.CREATE, 403, NO_KEYS, Kind.UNAUTHORISED, "key_disabled"),
    (Call.CREATE, 403, FIREWALL, Kind.UNAUTHORISED, "network_blocked"),
    # how much we may ask for
    (Call.CREATE, 429, azure("Too many running tasks"), Kind.THROTTLED, "concurrency_limit"),
    *((call, 429, azure("slow down"), Kind.THROTTLED, "rate_limit") for call in Call),
    (Call.CREATE, 429, azure("no", "insufficient_quota"), Kind.REFUSED, "insufficient_quota"),
    (Call.CREATE, 402, azure("pay first", "payment_required"), Kind.REFUSED, "no_credit"),
    (Call.CREATE, 400, azure("Insufficient credits.", "denied"), Kind.REFUSED, "no_credit"),
    # what we ask for
    (Call.CREATE, 400, MODERATED, Kind.REFUSED, "moderation_blocked"),
    (Call.DERIVE, 400, azure("no", "moderation_blocked"), Kind.REFUSED, "moderation_blocked"),
    (Call.CREATE, 400, FILTERED, Kind.REFUSED, "content_filter"),
    (Call.CREATE, 404, NO_DEPLOYMENT, Kind.REFUSED, "deployment_not_found"),
    (Call.DERIVE, 404, NO_DEPLOYMENT, Kind.REFUSED, "deployment_not_found"),
    (Call.CREATE, 404, azure("Resource not found", "404"), Kind.REFUSED, "deployment_not_found"),
    (Call.DERIVE, 404, azure("Video not found"), Kind.REFUSED, "source_not_found"),
    (
        Call.CREATE,
        400,
        azure("Invalid value: '5'.", "invalid_value", param="seconds"),
        Kind.REFUSED,
        "invalid_value",
    ),
    (
        Call.CREATE,
        400,
        azure("Inpaint image must match the requested width and height"),
        Kind.REFUSED,
        "invalid_request",
    ),
    (Call.CREATE, 413, "", Kind.REFUSED, "invalid_request"),
    (Call.CREATE, 307, "", Kind.REFUSED, "unexpected_redirect"),
    (Call.CONTENT, 302, "", Kind.REFUSED, "unexpected_redirect"),
    # a create that may have been taken
    *(
        (call, status, "", Kind.UNKNOWN, "unknown_outcome")
        for call in CREATES
        for status in (303, 408, 409, 499, 500, 502, 503, 504, 529, 200, 202)
    ),
    # what a finished job leaves
    (Call.CONTENT, 404, azure("Video is not ready yet"), Kind.TRANSIENT, "not_ready"),
    (Call.EXTRA, 400, azure("generation in_progress"), Kind.TRANSIENT, "not_ready"),
    (Call.CONTENT, 409, "", Kind.TRANSIENT, "not_ready"),
    (Call.CONTENT, 400, azure("see https://cdn.test"), Kind.TRANSIENT, "not_ready"),
    (Call.CONTENT, 422, azure("generation failed"), Kind.REFUSED, "invalid_request"),
    (Call.CONTENT, 404, azure("not found"), Kind.MISSING, "content_not_found"),
    (Call.EXTRA, 404, azure("not found"), Kind.MISSING, "variant_unavailable"),
    (Call.EXTRA, 400, azure("Invalid variant"), Kind.MISSING, "variant_unavailable"),
    (Call.STATUS, 404, azure("not found"), Kind.MISSING, "job_not_found"),
    (Call.CANCEL, 400, azure("Video is running"), Kind.REFUSED, "not_cancellable"),
    (Call.CANCEL, 409, "", Kind.REFUSED, "not_cancellable"),
    # everything else
    *(
        (call, status, "<html>", Kind.TRANSIENT, "provider_error")
        for call in READS
        for status in (500, 502, 503, 504)
    ),
    *((call, 408, "", Kind.TRANSIENT, "provider_busy") for call in READS),
    (Call.STATUS, 200, "<html>", Kind.TRANSIENT, "malformed_answer"),
]


def classified(call: Call, status: int, body: str, **headers: str) -> Outcome:
    return classify_answer(call, status, httpx.Headers(headers), body.encode(), CONTEXT)


@pytest.mark.parametrize(("call", "status", "body", "kind", "code"), CASES)
def test_answer_is_classified(
    call: Call, status: int, body: str, kind: Kind, code: str | None
) -> None:
    outcome = classified(call, status, body)

    assert (outcome.kind, outcome.code) == (kind, code)
    assert outcome.http_status == status
    assert (outcome.message is None) == (kind is Kind.ACCEPTED)


def test_every_row_decides_some_case() -> None:
    used = [
        answer_row(call, status, ErrorText.parse(body.encode())) for call, status, body, *_ in CASES
    ]

    assert [row for row in ANSWERS if row not in used] == []


@given(
    call=st.sampled_from(Call),
    status=st.integers(100, 599),
    body=st.one_of(st.binary(), st.text().map(str.encode)),
)
def test_any_answer_has_an_outcome(call: Call, status: int, body: bytes) -> None:
    outcome = classify_answer(call, status, httpx.Headers(), body, CONTEXT)

    assert outcome.message or outcome.kind is Kind.ACCEPTED


@given(status=st.integers(200, 599), message=st.text(), code=st.text())
def test_a_create_is_never_sent_again_blindly(status: int, message: str, code: str) -> None:
    for call in CREATES:
        assert classified(call, status, azure(message, code)).kind is not Kind.TRANSIENT


@given(status=st.integers(200, 599), message=st.text(), code=st.text())
def test_reading_never_has_an_unknown_outcome(status: int, message: str, code: str) -> None:
    for call in READS:
        assert classified(call, status, azure(message, code)).kind is not Kind.UNKNOWN


@pytest.mark.parametrize(
    ("status", "body", "remedies"),
    [
        (401, "", ["managed identity", "AZURE_CLIENT_ID", "az login"]),
        (403, "", ["Cognitive Services OpenAI User", "my.openai.azure.com"]),
        (403, FIREWALL, ["Networking"]),
        (403, NO_KEYS, ["AZURE_OPENAI_CREDENTIAL", "entra"]),
        (404, NO_DEPLOYMENT, ["'sora-2-eu'", "AZURE_OPENAI_ENDPOINT", "catalogue"]),
        (410, "", ["retired", "fallback"]),
        (429, azure("x"), ["quota increase"]),
    ],
)
def test_the_operator_is_told_the_remedy_and_the_caller_is_not(
    status: int, body: str, remedies: list[str]
) -> None:
    outcome = classified(Call.CREATE, status, body)

    assert [remedy for remedy in remedies if remedy not in (outcome.remedy or "")] == []
    assert outcome.message
    assert not re.search("AZURE|catalogue|my.openai|sora-2-eu|az login", outcome.message)


def test_what_the_caller_can_mend_is_told() -> None:
    message = classified(Call.CREATE, 400, MODERATED).message or ""

    assert "(people-in-user-uploads)" in message
    assert "Change the prompt" in message


def test_a_refused_key_is_checked_as_a_key() -> None:
    context = azure_context(credential="api-key", api_key="k")
    outcome = classify_answer(Call.STATUS, 401, httpx.Headers(), b"", context)

    assert "AZURE_OPENAI_API_KEY" in (outcome.remedy or "")


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 422, 429, 503])
def test_what_the_provider_said_is_kept_for_the_log(status: int) -> None:
    body = azure("Because A very private prompt about my boss, see https://aka.ms/why")
    outcome = classified(Call.CREATE, status, body, **{"apim-request-id": "1b4e28ba-2fa1"})

    assert outcome.detail == "Because [prompt], see https://aka.ms/why"
    assert outcome.request_id == "1b4e28ba-2fa1"


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        ({"x-request-id": "req_1"}, "req_1"),
        ({"x-ms-request-id": "m", "x-request-id": "x"}, "x"),
        ({"x-request-id": "un fit", "request-id": "r"}, "r"),
        ({"x-a-vendor-request-id": "v", "request-id": "r"}, "r"),
        ({"x-a-vendor-request-id": "v"}, "v"),
        ({"x-request-id": "x" * 129}, None),
        ({}, None),
    ],
)
def test_the_provider_s_id_of_a_call(headers: dict[str, str], told: str | None) -> None:
    assert request_id(httpx.Headers(headers)) == told


def test_the_parameter_complained_of_is_told() -> None:
    body = azure("Invalid value: '480x480'.", "invalid_value", param="size")

    assert classified(Call.CREATE, 400, body).param == "size"


def test_a_flat_envelope_is_read_too() -> None:
    body = json.dumps(
        {"code": "invalid_value", "message": "Invalid value: '5'.", "param": "seconds"}
    )
    outcome = classified(Call.CREATE, 400, body)

    assert (outcome.code, outcome.param) == ("invalid_value", "seconds")


def test_the_wait_that_was_asked_for_is_told() -> None:
    assert classified(Call.CREATE, 429, "", **{"retry-after": "17"}).retry_after == 17


def test_a_refusal_does_not_repeat_the_prompt() -> None:
    body = azure("Bad prompt: A very  private prompt about my boss!", "bad")
    message = classified(Call.CREATE, 400, body).message or ""

    assert "boss" not in message
    assert "[prompt]" in message


# -- connections that broke

NOTHING_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
MAYBE_SENT = (
    httpx.ReadError,
    httpx.ReadTimeout,
    httpx.WriteError,
    httpx.WriteTimeout,
    httpx.CloseError,
    httpx.RemoteProtocolError,
    httpx.LocalProtocolError,
    httpx.DecodingError,
    httpx.TooManyRedirects,
)


@pytest.mark.parametrize("error", NOTHING_SENT)
@pytest.mark.parametrize("call", Call)
def test_a_request_that_never_left_may_be_sent_again(
    call: Call, error: type[httpx.RequestError]
) -> None:
    outcome = classify_fault(call, error("no"), CONTEXT)

    assert (outcome.kind, outcome.code) == (Kind.TRANSIENT, "connection_failed")
    assert error.__name__ in (outcome.message or "")


@pytest.mark.parametrize("error", MAYBE_SENT)
@pytest.mark.parametrize("call", Call)
def test_a_create_that_may_have_left_has_an_unknown_outcome(
    call: Call, error: type[httpx.RequestError]
) -> None:
    outcome = classify_fault(call, error("broke"), CONTEXT)

    assert outcome.kind is (Kind.UNKNOWN if call in CREATES else Kind.TRANSIENT)


def test_every_fault_of_httpx_is_known() -> None:
    def leaves(error: type[httpx.RequestError]) -> set[type[httpx.RequestError]]:
        children = error.__subclasses__()
        return {error}.union(*(leaves(child) for child in children)) if children else {error}

    for error in leaves(httpx.RequestError):
        for call in Call:
            assert any(call in row.calls and issubclass(error, row.errors) for row in FAULTS)


# -- jobs that failed


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (
            ErrorText("moderation_blocked", "Your request was blocked by our moderation system."),
            "moderation_blocked",
            "Change the prompt",
        ),
        (ErrorText(inner_code="ResponsibleAIPolicyViolation"), "content_filter", "content filter"),
        (ErrorText("internal_error", "Video generation failed."), "internal_error", "failed."),
        (ErrorText("", "out of memory"), "generation_failed", "out of memory"),
        (ErrorText("what a code", "x"), "generation_failed", "x"),
        (ErrorText(), "generation_failed", "no reason"),
    ],
)
def test_a_failed_job_is_classified(error: ErrorText, code: str, words: str) -> None:
    told, message = classify_job_error(error)

    assert told == code
    assert re.search(re.escape(words), message)


@pytest.mark.parametrize("status", [401, 403, 404, 410, 429])
def test_what_is_true_of_one_provider_is_not_told_of_another(status: int) -> None:
    for call in Call:
        outcome = classify_answer(call, status, httpx.Headers(), b"", OTHER)
        assert not re.search("Azure|AZURE|OpenAI|24 hours", f"{outcome.message}{outcome.remedy}")


def test_a_provider_s_own_rows_are_asked_first() -> None:
    own = Answer(ANY, {429}, "tokens", Kind.REFUSED, "no_tokens", "It has no tokens ({status}).")
    context = replace(OTHER, answers=(own,), remedies={"no_tokens": "Buy some at {endpoint}."})
    answers = {
        body: classify_answer(Call.CREATE, 429, httpx.Headers(), body, context)
        for body in (b"no tokens", b"")
    }

    assert (answers[b"no tokens"].code, answers[b""].code) == ("no_tokens", "rate_limit")
    assert answers[b"no tokens"].remedy == "Buy some at api.example.com."
