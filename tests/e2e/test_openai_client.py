"""The official client, unchanged but for its base URL and key: everything that it can do."""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI, OpenAI
from PIL import Image

from tests.stack import RunningStack

# Newer clients mark every method, since OpenAI's own service closed.
pytestmark = pytest.mark.filterwarnings("ignore:The Sora API:DeprecationWarning")

PREFIXES = ("/v1", "/openai/v1", "")


@pytest.fixture(scope="module")
def client(stack: RunningStack) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{stack.base_url}/v1", api_key=stack.api_key) as client:
        yield client


@pytest.fixture(scope="module")
def finished(client: OpenAI) -> Any:
    """A completed video, made from an image."""
    return client.videos.create_and_poll(
        model="sora-2",
        prompt="a lighthouse in the rain",
        seconds="4",
        size="1280x720",
        input_reference=("lighthouse.png", _picture(), "image/png"),
    )


def _picture() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (800, 600), "teal").save(buffer, "PNG")
    return buffer.getvalue()


def test_create_and_poll_with_an_image_ends_completed(finished: Any) -> None:
    assert (finished.status, finished.progress) == ("completed", 100)
    assert (finished.seconds, finished.size) == ("4", "1280x720")
    assert finished.error is None
    assert finished.cost_usd == pytest.approx(0.4)


def test_every_variant_downloads(client: OpenAI, finished: Any) -> None:
    heads = {}
    for variant in ("video", "thumbnail", "spritesheet"):
        content: Any = client.videos.download_content(finished.id, variant=variant)  # type: ignore[call-overload,unused-ignore] # a literal in a loop
        heads[variant] = content.content[:12]
    assert heads["video"][4:8] == b"ftyp"
    assert heads["thumbnail"][8:12] == b"WEBP"
    assert heads["spritesheet"][:3] == b"\xff\xd8\xff"


def test_a_mistyped_field_is_told_and_harms_no_client(client: OpenAI) -> None:
    video: Any = client.videos.create(prompt="a pier", extra_body={"secnods": "8", "seconds": "4"})
    (warning,) = video.warnings
    assert warning["param"] == "secnods"
    assert "Did you mean 'seconds'?" in warning["message"]
    assert client.videos.poll(video.id).status == "completed"


@pytest.mark.parametrize("prefix", PREFIXES)
def test_every_base_path_serves_the_same_video(
    stack: RunningStack, finished: Any, prefix: str
) -> None:
    with OpenAI(base_url=stack.base_url + prefix, api_key=stack.api_key) as other:
        assert other.videos.retrieve(finished.id).id == finished.id


def test_a_remix_is_a_new_video_with_its_source(client: OpenAI, finished: Any) -> None:
    remix = client.videos.remix(finished.id, prompt="at night")
    assert remix.remixed_from_video_id == finished.id
    done = client.videos.poll(remix.id)
    assert (done.status, done.seconds, done.size) == ("completed", "4", "1280x720")


def test_edits_and_extensions_by_raw_json(stack: RunningStack, finished: Any) -> None:
    source = {"video": {"id": finished.id}}
    edit = stack.api.post("/v1/videos/edits", json={"prompt": "in snow", **source})
    longer = stack.api.post(
        "/v1/videos/extensions", json={"prompt": "a boat comes", "seconds": "8", **source}
    )
    assert stack.wait_for(edit.json())["status"] == "completed"
    extended = stack.wait_for(longer.json())
    assert (extended["status"], extended["seconds"]) == ("completed", "12")
    assert extended["cost_usd"] == pytest.approx(0.8)


def test_a_character_is_made_of_a_clip(client: OpenAI, finished: Any) -> None:
    clip = client.videos.download_content(finished.id).content
    made = client.videos.create_character(name="Ada", video=("ada.mp4", clip, "video/mp4"))
    assert made.id is not None
    assert client.videos.get_character(made.id).name == "Ada"


