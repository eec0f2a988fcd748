"""xAI's own client drives the simulated xAI.

The client speaks gRPC, so its calls are carried over HTTP here: what it asks for is put into the
words of the REST API, and what is answered must fit its messages, which know no other fields.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from google.protobuf import json_format
from google.protobuf.message import Message
from PIL import Image
from xai_sdk.aio.video import Client
from xai_sdk.proto import deferred_pb2, video_pb2
from xai_sdk.types.video import VideoAspectRatioMap, VideoResolutionMap
from xai_sdk.video import VideoGenerationError, VideoResponse

from local.services.upstreams import key_of
from tests.local.integration.services.harness import SECRET, ServicesProcess
from tests.patience import PATIENCE

MODEL = "grok-imagine-video-1.5"
_RATIOS = {number: word for word, number in VideoAspectRatioMap.items()}
_LINES = {number: word for word, number in VideoResolutionMap.items()}


class RestChannel:
    """What the client takes for its channel to ``api.x.ai``."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    def unary_unary(self, path: str, **_: object) -> Callable[[Any], Awaitable[Message]]:
        """The call behind a method of the service."""
        calls = {"GenerateVideo": self._generate, "GetDeferredVideo": self._get}
        return calls.get(path.rpartition("/")[2], self._unknown)

    async def _generate(self, asked: video_pb2.GenerateVideoRequest) -> Message:
        body = json_format.MessageToDict(asked, preserving_proto_field_name=True)
        for name in ("image", "last_frame"):
            if name in body:
                body[name] = {"url": body[name]["image_url"]}
        if "reference_images" in body:
            body["reference_images"] = [{"url": i["image_url"]} for i in body["reference_images"]]
        if "storage_options" in body:  # 64 bits are a text in the JSON of messages
            kept = asked.storage_options
            body["storage_options"] = {
                "filename": kept.filename,
                "expires_after": kept.expires_after,
            }
        if asked.HasField("aspect_ratio"):
            body["aspect_ratio"] = _RATIOS[asked.aspect_ratio]
        if asked.HasField("resolution"):
            body["resolution"] = _LINES[asked.resolution]
        answer = await self._http.post("/videos/generations", json=body)
        answer.raise_for_status()
        return json_format.ParseDict(answer.json(), deferred_pb2.StartDeferredResponse())

    async def _get(self, asked: video_pb2.GetDeferredVideoRequest) -> Message:
        answer = await self._http.get(f"/videos/{asked.request_id}")
        answer.raise_for_status()
        document = answer.json() if answer.content else {"status": "pending"}
        status = document.pop("status").upper()
        return json_format.ParseDict(
            {"status": status, "response": document}, video_pb2.GetDeferredVideoResponse()
        )

    async def _unknown(self, asked: Message) -> Message:
        raise AssertionError(f"the client called more than is carried here: {type(asked)}")


@pytest.fixture
async def http(services: ServicesProcess) -> Any:
    """The REST API, with the stack's key."""
    async with httpx.AsyncClient(
        base_url=f"{services.url}/upstreams/xai/v1",
        headers={"Authorization": f"Bearer {key_of(SECRET)}"},
        trust_env=False,
    ) as client:
        yield client


@pytest.fixture
def videos(http: httpx.AsyncClient) -> Client:
    """The client, over as much of a channel as it uses."""
    return Client(RestChannel(http))


def picture() -> str:
    file = io.BytesIO()
    Image.new("RGB", (848, 480), "navy").save(file, "PNG")
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"


async def generate(videos: Client, prompt: str, **fields: Any) -> VideoResponse:
    """Make a video as the client does it, looking more often than once a second."""
    soon = timedelta(milliseconds=20)
    return await videos.generate(
        prompt, MODEL, interval=soon, timeout=timedelta(seconds=PATIENCE), **fields
    )


