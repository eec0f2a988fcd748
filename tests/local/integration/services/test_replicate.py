"""Replicate's own client drives the simulated Replicate, and so does the app's adapter."""

from __future__ import annotations

import asyncio
import io
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
from PIL import Image
from pydantic import SecretStr
from replicate.client import Client
from replicate.exceptions import ReplicateError
from replicate.prediction import Prediction
from replicate.webhook import Webhooks

from dailies.net.downloads import Downloads
from dailies.providers.base import Content, Reference, Submission
from dailies.providers.classify import CallContext
from dailies.providers.key_auth import BearerKeyAuth
from dailies.providers.outcomes import JobStatus, Kind
from dailies.providers.replicate import PROVIDER, Replicate, ReplicateOptions
from dailies.providers.wire import Wire
from dailies.video.basics import Size, Variant
from local.services.upstreams import key_of
from local.services.upstreams.replicate import version_of
from tests.local.integration.services.harness import SECRET, ServicesProcess
from tests.patience import PATIENCE
from tests.unit.providers.conftest import called_job

VEO = "google/veo-3.1"
INPUT = {"prompt": "a heron [sim render=20]", "duration": 4, "resolution": "720p"}


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServicesProcess]:
    """Slower than others': outputs are kept for an hour of its time only."""
    shared = ServicesProcess(
        tmp_path_factory.mktemp("services"), "--speed", "20", "--unlimited", "--few-frames"
    )
    shared.start()
    try:
        yield shared
    finally:
        assert shared.end() == 0


@pytest.fixture
def root(services: ServicesProcess) -> str:
    return f"{services.url}/upstreams/replicate"


@pytest.fixture
def client(root: str) -> Iterator[Client]:
    client = Client(api_token=key_of(SECRET), base_url=root)
    client.poll_interval = 0.05
    yield client
    client._client.close()


def until(condition: Callable[[], bool]) -> None:
    """Wait until it holds."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def ended(prediction: Prediction) -> Prediction:
    def is_over() -> bool:
        prediction.reload()
        return prediction.status not in ("starting", "processing")

    until(is_over)
    return prediction


def advance(services: ServicesProcess, seconds: float) -> None:
    with services.client() as client:
        client.post("/_inspect/clock", json={"advance": seconds}).raise_for_status()


def png(width: int = 1280, height: int = 720, colour: str = "teal") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(buffer, "PNG")
    return buffer.getvalue()


class Calls:
    """What was called at an address of ours."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        calls = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                calls.got.append(({k.lower(): v for k, v in self.headers.items()}, body))
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Print nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/calls/1"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def calls() -> Iterator[Calls]:
    calls = Calls()
    yield calls
    calls.close()


# -- the client


def test_a_video_is_made_and_fetched(client: Client) -> None:
    created = client.models.predictions.create(VEO, input=INPUT)
    assert created.status == "starting"
    assert created.input == INPUT
    prediction = ended(created)

    assert prediction.status == "succeeded"
    assert prediction.progress is not None
    assert prediction.progress.percentage == 1.0
    assert isinstance(prediction.output, str)
    answer = httpx.get(prediction.output)  # without the key
    assert answer.content[4:8] == b"ftyp"


def test_a_version_is_asked_for_by_its_id(client: Client) -> None:
    prediction = client.predictions.create(version=version_of("minimax/h3"), input={"prompt": "a"})
    assert prediction.model == "minimax/h3"


def test_a_file_is_uploaded(client: Client) -> None:
    file = client.files.create(io.BytesIO(png()), filename="a.png", content_type="image/png")
    prediction = client.models.predictions.create(VEO, input={**INPUT, "image": file.urls["get"]})
    assert ended(prediction).status == "succeeded"


def test_a_running_one_is_cancelled(client: Client) -> None:
    prediction = client.models.predictions.create(
        VEO, input={**INPUT, "prompt": "a heron [sim render=900]"}
    )
    prediction.cancel()
    assert prediction.status == "canceled"


