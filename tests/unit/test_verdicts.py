"""What an answer says of the deployment that gave it."""

from __future__ import annotations

import httpx
import pytest

from dailies.net.multipart import InputUnavailable
from dailies.providers.classify import Call, CallContext, classify_answer, classify_fault
from dailies.providers.outcomes import Kind, Outcome
from dailies.providers.verdicts import Verdict, verdict_of

CONTEXT = CallContext("kite.example:443", "kite")


@pytest.mark.parametrize(
    ("call", "status", "body", "verdict"),
    [
        (Call.CREATE, 410, b"", Verdict.GONE),
        (Call.STATUS, 410, b"", Verdict.FAULT),
        (Call.CREATE, 401, b"", Verdict.SHUT),
        (Call.CREATE, 403, b"", Verdict.SHUT),
        (Call.STATUS, 403, b"", Verdict.FAULT),
        (Call.CREATE, 402, b"", Verdict.SHUT),
        (Call.CREATE, 429, b'{"error": {"code": "insufficient_quota"}}', Verdict.SHUT),
        (Call.CREATE, 429, b"", Verdict.WORKS),
        (Call.CREATE, 404, b"", Verdict.SHUT),
        (Call.DERIVE, 404, b"", Verdict.WORKS),
        (Call.STATUS, 404, b"", Verdict.WORKS),
        (Call.CREATE, 400, b'{"error": {"code": "moderation_blocked"}}', Verdict.WORKS),
        (Call.CREATE, 400, b'{"error": {"message": "seconds"}}', Verdict.WORKS),
        (Call.CREATE, 500, b"", Verdict.FAULT),
        (Call.CREATE, 503, b"", Verdict.FAULT),
        (Call.STATUS, 502, b"", Verdict.FAULT),
        (Call.CREATE, 307, b"", Verdict.SHUT),
    ],
)
def test_of_an_answer(call: Call, status: int, body: bytes, verdict: Verdict) -> None:
    assert verdict_of(call, classify_answer(call, status, {}, body, CONTEXT)) is verdict


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (httpx.ConnectError(""), Verdict.FAULT),
        (httpx.ReadTimeout(""), Verdict.FAULT),
        (httpx.UnsupportedProtocol(""), Verdict.SHUT),
        (InputUnavailable("gone"), Verdict.NOTHING),
    ],
)
def test_of_none(error: httpx.RequestError, verdict: Verdict) -> None:
    assert verdict_of(Call.CREATE, classify_fault(Call.CREATE, error, CONTEXT)) is verdict


def test_of_a_success() -> None:
    assert verdict_of(Call.CREATE, Outcome(Kind.ACCEPTED)) is Verdict.WORKS
