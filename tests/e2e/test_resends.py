"""What the official client does by itself when an answer does not come costs no second video."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from openai import OpenAI, omit

from tests.e2e.checks import assert_delivered
from tests.e2e.proxy import LosingProxy, losing_proxy
from tests.pictures import png
from tests.stack import RunningStack, running_stack

pytestmark = pytest.mark.filterwarnings("ignore:The Sora API:DeprecationWarning")


@contextmanager
def _client(stack: RunningStack, **options: Any) -> Iterator[tuple[OpenAI, LosingProxy]]:
    with (
        losing_proxy(stack.base_url) as proxy,
        OpenAI(base_url=f"{proxy.url}/v1", api_key=stack.api_key, **options) as client,
    ):
        yield client, proxy


def _assert_one(stack: RunningStack, prompt: str, video_id: str) -> None:
    page = stack.api.get("/v1/videos", params={"limit": 100}).raise_for_status().json()
    assert [v["id"] for v in page["data"] if prompt in v["prompt"]] == [video_id]
    assert_delivered(stack, stack.wait_for(video_id))
    assert len(stack.jobs(prompt)) == 1


@pytest.mark.parametrize("losses", [["answer", "answer"], ["request", "answer"], ["answer"]])
@pytest.mark.parametrize("picture", [False, True])
def test_a_lost_answer_is_no_second_video(
    stack: RunningStack, losses: list[str], picture: bool
) -> None:
    prompt = f"lost: {losses}, with a picture: {picture}"
    image = ("a.png", png(1), "image/png")
    with _client(stack) as (client, proxy):
        proxy.losses = list(losses)
        video = client.videos.create(
            prompt=f"{prompt} [sim label=resends]", input_reference=image if picture else omit
        )
        assert proxy.counts == [str(number) for number in range(len(losses) + 1)]
    _assert_one(stack, prompt, video.id)


def test_a_lost_answer_to_a_remix_is_no_second_video(stack: RunningStack) -> None:
    source = stack.wait_for(stack.create("to be remixed [sim label=resends]"))
    with _client(stack) as (client, proxy):
        proxy.losses = ["answer", "answer"]
        remix = client.videos.remix(source["id"], prompt="remixed and lost [sim label=resends]")
    _assert_one(stack, "remixed and lost", remix.id)


def test_a_request_that_is_still_under_way_when_its_resend_comes(stack: RunningStack) -> None:
    with _client(stack) as (client, proxy):
        proxy.losses = ["slow"]
        video = client.videos.create(prompt="slower than its resend [sim label=resends]")
        proxy.go_on.set()
        for sender in proxy.slow_ones:
            sender.join()
        (late,) = proxy.late
    assert b"idempotent-replayed: true" in late.lower()
    assert video.id.encode() in late
    _assert_one(stack, "slower than its resend", video.id)


def test_what_the_client_asks_for_twice_is_two_videos(stack: RunningStack) -> None:
    with _client(stack) as (client, _):
        made = {
            client.videos.create(prompt="asked for twice [sim label=resends]").id for _ in range(2)
        }
    assert len(made) == 2
    for video_id in made:
        assert_delivered(stack, stack.wait_for(video_id))
    assert len(stack.jobs("asked for twice")) == 2


def test_a_host_that_dies_before_its_answer_is_there(tmp_path: Any) -> None:
    with running_stack(tmp_path) as stack, _client(stack, max_retries=20) as (client, proxy):
        killed: list[int] = []
        proxy.losses = ["answer"]
        proxy.then = lambda: killed.append(stack.kill("host"))
        video = client.videos.create(prompt="the host dies [sim label=resends]")
        stack.wait_restarted("host", killed[0])
        _assert_one(stack, "the host dies", video.id)
