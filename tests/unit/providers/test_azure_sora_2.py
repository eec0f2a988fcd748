"""The adapter on the wire: what it sends, and what it makes of the answers."""

from __future__ import annotations

import json
import logging

import httpx
import pytest

from dailies.providers.base import Reference, Submission
from dailies.providers.outcomes import JobStatus, Kind
from dailies.video.basics import Operation, Size
from tests.unit.providers.conftest import ENDPOINT, Adapter, Upstream, job, parts, text

SUBMISSION = Submission("sora-2-eu", "a cat in the rain", 8, Size(1280, 720))


# -- submit


async def test_a_create_is_json_with_seconds_as_text(upstream: Upstream, adapter: Adapter) -> None:
    upstream.says(httpx.Response(200, json=job()))
    outcome = await adapter().submit(SUBMISSION)

    assert outcome.kind is Kind.ACCEPTED
    assert outcome.job is not None
    assert outcome.job.id == "video_1"
    assert (upstream.last.method, str(upstream.last.url)) == (
        "POST",
        f"{ENDPOINT}/openai/v1/videos",
    )
    assert upstream.last.headers["api-key"] == "the-key"
    assert upstream.last_json == {
        "model": "sora-2-eu",
        "prompt": "a cat in the rain",
        "seconds": "8",
        "size": "1280x720",
    }


@pytest.mark.parametrize(
    ("content_type", "name"),
    [
        ("image/png", "reference.png"),
        ("image/jpeg", "reference.jpg"),
        ("image/webp", "reference.webp"),
    ],
)
async def test_a_reference_goes_as_a_named_file(
    upstream: Upstream, adapter: Adapter, content_type: str, name: str
) -> None:
    upstream.says(httpx.Response(200, json=job()))
    reference = Reference(b"\x89PNG\r\n\x00", content_type, Size(1280, 720))
    await adapter().submit(
        Submission("sora-2-eu", "eine Straße 🌧", 8, Size(1280, 720), reference=reference)
    )

    fields = parts(upstream.last)
    assert {field: text(fields[field]) for field in ("model", "prompt", "seconds", "size")} == {
        "model": "sora-2-eu",
        "prompt": "eine Straße 🌧",
        "seconds": "8",
        "size": "1280x720",
    }
    assert fields["prompt"].get_filename() is None
    assert fields["input_reference"].get_filename() == name
    assert fields["input_reference"].get_content_type() == content_type
    assert fields["input_reference"].get_payload(decode=True) == b"\x89PNG\r\n\x00"


@pytest.mark.parametrize(
    ("operation", "path", "document"),
    [
        (Operation.REMIX, "/videos/video_9/remix", {"prompt": "p"}),
        (Operation.EDIT, "/videos/edits", {"prompt": "p", "video": {"id": "video_9"}}),
        (
            Operation.EXTEND,
            "/videos/extensions",
            {"prompt": "p", "seconds": "8", "video": {"id": "video_9"}},
        ),
    ],
)
async def test_what_is_derived_from_another_video(
    upstream: Upstream, adapter: Adapter, operation: Operation, path: str, document: object
) -> None:
    upstream.says(httpx.Response(200, json=job()))
    await adapter().submit(
        Submission("sora-2-eu", "p", 8, Size(1280, 720), operation, source_job_id="video_9")
    )

    assert upstream.last.url.path == f"/openai/v1{path}"
    assert upstream.last_json == document


async def test_half_a_surrogate_pair_in_a_prompt_is_no_fault(
    upstream: Upstream, adapter: Adapter
) -> None:
    upstream.says(httpx.Response(200, json=job()))
    for reference in (None, Reference(b"\x89PNG", "image/png", Size(1280, 720))):
        outcome = await adapter().submit(
            Submission("sora-2-eu", "half \ud83c", 4, Size(1280, 720), reference=reference)
        )
        assert outcome.kind is Kind.ACCEPTED


@pytest.mark.parametrize(
    "endpoint", [ENDPOINT, f"{ENDPOINT}/", f"{ENDPOINT}/openai", f"{ENDPOINT}/openai/v1/"]
)
async def test_the_endpoint_may_have_the_path_of_the_api(
    upstream: Upstream, adapter: Adapter, endpoint: str
) -> None:
    upstream.says(httpx.Response(200, json=job()))
    await adapter(endpoint=endpoint).submit(SUBMISSION)

    assert str(upstream.last.url) == f"{ENDPOINT}/openai/v1/videos"


@pytest.mark.parametrize(
    "answer",
    [
        httpx.ReadTimeout("late"),
        httpx.RemoteProtocolError("Server disconnected without sending a response."),
        httpx.Response(500),
        httpx.Response(503, headers={"retry-after": "5"}),
        httpx.Response(200, text="<html>welcome</html>"),
        httpx.Response(200, json={"status": "queued"}),
        httpx.Response(200, json=["video_1"]),
    ],
)
async def test_a_create_without_a_clear_answer_is_unknown(
    upstream: Upstream, adapter: Adapter, answer: httpx.Response | Exception
) -> None:
    upstream.says(answer)
    outcome = await adapter().submit(SUBMISSION)

    assert outcome.kind is Kind.UNKNOWN
    assert len(upstream.requests) == 1


