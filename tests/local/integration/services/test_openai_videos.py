"""The official client drives each simulated server of the videos protocol as far as it can."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import openai
import pytest
from openai.types import Video
from PIL import Image

from local.services.upstreams import key_of
from tests.local.integration.services.harness import SECRET, ServicesProcess

# Every method of client.videos is marked deprecated since OpenAI closed its own service.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

WAN = "Wan-AI/Wan2.2-T2V-A14B-Diffusers"
FAST_WAN = "FastVideo/FastWan2.2-TI2V-5B-Diffusers"
ALL = [("vllm-omni", WAN), ("sglang", WAN), ("fastvideo", FAST_WAN)]

Connect = Callable[[str], openai.OpenAI]


@pytest.fixture
def connect(services: ServicesProcess) -> Iterator[Connect]:
    made: list[openai.OpenAI] = []

    def client(server: str) -> openai.OpenAI:
        made.append(
            openai.OpenAI(
                base_url=f"{services.url}/upstreams/openai-videos/{server}/v1",
                api_key=key_of(SECRET),
                max_retries=0,
            )
        )
        return made[-1]

    yield client
    for one in made:
        one.close()


def create(client: openai.OpenAI, prompt: str = "a cat", **fields: Any) -> Video:
    return client.videos.create(**{"prompt": prompt, "size": "832x480", **fields})


def finished(client: openai.OpenAI, prompt: str = "a cat", **fields: Any) -> Video:
    asked = {"prompt": prompt, "size": "832x480", "poll_interval_ms": 20, **fields}
    return client.videos.create_and_poll(**asked)


def film(client: openai.OpenAI, video_id: str) -> bytes:
    """The file; the client names a variant only when it is asked to."""
    return client.videos.download_content(video_id).read()


@contextmanager
def refused(kind: type[openai.APIStatusError], words: str) -> Iterator[None]:
    """The client raises an error of this kind; FastAPI's words are only in its body."""
    with pytest.raises(kind) as caught:
        yield
    assert words in caught.value.response.text


def picture(width: int = 832, height: int = 480) -> tuple[str, bytes, str]:
    file = io.BytesIO()
    Image.new("RGB", (width, height), "navy").save(file, "PNG")
    return "first.png", file.getvalue(), "image/png"


@pytest.mark.parametrize(("server", "model"), ALL)
def test_a_video_from_its_beginning_to_its_deletion(
    connect: Connect, server: str, model: str
) -> None:
    client = connect(server)
    video = finished(client, model=model, seconds="5")
    assert (video.status, video.progress, video.error) == ("completed", 100, None)
    assert (video.model, video.seconds, video.size) == (model, "5", "832x480")
    assert film(client, video.id)[4:8] == b"ftyp"

    client.videos.delete(video.id)
    with refused(openai.NotFoundError, "Video not found"):
        client.videos.retrieve(video.id)


@pytest.mark.parametrize(
    ("server", "words"),
    [
        ("vllm-omni", "Generation is still in-progress"),
        ("sglang", "Generation is still in-progress"),
        ("fastvideo", "Video still being generated"),
    ],
)
def test_a_file_that_is_not_there_yet(connect: Connect, server: str, words: str) -> None:
    client = connect(server)
    video = create(client, "[sim render=100000] a cat")
    with refused(openai.NotFoundError, words):
        film(client, video.id)
    client.videos.delete(video.id)


def test_vllm_omni_repeats_the_prompt_in_its_list(connect: Connect) -> None:
    client = connect("vllm-omni")
    prompts = [f"[sim label=cat] number {number}" for number in range(3)]
    made = [create(client, prompt, seconds="1").id for prompt in prompts]

    listed = [(video.id, video.prompt) for video in client.videos.list(limit=2)]
    assert [entry for entry in listed if entry[0] in made] == [
        (made[number], prompts[number]) for number in (2, 1, 0)
    ]


def test_fastvideo_has_one_page_and_no_prompts(connect: Connect, services: ServicesProcess) -> None:
    client = connect("fastvideo")
    made = [create(client).id for _ in range(3)]

    answer = httpx.get(f"{services.url}/upstreams/openai-videos/fastvideo/v1/videos")
    assert answer.json().keys() == {"data", "object"}
    assert [video["id"] for video in answer.json()["data"]][:3] == made[::-1]
    assert not any("prompt" in video for video in answer.json()["data"])
    assert {video.id for video in client.videos.list()} >= set(made)


