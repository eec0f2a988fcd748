"""Reading what went wrong from any body, and making it safe to show."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dailies.providers.classify import Call, CallContext, classify_answer
from dailies.providers.error_text import ErrorText, readable

PROMPT = "A lighthouse keeper dances with his shadow while the storm rolls in over the bay"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda node: st.lists(node) | st.dictionaries(st.text(), node),
    max_leaves=10,
)
FIELDS = st.sampled_from(["error", "message", "code", "type", "param", "innererror", "detail"])


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"error": {"message": "m", "code": "c", "type": "t", "param": "p"}}, ("c", "m", "t", "p")),
        ({"message": "m", "code": "c", "type": "t", "param": "p"}, ("c", "m", "t", "p")),
        ({"error": {"message": "m", "code": None, "param": None}}, ("", "m", "", "")),
        ({"error": "m", "code": 404}, ("404", "m", "", "")),
        ({"detail": "m"}, ("", "m", "", "")),
        ({"title": "m", "status": 422}, ("", "m", "", "")),
        (
            {"detail": [{"loc": ["body", "seconds"], "msg": "Input should be 4", "input": "x"}]},
            ("", "body.seconds: Input should be 4", "", ""),
        ),
        ({"detail": ["m", {"msg": "n"}, 7, None]}, ("", "m; n; 7", "", "")),
        ({"errors": [{"message": "m"}, {"message": "n"}]}, ("", "m; n", "", "")),
        ({"error": {"code": True, "message": ["m"]}}, ("", "m", "", "")),
        ({"error": {"code": True, "message": {"m": 1}}}, ("", "", "", "")),
        ("m", ("", "m", "", "")),
        (["m"], ("", "", "", "")),
    ],
)
def test_envelopes(body: object, expected: tuple[str, ...]) -> None:
    error = ErrorText.parse(json.dumps(body).encode())

    assert (error.code, error.message, error.type, error.param) == expected


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"Prompt is too long.\n", "Prompt is too long."),
        ("Zu lang für uns".encode(), "Zu lang für uns"),
        (b"<html>no</html>", ""),
        (b" {broken", ""),
        (b"null", ""),
        (b"\xff\xfe", ""),
        (b"a\x00b", ""),
        (b"", ""),
    ],
)
def test_an_answer_in_plain_text_is_its_message(body: bytes, message: str) -> None:
    assert ErrorText.parse(body).message == message


@pytest.mark.parametrize("field", ["innererror", "inner_error"])
def test_the_policy_is_found_within(field: str) -> None:
    body = {"error": {"code": "content_filter", field: {"code": "ResponsibleAIPolicyViolation"}}}

    assert ErrorText.parse(json.dumps(body).encode()).inner_code == "ResponsibleAIPolicyViolation"


RPC = {
    "error": {
        "code": 429,
        "message": "Quota exceeded.",
        "status": "RESOURCE_EXHAUSTED",
        "details": [
            {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "RATE_LIMIT_EXCEEDED"},
            {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34.07s"},
        ],
    }
}


@pytest.mark.parametrize("body", [RPC, [RPC]])
def test_an_error_of_google_rpc(body: object) -> None:
    error = ErrorText.parse(json.dumps(body).encode())

    assert (error.code, error.type, error.message) == (
        "429",
        "RESOURCE_EXHAUSTED",
        "Quota exceeded.",
    )
    assert (error.inner_code, error.retry_after) == ("RATE_LIMIT_EXCEEDED", 34.07)


@pytest.mark.parametrize(
    "details",
    [
        None,
        {},
        [None, 7, "x", {}],
        [{"retryDelay": 5}, {"retryDelay": "soon"}, {"retryDelay": "-"}, {"reason": ["x"]}],
        [{"retryDelay": "90000s"}],
    ],
)
def test_details_that_are_none(details: object) -> None:
    error = ErrorText.parse(json.dumps({"error": {"message": "m", "details": details}}).encode())

    assert (error.message, error.inner_code, error.retry_after) == ("m", "", None)


def test_the_pause_of_an_envelope_counts_where_no_header_names_one() -> None:
    body = json.dumps(RPC).encode()
    about = CallContext("one.example", "model")
    told = classify_answer(Call.STATUS, 429, {}, body, about)
    header = classify_answer(Call.STATUS, 429, {"retry-after": "7"}, body, about)

    assert (told.retry_after, header.retry_after) == (34.07, 7)


@given(st.binary())
def test_any_bytes_can_be_read(body: bytes) -> None:
    assert isinstance(ErrorText.parse(body), ErrorText)


@given(st.dictionaries(FIELDS, JSON | st.dictionaries(FIELDS, JSON)))
def test_any_document_can_be_read(document: dict[str, object]) -> None:
    error = ErrorText.parse(json.dumps(document).encode())

    assert all(isinstance(text, str) for text in (error.code, error.message, error.words))


def test_deep_nesting_is_no_fault() -> None:
    assert ErrorText.parse(b"[" * 100_000) == ErrorText()


@pytest.mark.parametrize(
    "message",
    [
        f"Bad prompt: {PROMPT}.",
        f"Bad prompt: {PROMPT.upper()}.",
        f"Bad prompt: {PROMPT[:60]}…",
        f"Bad prompt: {PROMPT[10:]}",
        f"{PROMPT} is bad, {PROMPT} indeed",
    ],
)
def test_an_echo_of_the_prompt_is_cut_out(message: str) -> None:
    shown = readable(message, PROMPT)

    assert "[prompt]" in shown
    assert "dances with his shadow" not in shown.lower()


def test_what_is_no_echo_stays() -> None:
    assert readable(f"Before {PROMPT} after", PROMPT) == "Before [prompt] after"
    assert readable("The storm is too long", PROMPT) == "The storm is too long"


def test_a_short_prompt_is_cut_out_as_a_word() -> None:
    assert readable("'A cat' is no concatenation", "a cat") == "'[prompt]' is no concatenation"


@given(st.text(min_size=24), st.text(max_size=40), st.text(max_size=40))
def test_a_whole_echo_never_stays(prompt: str, before: str, after: str) -> None:
    shown = readable(f"{before} {prompt} {after}", prompt)
    words = " ".join(prompt.split())

    assert len(words) < 24 or words not in shown


@pytest.mark.parametrize(
    "secret",
    [
        "sk-abcdef123456",
        "Bearer abc.def",
        "eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJ4In0.c2ln",
        "0123456789abcdef0123456789abcdef",
        "sig=abc%2Bdef",
        "c2VjcmV0/c2VjcmV0MTIzNDU2Nzg5MDEyMzQ1Njc4OTA+=",
    ],
)
def test_secrets_are_cut_out(secret: str) -> None:
    shown = readable(f"refused {secret} there")

    assert secret not in shown
    assert shown.startswith("refused [secret]")


@pytest.mark.parametrize(
    "text",
    [
        "https://platform.openai.com/docs/guides/error-codes/api-errors-and-what-they-mean",
        "https://learn.microsoft.com/azure/cognitive/services/openai/concepts/models?view=foundry",
        "https://aka.ms/oai/quotaincrease",
        "`Microsoft.CognitiveServices/accounts/OpenAI/deployments/videos/write`",
        "request id: 0123456789abcdef0123456789abcdef.",
        "(Request ID 1b4e28ba-2fa1-11d2-883f-0016d3cca427)",
        "req_0123456789abcdef0123456789abcdef",
    ],
)
def test_ordinary_links_and_the_ids_of_requests_stay(text: str) -> None:
    assert readable(f"See {text} there") == f"See {text} there"


@pytest.mark.parametrize(
    ("link", "shown"),
    [
        ("https://a.test/f.mp4?se=2026&sig=abc", "https://a.test/f.mp4?se=2026&sig=[secret]"),
        ("https://a.test/?X-Amz-Credential=abc", "https://a.test/?X-Amz-Credential=[secret]"),
        (f"https://a.test/?t={'x' * 40}", "https://a.test/?t=[secret]"),
        ("https://user:hush@a.test/f", "https://a.test/f"),
        (f"https://a.test/{'0a' * 20}/f", "https://a.test/[secret]/f"),
        ("https://a.test/sk-abcdef123456", "https://a.test/[secret]"),
        ("https://[::1", "https://[::1"),
    ],
)
def test_a_link_loses_what_signs_in_by_it(link: str, shown: str) -> None:
    assert readable(f"See {link} there") == f"See {shown} there"
    assert readable(readable(link)) == readable(link)


def test_job_ids_are_no_secrets() -> None:
    message = "no video_0123456789abcdef0123456789abcdef here"

    assert readable(message) == message


def test_long_messages_are_cut() -> None:
    assert len(readable("word " * 1000)) <= 300