async def test_a_connection_that_was_not_made_is_transient(
    upstream: Upstream, adapter: Adapter
) -> None:
    upstream.says(httpx.ConnectError("refused"))

    assert (await adapter().submit(SUBMISSION)).kind is Kind.TRANSIENT


async def test_a_paid_job_is_kept_whatever_its_status_says(
    upstream: Upstream, adapter: Adapter
) -> None:
    upstream.says(httpx.Response(201, json={"id": "video_1", "status": None}))
    outcome = await adapter().submit(SUBMISSION)

    assert outcome.kind is Kind.ACCEPTED
    assert outcome.job is not None
    assert outcome.job.status is JobStatus.UNKNOWN


async def test_no_prompt_and_no_secret_in_logs_and_messages(
    upstream: Upstream, adapter: Adapter, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="dailies")
    upstream.says(
        httpx.Response(400, json={"error": {"message": "bad: a cat in the rain, key the-key"}})
    )
    outcome = await adapter().submit(SUBMISSION)
    told = [str(vars(record)) for record in caplog.records]

    assert told
    assert "cat in the rain" not in f"{told}{outcome}"
    assert "the-key" not in str(told)


# -- status


async def test_a_status_is_read(upstream: Upstream, adapter: Adapter) -> None:
    answer = job(status="in_progress", progress=45)
    upstream.says(httpx.Response(200, json=answer, headers={"openai-poll-after-ms": "2500"}))
    outcome = await adapter().status("video_1")

    assert outcome.job is not None
    assert (outcome.job.status, outcome.job.progress) == (JobStatus.RUNNING, 45)
    assert outcome.retry_after == 2.5
    assert str(upstream.last.url) == f"{ENDPOINT}/openai/v1/videos/video_1"


async def test_a_job_id_can_not_leave_its_path(upstream: Upstream, adapter: Adapter) -> None:
    upstream.says(httpx.Response(404))
    await adapter().status("a/b?c#d")

    assert upstream.last.url.raw_path == b"/openai/v1/videos/a%2Fb%3Fc%23d"


async def test_a_failed_job_may_come_with_an_error_status(
    upstream: Upstream, adapter: Adapter
) -> None:
    failed = job(status="failed", error={"code": "moderation_blocked", "message": "Blocked."})
    upstream.says(httpx.Response(500, json=failed))
    outcome = await adapter().status("video_1")

    assert outcome.kind is Kind.ACCEPTED
    assert outcome.job is not None
    assert (outcome.job.status, outcome.job.error_code) == (JobStatus.FAILED, "moderation_blocked")


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (httpx.Response(404), Kind.MISSING),
        (httpx.Response(410), Kind.RETIRED),
        (httpx.Response(502, text="<html>"), Kind.TRANSIENT),
        (httpx.Response(200, text="<html>"), Kind.TRANSIENT),
        (httpx.ReadTimeout("late"), Kind.TRANSIENT),
    ],
)
async def test_other_answers_to_a_status(
    upstream: Upstream, adapter: Adapter, answer: httpx.Response | Exception, kind: Kind
) -> None:
    upstream.says(answer)

    assert (await adapter().status("video_1")).kind is kind


async def test_an_answer_without_end_is_not_read_to_its_end(
    upstream: Upstream, adapter: Adapter
) -> None:
    upstream.says(httpx.Response(200, content=b" " * (33 * 1024**2)))

    assert (await adapter().status("video_1")).kind is Kind.TRANSIENT


async def test_the_log_says_which_deployment_puts_off_and_for_how_long(
    upstream: Upstream, adapter: Adapter, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="dailies")
    upstream.says(httpx.Response(429, headers={"Retry-After": "7"}, json={}))
    await adapter().status("video_1")
    (line,) = (json.loads(record.getMessage()) for record in caplog.records)
    assert (line["event"], line["call"], line["deployment"]) == (
        "provider_call",
        "status",
        "sora-2-eu",
    )
    assert (line["outcome"], line["retry_after"], line["job_id"]) == ("throttled", 7, "video_1")


# -- cancel


@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        (httpx.Response(200, json={"id": "v", "deleted": True}), Kind.ACCEPTED, None),
        (httpx.Response(200, json=job(status="deleted")), Kind.ACCEPTED, None),
        (httpx.Response(204), Kind.ACCEPTED, None),
        (httpx.Response(404), Kind.ACCEPTED, None),
        (httpx.Response(200, json={"deleted": False}), Kind.REFUSED, "not_cancellable"),
        (httpx.Response(400), Kind.REFUSED, "not_cancellable"),
        (httpx.Response(409), Kind.REFUSED, "not_cancellable"),
        (httpx.Response(500), Kind.TRANSIENT, "provider_error"),
        (httpx.ReadTimeout("late"), Kind.TRANSIENT, "provider_timeout"),
    ],
)
async def test_cancel(
    upstream: Upstream,
    adapter: Adapter,
    answer: httpx.Response | Exception,
    kind: Kind,
    code: str | None,
) -> None:
    upstream.says(answer)
    outcome = await adapter().cancel("video_1")

    assert (outcome.kind, outcome.code) == (kind, code)
    assert upstream.last.method == "DELETE"