def test_vllm_omni_answers_a_failed_job_with_the_status_of_its_failure(connect: Connect) -> None:
    client = connect("vllm-omni-h3")
    with pytest.raises(openai.BadRequestError) as caught:
        finished(client, size="1344x768", seconds="5")
    job = caught.value.response.json()
    assert (job["status"], job["object"]) == ("failed", "video")
    assert job["error"] == {"code": 400, "message": "t2va requires an explicit aspect_ratio"}
    with pytest.raises(openai.UnprocessableEntityError):
        film(client, job["id"])


@pytest.mark.parametrize("server", ["sglang", "fastvideo"])
def test_the_others_answer_it_as_any_job(connect: Connect, server: str) -> None:
    video = finished(connect(server), "[sim outcome=failed] a cat")

    assert video.status == "failed"
    assert video.error is not None
    assert "Generation failed" in (video.error.message or "")


def test_the_models_of_vllm_omni_take_what_they_take(connect: Connect) -> None:
    h3 = connect("vllm-omni-h3")
    ratio = {"aspect_ratio": "16:9"}
    assert finished(h3, size="1344x768", seconds="5", extra_body=ratio).status == "completed"
    framed = finished(h3, size="1344x768", seconds="5", input_reference=picture(1344, 768))
    assert framed.status == "completed"

    ltx = connect("vllm-omni-ltx")
    frames = {"fps": 24, "num_frames": 97}
    assert finished(ltx, size="1280x704", seconds="4", extra_body=frames).status == "completed"
    with pytest.raises(openai.InternalServerError, match=r"8 \* k \+ 1"):
        finished(ltx, size="1280x704", seconds="4")


def test_vllm_omni_stops_a_job_that_is_deleted_and_sglang_does_not(
    connect: Connect, services: ServicesProcess
) -> None:
    phases = {}
    for server in ("vllm-omni", "sglang"):
        client = connect(server)
        video = create(client, "[sim render=100000] a cat", model=WAN)
        client.videos.delete(video.id)
        with services.client() as http:
            jobs = http.get("/_inspect/jobs").json()
        phases[server] = next(job["status"] for job in jobs if job["id"] == video.id)
    assert phases["vllm-omni"] == "cancelled"
    assert phases["sglang"] in ("queued", "running", "in_progress")


def test_sglang_sends_one_to_its_cloud_storage(connect: Connect) -> None:
    client = connect("sglang-cloud")
    video = finished(client)
    url = (video.model_extra or {})["url"]
    with refused(openai.BadRequestError, f"Please use the cloud URL: {url}"):
        film(client, video.id)
    assert httpx.get(url).content[4:8] == b"ftyp"


def test_a_variant_is_an_index_at_sglang(connect: Connect) -> None:
    client = connect("sglang")
    video = finished(client)
    with refused(openai.NotFoundError, "Video variant video not found"):
        client.videos.download_content(video.id, variant="video")


def test_vllm_omni_takes_forms_alone_and_no_other_model(
    connect: Connect, services: ServicesProcess
) -> None:
    url = f"{services.url}/upstreams/openai-videos/vllm-omni/v1/videos"
    key = {"Authorization": f"Bearer {key_of(SECRET)}"}
    answer = httpx.post(url, json={"prompt": "a cat"}, headers=key)
    assert answer.status_code == 400
    assert "'prompt'" in answer.json()["error"]["message"]
    assert httpx.get(url).status_code == 401

    with pytest.raises(openai.BadRequestError, match="Model mismatch"):
        create(connect("vllm-omni"), model="sora-2")
    with pytest.raises(openai.BadRequestError, match="seconds"):
        create(connect("vllm-omni"), seconds="4.5")


def test_a_wrong_type_is_told_as_fastapi_tells_it(services: ServicesProcess) -> None:
    url = f"{services.url}/upstreams/openai-videos/sglang/v1/videos"
    form = httpx.post(url, files={"prompt": (None, "a cat"), "seconds": (None, "four")})
    assert form.status_code == 422
    (wrong,) = form.json()["detail"]
    assert (wrong["loc"], wrong["type"]) == (["body", "seconds"], "int_parsing")

    body = httpx.post(url, json={"prompt": "a cat", "seconds": "four"})
    assert body.status_code == 400
    assert "Invalid request body" in body.json()["detail"]


def test_a_restart_loses_the_jobs(make_services: Callable[..., ServicesProcess]) -> None:
    services = make_services("--speed", "200")
    url = f"{services.url}/upstreams/openai-videos/sglang/v1/videos"
    made = httpx.post(url, json={"prompt": "a cat"}).json()
    services.end()
    services.start()

    assert httpx.get(f"{url}/{made['id']}").status_code == 404
    assert httpx.get(url).json()["data"] == []
