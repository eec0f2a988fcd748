"""Luma's own client drives the simulated Luma Agents API."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from typing import Any

import httpx
import luma_agents
import pytest
from luma_agents import Luma
from luma_agents.types import Generation
from PIL import Image

from local.services.upstreams import key_of
from tests.local.integration.services.harness import SECRET, ServicesProcess, wait_until


def client_of(services: ServicesProcess, key: str | None = None) -> Luma:
    """The client as it is, but that it sends nothing twice."""
    return Luma(
        base_url=f"{services.url}/upstreams/luma/v1",
        auth_token=key or key_of(SECRET),
        max_retries=0,
        http_client=httpx.Client(trust_env=False),
        _strict_response_validation=True,
    )


@pytest.fixture
def client(services: ServicesProcess) -> Iterator[Luma]:
    with client_of(services) as client:
        yield client


def picture() -> dict[str, str]:
    file = io.BytesIO()
    Image.new("RGB", (640, 360), "navy").save(file, "PNG")
    data = base64.b64encode(file.getvalue()).decode()
    return {"data": data, "media_type": "image/png"}


def create(client: Luma, prompt: str, *, aspect_ratio: Any = "16:9", **video: Any) -> Generation:
    options: Any = {"duration": "5s", "resolution": "360p", **video}
    return client.generations.create(
        type="video",
        model="ray-3.2",
        prompt=prompt,
        aspect_ratio=aspect_ratio,
        video=options,
        user_id="video_1",
    )


def ended(client: Luma, job: Generation) -> Generation:
    """The generation once it is over."""

    def look() -> Generation | None:
        found = client.generations.get(job.id)
        return found if found.state in ("completed", "failed") else None

    return wait_until(look)


def test_a_video_from_its_beginning_to_the_file(client: Luma) -> None:
    made = create(
        client, "A pier at dawn [sim render=5]", start_frame=picture(), end_frame=picture()
    )
    assert (made.state, made.type, made.model, made.output) == ("queued", "video", "ray-3.2", [])
    done = ended(client, made)
    assert (done.id, done.state, done.failure_code) == (made.id, "completed", None)
    assert done.output is not None
    [output] = done.output
    assert output.type == "video"
    file = httpx.get(output.url, trust_env=False)
    assert file.status_code == 200
    assert file.content[4:8] == b"ftyp"


def test_ten_seconds_take_their_frames_as_keyframes(client: Luma) -> None:
    frames = [picture(), picture()]
    made = create(
        client,
        "A pier [sim render=9000]",
        duration="10s",
        keyframes=frames,
        keyframe_indexes=[0, 240],
    )
    assert client.generations.get(made.id).state in ("queued", "processing")
    with pytest.raises(luma_agents.UnprocessableEntityError, match="start_frame, end_frame"):
        create(client, "A pier", duration="10s", start_frame=picture())


@pytest.mark.parametrize(
    ("prompt", "code"),
    [
        ("A moderated pier [sim render=1]", "content_moderated"),
        ("A pier [sim render=1 outcome=failed]", "generation_failed"),
        ("A pier [sim render=1 outcome=failed error=budget_exhausted]", "budget_exhausted"),
    ],
)
def test_a_video_that_fails_says_why(client: Luma, prompt: str, code: str) -> None:
    failed = ended(client, create(client, prompt))
    assert (failed.state, failed.failure_code, failed.output) == ("failed", code, [])
    assert failed.failure_reason


@pytest.mark.parametrize(
    ("prompt", "options", "error", "words"),
    [
        ("", {}, luma_agents.BadRequestError, "between 1 and 6000"),
        ("A pier", {"resolution": "4k"}, luma_agents.BadRequestError, "Valid: "),
        ("A pier", {"aspect_ratio": "3:1"}, luma_agents.BadRequestError, "aspect_ratio '3:1'"),
        ("A pier", {"hdr": True}, luma_agents.BadRequestError, "video.hdr: unknown field"),
        ("A pier", {"loop": "yes"}, luma_agents.BadRequestError, "video.loop: invalid type"),
        ("A pier", {"start_frame": {}}, luma_agents.BadRequestError, "either 'url' or 'data'"),
        (
            "A pier",
            {"start_frame": {"data": "AAAA"}},
            luma_agents.BadRequestError,
            "'media_type' is required",
        ),
        (
            "A pier",
            {"end_frame": {"data": "AAAA", "media_type": "image/png"}},
            luma_agents.UnprocessableEntityError,
            "not an image",
        ),
        (
            "A pier",
            {"end_frame": {"data": "!", "media_type": "image/png"}},
            luma_agents.UnprocessableEntityError,
            "invalid base64",
        ),
        (
            "A pier",
            {"keyframes": [{}], "keyframe_indexes": []},
            luma_agents.UnprocessableEntityError,
            "in length",
        ),
        (
            "A pier",
            {"keyframes": [{}], "keyframe_indexes": [121]},
            luma_agents.UnprocessableEntityError,
            "from 0 to 120",
        ),
        ("A moderated input", {}, luma_agents.UnprocessableEntityError, "moderation"),
    ],
)
def test_what_it_does_not_take_it_refuses(
    client: Luma,
    prompt: str,
    options: dict[str, Any],
    error: type[luma_agents.APIStatusError],
    words: str,
) -> None:
    with pytest.raises(error) as refused:
        create(client, prompt, **options)
    body = refused.value.body
    assert isinstance(body, dict)
    assert words in body["detail"]


def test_a_model_or_a_job_that_is_not_there_is_named(client: Luma) -> None:
    odd: Any = "ray-9"
    with pytest.raises(luma_agents.BadRequestError, match="Unknown model: ray-9"):
        client.generations.create(prompt="A pier", type="video", model=odd)
    with pytest.raises(luma_agents.NotFoundError, match="Generation not found"):
        client.generations.get("00000000-0000-0000-0000-000000000000")


def test_a_key_that_is_wrong_is_refused(services: ServicesProcess) -> None:
    with (
        client_of(services, "luma-api-nobody") as nobody,
        pytest.raises(luma_agents.AuthenticationError, match="Invalid API key"),
    ):
        nobody.generations.get("1")
