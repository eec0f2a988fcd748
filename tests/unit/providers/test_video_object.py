"""Reading video objects, also crooked ones."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dailies.providers.listing import page_of
from dailies.providers.outcomes import JobStatus, UpstreamJob
from dailies.providers.video_object import parse_job
from dailies.video.basics import Size
from tests.unit.providers.conftest import job

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda node: st.lists(node) | st.dictionaries(st.text(), node),
    max_leaves=8,
)
STATUSES = st.sampled_from(["queued", "in_progress", "completed", "failed", "cancelled", "expired"])


def parsed(**fields: object) -> UpstreamJob:
    found = parse_job(job(**fields))
    assert found is not None
    return found


def test_a_job_as_azure_sends_it() -> None:
    assert parse_job(job(status="in_progress", progress=72, unheard_of=1)) == UpstreamJob(
        id="video_1",
        status=JobStatus.RUNNING,
        progress=72,
        created_at=1_780_000_000,
        model="sora-2-eu",
        prompt="a cat in the rain",
        seconds=4,
        size=Size(1280, 720),
    )


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("queued", JobStatus.QUEUED),
        ("in_progress", JobStatus.RUNNING),
        ("completed", JobStatus.COMPLETED),
        ("failed", JobStatus.FAILED),
        ("cancelled", JobStatus.CANCELLED),
        ("canceled", JobStatus.CANCELLED),
        ("expired", JobStatus.EXPIRED),
        ("Completed", JobStatus.COMPLETED),
        ("a new word", JobStatus.UNKNOWN),
        ("", JobStatus.UNKNOWN),
        (None, JobStatus.UNKNOWN),
        (7, JobStatus.UNKNOWN),
    ],
)
def test_statuses(word: object, status: JobStatus) -> None:
    assert parsed(status=word).status is status


@pytest.mark.parametrize(
    ("value", "progress"),
    [(0, 0), (45, 45), ("72", 72), (99.6, 100), (None, 0), ("x", 0), (-1, 0), (250, 100), ([], 0)],
)
def test_progress(value: object, progress: int) -> None:
    assert parsed(status="in_progress", progress=value).progress == progress


def test_progress_is_whole_when_done() -> None:
    assert parsed(status="completed", progress=99).progress == 100


@pytest.mark.parametrize(
    ("status", "error", "code"),
    [
        ("failed", {"code": "moderation_blocked", "message": "Blocked."}, "moderation_blocked"),
        ("failed", {"code": "internal_error", "message": "Oops."}, "internal_error"),
        ("failed", "out of memory", "generation_failed"),
        ("failed", None, "generation_failed"),
        ("failed", [1], "generation_failed"),
        ("cancelled", None, "cancelled_upstream"),
        ("expired", None, "expired"),
        ("completed", None, None),
        ("in_progress", {"code": "x"}, None),
    ],
)
def test_why_a_job_ended(status: str, error: object, code: str | None) -> None:
    found = parsed(status=status, error=error)

    assert found.error_code == code
    assert (found.error_message is None) == (code is None)


def test_a_failure_does_not_repeat_the_prompt() -> None:
    found = parsed(status="failed", error={"message": "could not draw a cat in the rain"})

    assert "rain" not in (found.error_message or "")


@pytest.mark.parametrize("document", [None, [], "x", {}, {"id": ""}, {"id": 7}])
def test_without_an_id_it_is_no_job(document: object) -> None:
    assert parse_job(document) is None


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(job(), JSON)), STATUSES)
def test_any_object_with_an_id_is_a_job(fields: dict[str, object], status: str) -> None:
    found = parse_job(fields | {"id": "video_1", "status": status})

    assert found is not None
    assert 0 <= found.progress <= 100


@given(JSON)
def test_any_document_can_be_asked_for_jobs(document: object) -> None:
    assert page_of(parse_job)(document) is None or isinstance(document, dict)