@pytest.mark.parametrize(
    ("directive", "word"), [("moderated", "E005"), ("failed error=out_of_memory", "out_of_memory")]
)
def test_failures_are_words(client: Client, directive: str, word: str) -> None:
    prompt = f"a heron [sim render=1 outcome={directive}]"
    prediction = ended(client.models.predictions.create(VEO, input={**INPUT, "prompt": prompt}))
    assert prediction.status == "failed"
    assert word in (prediction.error or "")


@pytest.mark.parametrize(
    ("inputs", "says"),
    [
        ({"duration": 5}, "input.duration: must be one of the following: 4, 6, 8"),
        ({"duration": "4"}, "input.duration: must be one of"),
        ({"loop": True}, "input: Additional property loop is not allowed"),
        ({"generate_audio": 1}, "input.generate_audio: Invalid type"),
        ({"reference_images": ["https://x/a.png"] * 4}, "at most 3 items"),
    ],
)
def test_inputs_are_checked(client: Client, inputs: dict[str, Any], says: str) -> None:
    with pytest.raises(ReplicateError) as caught:
        client.models.predictions.create(VEO, input={**INPUT, **inputs})
    assert caught.value.status == 422
    assert says in (caught.value.detail or "")


def test_refusals_have_their_status(client: Client, root: str) -> None:
    with pytest.raises(ReplicateError) as caught:
        client.models.predictions.create("google/veo-9", input=INPUT)
    assert caught.value.status == 404
    with pytest.raises(ReplicateError) as caught:
        client.predictions.create(version="0" * 64, input=INPUT)
    assert caught.value.status == 422
    with pytest.raises(ReplicateError) as caught:
        client.models.predictions.create(VEO, input={"prompt": "no credit"})
    assert caught.value.status == 402
    stranger = Client(api_token="another", base_url=root)
    with pytest.raises(ReplicateError) as caught:
        stranger.predictions.get("a")
    stranger._client.close()
    assert caught.value.status == 401
    with pytest.raises(ReplicateError) as caught:
        client.predictions.get("nothing")
    assert caught.value.status == 404


def test_the_list_goes_on_where_a_page_ends(client: Client) -> None:
    made = [
        client.models.predictions.create(
            VEO, input={**INPUT, "prompt": f"{number} [sim render=1 outcome=failed]"}
        ).id
        for number in range(101)
    ]
    first = client.predictions.list()
    assert len(first.results) == 100
    assert first.next is not None
    second = client.predictions.list(first.next)
    listed = [prediction.id for prediction in (*first.results, *second.results)]
    assert listed[:101] == made[::-1]


def test_calls_are_signed(client: Client, calls: Calls) -> None:
    prediction = client.models.predictions.create(
        VEO, input=INPUT, webhook=calls.url, webhook_events_filter=["start", "completed"]
    )
    until(lambda: len(calls.got) == 2)
    secret = client.webhooks.default.secret()
    for headers, body in calls.got:
        Webhooks.validate(headers=headers, body=body.decode(), secret=secret, tolerance=300)
        assert prediction.id in body.decode()


def test_a_deadline_ends_what_has_begun(services: ServicesProcess, root: str) -> None:
    prompt = "a heron [sim render=9000]"
    with httpx.Client(headers={"authorization": f"Bearer {key_of(SECRET)}"}) as http:
        url = f"{root}/v1/models/{VEO}/predictions"
        body = {"input": {**INPUT, "prompt": prompt}}
        early = http.post(url, json=body, headers={"cancel-after": "60s"}).json()
        late = http.post(url, json=body, headers={"cancel-after": "1h"}).json()
        advance(services, 1200)
        words = [http.get(one["urls"]["get"]).json()["status"] for one in (early, late)]
        assert words == ["canceled", "processing"]
        advance(services, 2700)
        assert http.get(late["urls"]["get"]).json()["status"] == "canceled"