async def test_a_video_from_its_beginning_to_the_file(videos: Client) -> None:
    made = await generate(
        videos,
        "A pier at dawn [sim render=5]",
        image_url=picture(),
        last_frame_url=picture(),
        reference_image_urls=[picture()],
        duration=1,
        aspect_ratio="16:9",
        resolution="480p",
        generate_audio=False,
        storage_options={"filename": "video_1.mp4", "expires_after": 86_400},
    )
    assert (made.model, made.duration, made.respect_moderation) == (MODEL, 1, True)
    assert made.cost_usd == pytest.approx(0.08 + 3 * 0.01)
    assert made.file_output is not None
    assert made.file_output.filename == "video_1.mp4"
    async with httpx.AsyncClient(trust_env=False) as anyone:
        file = await anyone.get(made.url)
    assert file.status_code == 200
    assert file.content[4:8] == b"ftyp"


async def test_a_video_that_is_moderated_is_done_charged_and_not_there(videos: Client) -> None:
    made = await generate(videos, "A moderated pier [sim render=1]", duration=2, resolution="720p")
    assert not made.respect_moderation
    assert made.cost_usd == pytest.approx(0.28)
    with pytest.raises(ValueError, match="moderation"):
        _ = made.url


async def test_a_video_that_fails_says_why(videos: Client) -> None:
    with pytest.raises(VideoGenerationError) as failed:
        await generate(videos, "A pier [sim render=1 outcome=failed error=service_unavailable]")
    assert failed.value.code == "service_unavailable"


async def test_a_job_that_is_given_up_is_expired(videos: Client) -> None:
    with pytest.raises(RuntimeError, match="expired"):
        await generate(videos, "A pier [sim render=1 outcome=expired]")


async def test_a_job_that_runs_is_pending(videos: Client) -> None:
    started = await videos.start("A pier [sim render=9000]", MODEL)
    found = await videos.get(started.request_id)
    assert found.status == deferred_pb2.DeferredStatus.PENDING


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        ({"model": "grok-9"}, 404, "does not exist"),
        ({"duration": "6"}, 422, "duration"),
        ({"duration": 16}, 400, "between 1 and 15"),
        ({"seconds": 6}, 422, "unknown field"),
        ({"resolution": "4k"}, 422, "resolution"),
        ({"aspect_ratio": "7:5"}, 422, "aspect_ratio"),
        ({"prompt": " "}, 400, "empty"),
        ({"prompt": "A moderated input"}, 400, "moderation"),
        ({"image": {"url": "https://nowhere.example/a.png"}}, 400, "fetch"),
        ({"image": {"url": "data:image/png;base64,AAAA"}}, 400, "decoded"),
        ({"image": picture()}, 422, "image"),
        ({"resolution": "1080p", "last_frame": {"url": picture()}}, 400, "720p"),
        (
            {"model": "grok-imagine-video-1.5-lite", "last_frame": {"url": picture()}},
            400,
            "not supported for this model",
        ),
        (
            {"model": "grok-imagine-video-1.5-lite", "reference_images": [{"url": picture()}]},
            400,
            "not supported for this model",
        ),
        ({"model": "grok-imagine-video", "resolution": "1080p"}, 400, "not supported"),
        ({"storage_options": {"expires_after": 60}}, 422, "filename"),
        ({"storage_options": {"filename": "a.mp4", "expires_after": 60}}, 400, "expires_after"),
        ({"prompt": "A pier [sim what=ever]"}, 400, "unknown key"),
    ],
)
async def test_what_it_does_not_take_it_refuses(
    http: httpx.AsyncClient, change: dict[str, object], status: int, words: str
) -> None:
    body: dict[str, object] = {"model": MODEL, "prompt": "A pier", "duration": 6}
    answer = await http.post("/videos/generations", json=body | change)
    assert (answer.status_code, words in answer.text) == (status, True), answer.text


async def test_a_key_that_is_wrong_is_no_401(http: httpx.AsyncClient) -> None:
    wrong = await http.get("/videos/1", headers={"Authorization": "Bearer xai-nobody"})
    assert wrong.status_code == 400
    assert "Incorrect API key provided: xa***dy" in wrong.json()["error"]
    none = await http.get("/videos/1", headers={"Authorization": ""})
    assert none.status_code == 401
    unknown = await http.get("/videos/1")
    assert unknown.status_code == 404
