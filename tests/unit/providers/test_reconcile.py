"""Finding the job that was sent when its answer was lost."""

from __future__ import annotations

import httpx
import pytest

from dailies.providers.base import Names, Submission
from dailies.providers.outcomes import Kind
from dailies.video.basics import Operation, Size
from tests.unit.providers.conftest import Adapter, Upstream, job, page

SENT_AT = 1_780_000_000.7
SUBMISSION = Submission("sora-2-eu", "a cat in the rain", 4, Size(1280, 720))
NAMES = Names(
    own=frozenset({"sora-2-eu", "sora-2"}), others=frozenset({"sora-2-pro-eu", "sora-2-pro"})
)


async def ids(adapter: Adapter, submission: Submission = SUBMISSION) -> list[str]:
    found = await adapter(names=NAMES).find_submitted(submission, SENT_AT)
    assert found.outcome.kind is Kind.ACCEPTED
    return [each.id for each in found.jobs]


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"model": "sora-2"},
        {"model": "sora-2-2025-12-08"},
        {"model": "a name we never heard of"},
        {"model": None, "size": None, "seconds": None},
        {"seconds": 4},
        {"prompt": " a cat\nin  the rain "},
        {"prompt": None},
        {"created_at": 1_780_000_000},
        {"created_at": 1_779_999_990},
        {"created_at": None},
        {"status": "failed"},
    ],
)
async def test_a_job_that_agrees_is_found(
    upstream: Upstream, adapter: Adapter, fields: dict[str, object]
) -> None:
    upstream.says(page(job(**fields)))

    assert await ids(adapter) == ["video_1"]


@pytest.mark.parametrize(
    "fields",
    [
        {"model": "sora-2-pro"},
        {"model": "sora-2-pro-2025-12-08"},
        {"prompt": "a cat in the sun"},
        {"seconds": "8"},
        {"size": "720x1280"},
        {"created_at": 1_779_999_900},
        {"remixed_from_video_id": "video_0"},
    ],
)
async def test_a_job_that_differs_is_not(
    upstream: Upstream, adapter: Adapter, fields: dict[str, object]
) -> None:
    upstream.says(page(job(**fields)))

    assert await ids(adapter) == []


async def test_a_remix_is_found_by_its_source(upstream: Upstream, adapter: Adapter) -> None:
    upstream.says(
        page(
            job(id="other", remixed_from_video_id="video_8"),
            job(id="ours", remixed_from_video_id="video_9", seconds="12"),
        )
    )
    remix = Submission(
        "sora-2-eu",
        "a cat in the rain",
        4,
        Size(1280, 720),
        Operation.REMIX,
        source_job_id="video_9",
    )

    assert await ids(adapter, remix) == ["ours"]


async def test_the_oldest_comes_first(upstream: Upstream, adapter: Adapter) -> None:
    upstream.says(page(*(job(id=f"video_{n}", created_at=1_780_000_000 + n) for n in (30, 20, 10))))

    assert await ids(adapter) == ["video_10", "video_20", "video_30"]


async def test_a_job_with_our_prompt_goes_before_those_without(
    upstream: Upstream, adapter: Adapter
) -> None:
    upstream.says(page(job(id="mute", prompt=None), job(id="mute too", prompt=None), job()))

    assert await ids(adapter) == ["video_1"]


async def test_several_jobs_without_a_prompt_can_not_be_told_apart(
    upstream: Upstream, adapter: Adapter
) -> None:
    upstream.says(page(job(id="a", prompt=None), job(id="b", prompt=None)))
    found = await adapter(names=NAMES).find_submitted(SUBMISSION, SENT_AT)

    assert (found.outcome.kind, found.outcome.code) == (Kind.UNKNOWN, "ambiguous_jobs")
    assert found.jobs == ()


async def test_the_list_is_followed_until_it_is_older(upstream: Upstream, adapter: Adapter) -> None:
    newer = [job(id=f"n{n}", prompt="x", created_at=1_780_000_400 - n) for n in range(3)]
    upstream.says(
        page(*newer, has_more=True),
        page(job(), job(id="old", created_at=1_779_999_000), has_more=True),
        httpx.Response(500),
    )

    assert await ids(adapter) == ["video_1"]
    assert [dict(request.url.params) for request in upstream.requests] == [
        {"limit": "100", "order": "desc"},
        {"limit": "100", "order": "desc", "after": "n2"},
    ]


async def test_a_list_in_the_wrong_order_is_read_to_its_end(
    upstream: Upstream, adapter: Adapter
) -> None:
    old = [job(id=f"old{n}", created_at=1_779_000_000 + n) for n in range(3)]
    upstream.says(page(*old, has_more=True), page(job(), has_more=False))

    assert await ids(adapter) == ["video_1"]


async def test_a_server_that_knows_no_pages(upstream: Upstream, adapter: Adapter) -> None:
    upstream.says(page(job(), has_more=None))

    assert await ids(adapter) == ["video_1"]
    assert len(upstream.requests) == 2


async def test_a_server_that_ignores_the_cursor_hides_jobs(
    upstream: Upstream, adapter: Adapter
) -> None:
    upstream.says(page(job(), has_more=True))
    found = await adapter().find_submitted(SUBMISSION, SENT_AT)

    assert (found.outcome.kind, found.outcome.code) == (Kind.TRANSIENT, "list_incomplete")
    assert found.jobs == ()
    assert len(upstream.requests) == 2


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (httpx.Response(500), Kind.TRANSIENT),
        (httpx.Response(405), Kind.REFUSED),
        (httpx.Response(200, text="<html>"), Kind.TRANSIENT),
        (httpx.Response(200, json={"data": {}}), Kind.TRANSIENT),
        (httpx.ReadTimeout("late"), Kind.TRANSIENT),
    ],
)
async def test_a_search_that_failed_found_nothing_out(
    upstream: Upstream, adapter: Adapter, answer: httpx.Response | Exception, kind: Kind
) -> None:
    upstream.says(page(job(), has_more=True), answer)
    found = await adapter().find_submitted(SUBMISSION, SENT_AT)

    assert found.outcome.kind is kind
    assert found.jobs == ()