def test_a_deleted_video_is_gone(client: OpenAI) -> None:
    video = client.videos.create_and_poll(prompt="a kite that is not kept")
    assert client.videos.delete(video.id).deleted
    for call in (client.videos.delete, client.videos.retrieve, client.videos.download_content):
        with pytest.raises(openai.NotFoundError) as caught:
            call(video.id)
        assert caught.value.code == "video_deleted"
        assert caught.value.request_id


def test_a_running_video_that_is_deleted_is_gone_at_once(
    stack: RunningStack, client: OpenAI
) -> None:
    video = client.videos.create(prompt="a train that never arrives", seconds="12")
    stack.wait_until(lambda: stack.jobs("never arrives"), what="it runs")
    assert client.videos.delete(video.id).deleted
    for call in (client.videos.delete, client.videos.retrieve, client.videos.download_content):
        with pytest.raises(openai.NotFoundError) as caught:
            call(video.id)
        assert caught.value.code == "video_deleted"
    assert video.id not in {listed.id for listed in client.videos.list(limit=100)}
    stack.wait_for_event(video.id, "cancelled")
    stack.wait_for_event(video.id, "deleted")


def test_a_video_is_cancelled_by_the_clients_own_means(stack: RunningStack, client: OpenAI) -> None:
    """The official client has no method for it; its plain requests have."""
    video = client.videos.create(prompt="a train that is stopped", seconds="12")
    stack.wait_until(lambda: stack.jobs("that is stopped"), within=20, what="it runs")
    answer = client.post(f"/videos/{video.id}/cancel", cast_to=openai.types.Video)
    assert answer.id == video.id
    ended = client.videos.poll(video.id)
    assert ended.status == "failed"
    assert ended.error is not None
    assert ended.error.code == "cancelled"
    stack.wait_for_event(video.id, "cancelled")
    done = client.videos.create_and_poll(prompt="too late to be stopped")
    with pytest.raises(openai.ConflictError) as caught:
        client.post(f"/videos/{done.id}/cancel", cast_to=openai.types.Video)
    assert caught.value.code == "video_already_ended"


def test_the_error_classes_are_those_of_the_service(stack: RunningStack, client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as bad:
        client.videos.create(prompt="x", seconds="5")  # type: ignore[arg-type,unused-ignore] # on purpose
    assert (bad.value.param, bad.value.code) == ("seconds", "invalid_value")
    with pytest.raises(openai.NotFoundError) as missing:
        client.videos.create(prompt="x", model="sora-9")
    assert missing.value.type == "video_generation_user_error"
    with (
        OpenAI(base_url=f"{stack.base_url}/v1", api_key="wrong") as stranger,
        pytest.raises(openai.AuthenticationError),
    ):
        stranger.videos.list()


def test_content_that_is_not_ready_is_told_at_once(client: OpenAI) -> None:
    video = client.videos.create(prompt="a slow sunrise", seconds="12")
    began = time.monotonic()
    with pytest.raises(openai.ConflictError) as caught:
        client.videos.download_content(video.id)
    # The client retries a 409, half a second and more, unless it is told not to.
    assert time.monotonic() - began < 0.5
    assert caught.value.code == "video_not_ready"


def test_a_moderated_prompt_is_a_failed_video_and_not_an_exception(client: OpenAI) -> None:
    video = client.videos.create_and_poll(prompt="something moderated")
    assert video.status == "failed"
    assert video.error is not None
    assert video.error.code == "moderation_blocked"


async def test_the_asynchronous_client_does_the_same(stack: RunningStack) -> None:
    async with AsyncOpenAI(base_url=f"{stack.base_url}/v1", api_key=stack.api_key) as client:
        videos = await asyncio.gather(
            *(client.videos.create_and_poll(prompt=f"a lake, view {n}") for n in range(2))
        )
        assert {video.status for video in videos} == {"completed"}
        content = await client.videos.download_content(videos[0].id)
        assert (await content.aread())[4:8] == b"ftyp"
        page = await client.videos.list(limit=1)
        assert page.has_next_page()
