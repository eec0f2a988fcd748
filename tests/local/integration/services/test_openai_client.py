"""The official client runs against the simulated Sora 2 unchanged."""

from __future__ import annotations

import io
from collections.abc import Iterator

import av
import openai
import pytest
from PIL import Image

from tests.local.integration.services.harness import API_KEY, ServicesProcess
from tests.local.integration.services.pictures import photo, psnr, to_image

EVERY_FRAME = True

# Every method of client.videos is marked deprecated since OpenAI closed its own service.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture
def client(services: ServicesProcess) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(
        base_url=f"{services.url}/openai/v1/", api_key=API_KEY, max_retries=0
    ) as made:
        yield made


def test_create_and_poll_ends_with_a_playable_video(client: openai.OpenAI) -> None:
    video = client.videos.create_and_poll(
        model="sora-2", prompt="A cat on a motorcycle", poll_interval_ms=50
    )
    assert (video.status, video.progress, video.error) == ("completed", 100, None)
    assert video.completed_at is not None
    assert video.expires_at is not None
    assert video.expires_at - video.created_at == pytest.approx(86_400 / 200, abs=2)

    content = client.videos.download_content(video.id).read()
    with av.open(io.BytesIO(content), "r") as container:
        assert float(container.duration or 0) / av.time_base == pytest.approx(4, abs=1 / 30)
        picture, sound = container.streams.video[0], container.streams.audio[0]
        assert (picture.codec_context.name, sound.codec_context.name) == ("h264", "aac")
        assert (picture.codec_context.width, picture.codec_context.height) == (720, 1280)
    assert content.index(b"moov") < content.index(b"mdat"), "players can't start before the end"


def test_stills_come_with_the_video(client: openai.OpenAI) -> None:
    video = client.videos.create_and_poll(
        model="sora-2", prompt="A cat on a motorcycle", poll_interval_ms=50
    )
    stills = {}
    for variant in ("thumbnail", "spritesheet"):
        answer = client.videos.download_content(video.id, variant=variant)
        stills[variant] = Image.open(io.BytesIO(answer.read()))
    assert stills["thumbnail"].format == "WEBP"
    assert stills["thumbnail"].size == (720, 1280)
    assert stills["spritesheet"].format == "JPEG"


def test_the_first_frame_is_the_reference_image(client: openai.OpenAI) -> None:
    reference = photo(1280, 720)
    data = io.BytesIO()
    reference.save(data, "PNG")
    data.seek(0)
    data.name = "reference.png"
    video = client.videos.create_and_poll(
        model="sora-2",
        prompt="It comes to life",
        size="1280x720",
        seconds="4",
        input_reference=data,
        poll_interval_ms=50,
    )
    content = client.videos.download_content(video.id).read()
    with av.open(io.BytesIO(content), "r") as container:
        frames = [to_image(frame) for frame in container.decode(video=0)]
    assert len(frames) == 120
    assert psnr(frames[0], reference) >= 35
    assert psnr(frames[60], frames[119]) < 35, "the picture does not move"


def test_a_remix_names_its_source_and_looks_different(client: openai.OpenAI) -> None:
    source = client.videos.create_and_poll(
        model="sora-2-pro", prompt="Waves", size="1280x720", poll_interval_ms=50
    )
    remix = client.videos.remix(source.id, prompt="Waves at night")
    remix = client.videos.poll(remix.id, poll_interval_ms=50)
    assert remix.status == "completed"
    assert remix.remixed_from_video_id == source.id
    assert (remix.model, remix.size, remix.seconds) == ("sora-2-pro", "1280x720", "4")


def test_the_list_is_paged_in_both_orders(client: openai.OpenAI) -> None:
    made = [
        client.videos.create(model="sora-2", prompt=f"page {n} [sim label=page]").id
        for n in range(5)
    ]
    listed = [video.id for video in client.videos.list(limit=2)]
    assert listed[:5] == made[::-1]
    assert len(listed) == len(set(listed))
    upwards = [video.id for video in client.videos.list(limit=3, order="asc")]
    assert upwards == listed[::-1]


def test_a_deleted_video_is_gone(client: openai.OpenAI) -> None:
    video = client.videos.create_and_poll(
        model="sora-2", prompt="A cat on a motorcycle", poll_interval_ms=50
    )
    assert client.videos.delete(video.id).deleted
    with pytest.raises(openai.NotFoundError):
        client.videos.retrieve(video.id)


def test_errors_reach_the_client_with_param_and_code(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.videos.create(model="sora-2", prompt="x", seconds="5")  # type: ignore[arg-type]
    assert (caught.value.param, caught.value.code) == ("seconds", "invalid_value")
    with pytest.raises(openai.NotFoundError, match="The API deployment 'nothing'"):
        client.videos.create(model="nothing", prompt="x")
