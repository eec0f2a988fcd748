"""A job whose answer was lost is found, and a call is believed when it is signed."""

from __future__ import annotations

import base64
import hmac
import json
import time
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from typing import Any

import httpx
import pytest

from dailies.providers.base import Reference
from dailies.providers.outcomes import Kind
from dailies.providers.replicate import PROVIDER, Replicate
from dailies.providers.wire import Wire
from tests.unit.providers.conftest import Upstream, called_job
from tests.unit.providers.replicate.conftest import (
    CALLBACK,
    CREATED,
    HD,
    INPUT,
    MODEL,
    OPTIONS,
    ROOT,
    SUBMISSION,
    prediction,
)

# -- a lost create


def listed(*predictions: dict[str, object], following: str | None = None) -> httpx.Response:
    return httpx.Response(200, json={"next": following, "previous": None, "results": predictions})


async def found(upstream: Upstream, replicate: Replicate, **fields: Any) -> list[str]:
    search = await replicate.find_submitted(replace(SUBMISSION, **fields), CREATED)
    assert search.outcome.kind is Kind.ACCEPTED
    return [job.id for job in search.jobs]


async def test_a_lost_job_is_found_by_its_inputs(upstream: Upstream, replicate: Replicate) -> None:
    upstream.says(
        listed(
            prediction(id="longer", input={**INPUT, "duration": 4}),
            prediction(id="other-model", model="google/veo-3.1-fast"),
            prediction(id="other-prompt", input={**INPUT, "prompt": "a stork"}),
            prediction(id="with-image", input={**INPUT, "image": "https://x/a.png"}),
            prediction(id="old", created_at="2026-05-28T20:00:00Z"),
            prediction(id="ours"),
        )
    )
    assert await found(upstream, replicate) == ["ours"]
    assert upstream.last.url.params["created_after"] == "2026-05-28T20:26:10+00:00"


async def test_files_are_not_compared(upstream: Upstream, replicate: Replicate) -> None:
    image = Reference(b"small", "image/png", HD)
    upstream.says(listed(prediction(id="ours", input={**INPUT, "seed": 3})))
    options = {"reference_videos": ["https://x/clip.mp4"]}
    assert await found(upstream, replicate, reference=image, seed=3, options=options) == ["ours"]


async def test_half_a_surrogate_pair_comes_back_changed(
    upstream: Upstream, replicate: Replicate
) -> None:
    upstream.says(listed(prediction(id="ours", input={**INPUT, "prompt": "a \ufffd heron"})))
    assert await found(upstream, replicate, prompt="a \ud83d heron") == ["ours"]


async def test_our_own_address_settles_it(upstream: Upstream, replicate: Replicate) -> None:
    upstream.says(
        listed(
            prediction(id="twin", webhook="https://dailies.example/calls/video_2/token"),
            prediction(id="ours", webhook=CALLBACK, input={}, data_removed=True),
            prediction(id="unsure", input={}, data_removed=True),
        )
    )
    assert await found(upstream, replicate, callback_url=CALLBACK) == ["ours"]


async def test_after_the_app_has_moved_the_inputs_tell(
    upstream: Upstream, replicate: Replicate
) -> None:
    upstream.says(listed(prediction(id="ours", webhook="https://before.example/calls/video_1/x")))
    assert await found(upstream, replicate, callback_url=CALLBACK) == ["ours"]


async def test_jobs_without_inputs_are_no_answer_when_there_are_several(
    upstream: Upstream, replicate: Replicate
) -> None:
    gone = {"input": {}, "data_removed": True}
    upstream.says(listed(prediction(id="a", **gone), prediction(id="b", **gone)))
    search = await replicate.find_submitted(SUBMISSION, CREATED)
    assert (search.outcome.kind, search.outcome.code) == (Kind.UNKNOWN, "ambiguous_jobs")


async def test_the_list_is_read_page_by_page_at_our_own_address(
    upstream: Upstream, replicate: Replicate
) -> None:
    elsewhere = "https://evil.example/v1/predictions?cursor=abc%3D&created_after=x"
    upstream.says(
        listed(prediction(id="other", input={**INPUT, "duration": 4}), following=elsewhere),
        listed(prediction(id="ours")),
    )
    assert await found(upstream, replicate) == ["ours"]
    assert upstream.last.url.host == "api.replicate.com"
    assert dict(upstream.last.url.params) == {"cursor": "abc=", "created_after": "x"}