def test_outputs_are_removed_after_an_hour(services: ServicesProcess, client: Client) -> None:
    prompt = "a heron [sim render=1 outcome=failed]"
    prediction = ended(client.models.predictions.create(VEO, input={**INPUT, "prompt": prompt}))
    advance(services, 3700)
    prediction.reload()
    assert (prediction.status, prediction.input) == ("failed", {})


# -- the app's adapter

OPTIONS = {
    "inputs": {
        "image": "image",
        "last_frame": "last_frame",
        "references": "reference_images",
        "seed": "seed",
        "sound": "generate_audio",
    }
}
SUBMISSION = Submission(VEO, "a heron at dawn [sim render=20]", 4, Size(1280, 720))


@pytest.fixture
async def adapter(root: str) -> Any:
    async with httpx.AsyncClient() as http:
        context = CallContext("replicate", VEO, answers=PROVIDER.answers, kept_seconds=3600)
        yield Replicate(
            Wire(
                http,
                BearerKeyAuth(SecretStr(key_of(SECRET))),
                context,
                url=root,
                options=ReplicateOptions.model_validate(OPTIONS),
                downloads=Downloads(("127.0.0.1", *PROVIDER.hosts), plain=True),
            )
        )


async def finished(adapter: Replicate, job_id: str) -> JobStatus:
    end = time.monotonic() + PATIENCE
    while True:
        outcome = await adapter.status(job_id)
        assert outcome.job is not None
        if outcome.job.status.is_final:
            return outcome.job.status
        assert time.monotonic() < end
        await asyncio.sleep(0.02)


async def test_the_adapter_makes_a_video_of_images(adapter: Replicate) -> None:
    large = Image.effect_noise((1280, 720), 90).convert("RGB")
    buffer = io.BytesIO()
    large.save(buffer, "PNG")
    submission = replace(
        SUBMISSION,
        reference=Reference(buffer.getvalue(), "image/png", Size(1280, 720)),
        last_frame=Reference(png(), "image/png", Size(1280, 720)),
        seed=5,
        sound=False,
    )
    created = await adapter.submit(submission)
    assert created.kind is Kind.ACCEPTED
    assert created.job is not None
    assert await finished(adapter, created.job.id) is JobStatus.COMPLETED
    async with adapter.open_content(created.job.id, Variant.VIDEO) as content:
        assert isinstance(content, Content)
        assert content.content_type == "video/mp4"
        assert sum([len(chunk) async for chunk in content.chunks]) == content.length


async def test_the_adapter_finds_what_it_sent(adapter: Replicate) -> None:
    since = time.time()
    submission = replace(SUBMISSION, prompt="a stork, once [sim render=900]", seed=9)
    created = await adapter.submit(submission)
    await adapter.submit(replace(submission, seed=10))
    found = await adapter.find_submitted(submission, since)
    assert created.job is not None
    assert [job.id for job in found.jobs] == [created.job.id]
    assert (await adapter.cancel(created.job.id)).kind is Kind.ACCEPTED
    assert await finished(adapter, created.job.id) is JobStatus.CANCELLED


async def test_the_adapter_knows_calls(adapter: Replicate, calls: Calls) -> None:
    created = await adapter.submit(replace(SUBMISSION, callback_url=calls.url))
    assert created.job is not None
    await asyncio.to_thread(until, lambda: len(calls.got) == 2)
    for headers, body in calls.got:
        assert called_job(await adapter.called_back(headers, body)) == created.job.id
        assert await adapter.called_back({**headers, "webhook-id": "other"}, body) is None


@pytest.mark.parametrize(
    ("changes", "kind", "code"),
    [
        ({"prompt": "no credit"}, Kind.REFUSED, "no_credit"),
        ({"deployment": "google/veo-9"}, Kind.REFUSED, "deployment_not_found"),
        ({"seconds": 5}, Kind.REFUSED, "invalid_request"),
    ],
)
async def test_the_adapter_understands_refusals(
    adapter: Replicate, changes: dict[str, Any], kind: Kind, code: str
) -> None:
    outcome = await adapter.submit(replace(SUBMISSION, **changes))
    assert (outcome.kind, outcome.code) == (kind, code)