async def test_a_list_that_can_not_be_read_is_no_answer(
    upstream: Upstream, replicate: Replicate
) -> None:
    upstream.says(httpx.Response(503))
    search = await replicate.find_submitted(SUBMISSION, CREATED)
    assert search.outcome.kind is Kind.TRANSIENT
    assert not search.jobs


# -- calls

SECRET = "whsec_" + base64.b64encode(b"the signing key").decode()
RENEWED = "whsec_" + base64.b64encode(b"the next key").decode()
BODY = json.dumps(prediction(status="succeeded")).encode()


def signed(body: bytes, secret: str = SECRET, at: float | None = None) -> dict[str, str]:
    key = base64.b64decode(secret.partition("_")[2])
    sent = str(round(time.time() if at is None else at))
    digest = hmac.digest(key, f"msg_1.{sent}.".encode() + body, sha256)
    return {
        "webhook-id": "msg_1",
        "webhook-timestamp": sent,
        "webhook-signature": f"v1,bm8= v1,{base64.b64encode(digest).decode()}",
    }


def secret(key: str = SECRET) -> httpx.Response:
    return httpx.Response(200, json={"key": key})


async def test_a_signed_call_names_its_job(upstream: Upstream, replicate: Replicate) -> None:
    upstream.says(secret())
    for _ in range(2):  # it may come twice
        called = await replicate.called_back(signed(BODY), BODY)
        assert called_job(called) == "gm3qorzdhgbfurvjtvhg6dckhu"
    assert [str(request.url) for request in upstream.requests] == [
        f"{ROOT}/webhooks/default/secret"
    ]


@pytest.mark.parametrize(
    # Signed in the test: when it runs, long after it was collected, a call of then is too old.
    ("headers", "body"),
    [
        (lambda: {}, BODY),
        (lambda: signed(BODY, RENEWED), BODY),
        (lambda: signed(BODY), BODY + b" "),
        (lambda: signed(BODY, at=time.time() - 900), BODY),
        (lambda: signed(BODY, at=time.time() + 900), BODY),
        (lambda: {**signed(BODY), "webhook-timestamp": "soon"}, BODY),
        (lambda: {**signed(BODY), "webhook-signature": "v1 \u00e9"}, BODY),
        (lambda: signed(b"no json"), b"no json"),
        (lambda: signed(b"[]"), b"[]"),
        (lambda: signed(b'{"id": 5}'), b'{"id": 5}'),
    ],
)
async def test_no_other_call_is_believed(
    upstream: Upstream, replicate: Replicate, headers: Callable[[], dict[str, str]], body: bytes
) -> None:
    upstream.says(secret())
    assert await replicate.called_back(headers(), body) is None
    assert len(upstream.requests) == 1  # whoever calls can't make us ask again


async def test_a_key_that_was_renewed_is_asked_for_again(upstream: Upstream, wire: Wire) -> None:
    now = 1_780_000_000.0
    replicate = Replicate(wire, lambda: now)
    upstream.says(secret(), secret(RENEWED))
    assert await replicate.called_back(signed(BODY, at=now), BODY) is not None
    now += 3600
    assert await replicate.called_back(signed(BODY, RENEWED, at=now), BODY) is not None


async def test_without_the_key_nobody_is_believed(upstream: Upstream, replicate: Replicate) -> None:
    upstream.says(httpx.Response(503), httpx.Response(503), secret())
    assert await replicate.called_back(signed(BODY), BODY) is None
    assert await replicate.called_back(signed(BODY), BODY) is not None


@pytest.mark.parametrize("name", ["veo", "google/veo/3", "google/veo:latest", "a b/c"])
def test_a_model_has_an_owner_and_a_name(name: str) -> None:
    problems = _problems({"deployment": name})
    assert [problem.field for problem in problems] == ["deployment"]


@pytest.mark.parametrize("cancel_after", ["soon", "1d", "m", "20"])
def test_a_deadline_is_hours_minutes_and_seconds(cancel_after: str) -> None:
    problems = _problems({"options": {**OPTIONS, "cancel_after": cancel_after}})
    assert [problem.field for problem in problems] == ["options.cancel_after"]


def _problems(fields: dict[str, object]) -> list[Any]:
    from dailies.catalogue import Deployment

    row = {
        "name": "veo",
        "provider": "replicate",
        "endpoint": "https://api.replicate.com",
        "deployment": MODEL,
        "credential": "api-key",
        "api_key": "r8_key",
        "sizes": ["1280x720"],
        "seconds": [8],
        "variants": ["video"],
        "operations": ["create"],
        "prices": None,
        "options": OPTIONS,
    }
    return list(PROVIDER.problems(Deployment.model_validate(row | fields)))
