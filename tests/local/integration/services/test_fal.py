"""fal's own client drives the simulated queue; so does the app's adapter, with the shipped rows.

``fal_client`` makes addresses of ``https://`` and a host that is fixed when it is imported. So its
one constant for them is replaced; all else is as it is installed.
"""

from __future__ import annotations

import asyncio
import base64
import functools
import io
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import fal_client
import fal_client.client
import httpx
import pytest

from dailies.catalogue import Catalogue, Deployment
from dailies.providers.base import CallsBack, Content, Reference, Submission, VideoProvider
from dailies.providers.outcomes import JobStatus, Kind, Outcome
from dailies.providers.registry import Providers, check_deployment
from dailies.video.basics import Variant
from local.services.upstreams import key_of, upstream_settings
from tests.local.integration.services.harness import SECRET, ServicesProcess, wait_until
from tests.local.integration.services.pictures import photo
from tests.patience import PATIENCE
from tests.unit.providers.conftest import called_job

MODEL = "bytedance/seedance-2.5/text-to-video"
ROWS = Path(__file__).parents[4] / "models.yaml"
PAUSE = 0.02


@functools.cache
def picture(width: int = 1280, height: int = 720) -> bytes:
    file = io.BytesIO()
    photo(width, height).save(file, "PNG")
    return file.getvalue()


def data_url() -> str:
    return f"data:image/png;base64,{base64.b64encode(picture()).decode()}"


@pytest.fixture
async def fal(
    services: ServicesProcess, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[fal_client.AsyncClient]:
    root = f"{services.url}/upstreams/fal/"
    monkeypatch.setattr(fal_client.client, "QUEUE_URL_FORMAT", root)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    client = fal_client.AsyncClient(key=key_of(SECRET), default_timeout=30)
    yield client
    await (await client._client).aclose()


async def run(fal: fal_client.AsyncClient, model: str = MODEL, **inputs: Any) -> dict[str, Any]:
    inputs = {"prompt": "A pier [sim render=2]", "duration": "4", **inputs}
    result: dict[str, Any] = await fal.subscribe(
        model, inputs, interval=PAUSE, client_timeout=PATIENCE
    )
    return result


async def test_a_video_is_made_and_fetched(fal: fal_client.AsyncClient) -> None:
    handle = await fal.submit(
        MODEL,
        {"prompt": "A pier [sim render=60]", "duration": "4"},
        headers={"x-fal-no-retry": "1"},
        priority="low",
        start_timeout=600,
    )
    seen = [status async for status in handle.iter_events(with_logs=True, interval=PAUSE)]
    assert isinstance(seen[-1], fal_client.Completed)
    assert seen[-1].error is None
    assert any(isinstance(one, fal_client.InProgress) for one in seen)
    video = (await handle.get(interval=PAUSE))["video"]
    async with httpx.AsyncClient(trust_env=False) as http:
        file = await http.get(video["url"])
    assert (file.status_code, file.headers["content-type"]) == (200, video["content_type"])
    assert file.content[4:8] == b"ftyp"


async def test_a_request_is_found_by_its_id_alone(fal: fal_client.AsyncClient) -> None:
    handle = await fal.submit(MODEL, {"prompt": "A pier [sim render=9000]"})
    assert handle.status_url.endswith(
        f"/bytedance/seedance-2.5/requests/{handle.request_id}/status"
    )
    again = await fal.get_handle(MODEL, handle.request_id)
    assert (again.status_url, again.response_url, again.cancel_url) == (
        handle.status_url,
        handle.response_url,
        handle.cancel_url,
    )
    queued = await again.status()
    assert isinstance(queued, fal_client.Queued | fal_client.InProgress)


async def test_images_begin_and_end_a_video(fal: fal_client.AsyncClient) -> None:
    result = await run(
        fal,
        "bytedance/seedance-2.5/image-to-video",
        image_url=data_url(),
        end_image_url=data_url(),
        aspect_ratio="16:9",
    )
    assert result["video"]["url"]


async def refused(fal: fal_client.AsyncClient, **inputs: Any) -> fal_client.FalClientHTTPError:
    with pytest.raises(fal_client.FalClientHTTPError) as refusal:
        await run(fal, **inputs)
    return refusal.value


@pytest.mark.parametrize(
    ("inputs", "place", "kind"),
    [
        ({"prompt": 7}, "prompt", "str_type"),
        ({"duration": 4}, "duration", "literal_error"),
        ({"duration": "3"}, "duration", "literal_error"),
        ({"resolution": "8k"}, "resolution", "literal_error"),
        ({"generate_audio": "yes"}, "generate_audio", "bool_type"),
        ({"seed": 7}, "seed", "extra_forbidden"),
        ({"model": "minimax/h3/text-to-video", "duration": 20}, "duration", "value_error"),
        ({"model": "minimax/h3/text-to-video", "duration": True}, "duration", "int_type"),
        ({"model": "bytedance/seedance-2.5/image-to-video"}, "image_url", "missing"),
        (
            {"model": "bytedance/seedance-2.5/image-to-video", "image_url": "https://x.test/a.png"},
            "image_url",
            "file_download_error",
        ),
        (
            {
                "model": "bytedance/seedance-2.5/image-to-video",
                "image_url": "data:image/png;base64,AAAA",
            },
            "image_url",
            "image_load_error",
        ),
        (
            {"model": "bytedance/seedance-2.5/reference-to-video", "image_urls": []},
            "image_urls",
            "list_type",
        ),
    ],
)
async def test_a_model_finds_what_is_wrong_when_it_runs(
    fal: fal_client.AsyncClient, inputs: dict[str, Any], place: str, kind: str
) -> None:
    error = await refused(fal, **inputs)
    assert error.status_code == 422
    problems: Any = error.message
    assert [(one["loc"], one["type"]) for one in problems] == [(["body", place], kind)]


async def test_what_is_moderated_is_told(fal: fal_client.AsyncClient) -> None:
    error = await refused(fal, prompt="A moderated pier [sim render=1]")
    problems: Any = error.message
    assert (error.status_code, problems[0]["type"]) == (422, "content_policy_violation")


@pytest.mark.parametrize(
    ("outcome", "kind", "status"),
    [
        ("failed", "internal_error", 500),
        ("failed error=runner_disconnected", "runner_disconnected", 500),
        ("expired", "startup_timeout", 504),
    ],
)
async def test_a_failed_run_is_told(
    fal: fal_client.AsyncClient, outcome: str, kind: str, status: int
) -> None:
    handle = await fal.submit(MODEL, {"prompt": f"A pier [sim render=1 outcome={outcome}]"})
    with pytest.raises(fal_client.FalClientHTTPError) as failed:
        await handle.get(interval=PAUSE)
    assert (failed.value.error_type, failed.value.status_code) == (kind, status)
    over = await handle.status()
    assert isinstance(over, fal_client.Completed)
    assert over.error_type == kind


async def test_a_request_is_cancelled_once(fal: fal_client.AsyncClient) -> None:
    handle = await fal.submit(MODEL, {"prompt": "A pier [sim render=9000]"})
    await handle.cancel()
    over = await handle.status()
    assert isinstance(over, fal_client.Completed)
    assert over.error_type == "client_cancelled"
    with pytest.raises(fal_client.FalClientHTTPError) as again:
        await handle.cancel()
    assert again.value.response.json() == {"status": "ALREADY_COMPLETED"}
    unknown = await fal.get_handle(MODEL, "00000000-0000-0000-0000-000000000000")
    with pytest.raises(fal_client.FalClientHTTPError) as nowhere:
        await unknown.cancel()
    assert nowhere.value.response.json() == {"status": "NOT_FOUND"}


async def test_who_may_not_is_told(fal: fal_client.AsyncClient, services: ServicesProcess) -> None:
    nobody = fal_client.AsyncClient(key="nobody")
    with pytest.raises(fal_client.FalClientHTTPError) as unknown:
        await nobody.submit(MODEL, {"prompt": "A pier"})
    assert unknown.value.status_code == 401
    with pytest.raises(fal_client.FalClientHTTPError, match="not found") as missing:
        await fal.submit("nobody/nothing", {"prompt": "A pier"})
    assert missing.value.status_code == 404
    locked = {"detail": "User is locked. Reason: Exhausted balance."}
    services.fault("create", "status", status=403, body=locked)
    with pytest.raises(fal_client.FalClientHTTPError, match="Exhausted") as broke:
        await fal.submit(MODEL, {"prompt": "A pier"})
    assert broke.value.status_code == 403
    await (await nobody._client).aclose()


async def test_a_result_is_kept_for_an_hour(
    fal: fal_client.AsyncClient, services: ServicesProcess
) -> None:
    handle = await fal.submit(MODEL, {"prompt": "A pier [sim render=1 outcome=failed]"})
    with services.client() as client:
        client.post("/_inspect/clock", json={"advance": 3700}).raise_for_status()
    with pytest.raises(fal_client.FalClientHTTPError) as gone:
        await handle.status()
    assert gone.value.status_code == 404


# -- the app's adapter


@dataclass
class Receiver:
    """Where calls arrive."""

    url: str
    calls: list[tuple[dict[str, str], bytes]] = field(default_factory=list)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # the name that the library asks for
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            found.calls.append((headers, body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        found = Receiver(f"http://127.0.0.1:{server.server_port}/hooks/video_1?key=k")
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield found
        server.shutdown()
        thread.join()


def _no_identity() -> Any:
    raise AssertionError("a key is all that is needed")


@dataclass
class App:
    """The shipped rows, set to the simulated queue."""

    catalogue: Catalogue
    providers: Providers

    def row(self, model: str) -> tuple[Deployment, VideoProvider]:
        [deployment] = self.catalogue.resolve(model).deployments
        return deployment, self.providers.adapter(deployment)


@pytest.fixture
async def app(services: ServicesProcess) -> AsyncIterator[App]:
    settings = upstream_settings(services.url, key_of(SECRET))
    catalogue = Catalogue.load(ROWS, settings, check=check_deployment())
    providers = Providers(catalogue, _no_identity)
    yield App(catalogue, providers)
    await providers.close()


def _models() -> list[str]:
    catalogue = Catalogue.load(ROWS, {"FAL_API_KEY": "key"}, check=check_deployment())
    return [
        model.name
        for model in catalogue.models.values()
        if any(row.provider == "fal" for row in model.deployments)
    ]


def _asked(row: Deployment) -> Iterator[dict[str, Any]]:
    """All kinds of requests that a row offers."""
    yield {}
    for size in row.sizes:
        yield {"size": size}
    for seconds in (min(row.seconds), max(row.seconds)):
        yield {"seconds": seconds}
    image = Reference(picture(), "image/png", row.default_size)
    if row.reference is not None:
        yield {"reference": image}
    if row.last_frame:
        yield {"reference": image, "last_frame": image}
    if row.max_references:
        yield {"references": (image, image)}
    if row.seed:
        yield {"seed": 7}
    if row.negative_prompt:
        yield {"negative_prompt": "rain"}
    if row.sound == "chosen":
        yield {"sound": False}


async def ended(adapter: VideoProvider, job_id: str) -> Outcome:
    """How a job is once it is over."""

    async with asyncio.timeout(PATIENCE):
        while True:
            outcome = await adapter.status(job_id)
            if outcome.job is not None and outcome.job.status.is_final:
                return outcome
            await asyncio.sleep(PAUSE)


@pytest.mark.parametrize("model", _models())
async def test_all_that_a_row_offers_is_taken(app: App, model: str) -> None:
    row, adapter = app.row(model)
    for asked in _asked(row):
        fields = {"seconds": row.default_seconds, "size": row.default_size, **asked}
        prompt = "A pier [sim render=1 outcome=failed error=taken]"
        created = await adapter.submit(Submission(row.deployment, prompt, **fields))
        assert created.kind is Kind.ACCEPTED, asked
        assert created.job is not None
        over = await ended(adapter, created.job.id)
        assert over.job is not None
        # a request whose inputs are wrong fails by what is wrong with them
        assert over.job.error_code == "taken", (asked, over.job.error_message)


async def test_the_adapter_makes_a_video(app: App) -> None:
    row, adapter = app.row("fal-ray-3.2")
    created = await adapter.submit(
        Submission(row.deployment, "A pier [sim render=1]", 5, row.default_size)
    )
    assert created.job is not None
    over = await ended(adapter, created.job.id)
    assert over.job is not None
    assert over.job.status is JobStatus.COMPLETED
    async with adapter.open_content(created.job.id, Variant.VIDEO) as content:
        assert isinstance(content, Content)
        assert content.content_type == "video/mp4"
        size = 0
        async for chunk in content.chunks:
            size += len(chunk)
    assert size == content.length


@pytest.mark.parametrize("outcome", ["completed", "failed", "moderated", "cancelled"])
async def test_a_call_leads_to_the_job(app: App, receiver: Receiver, outcome: str) -> None:
    row, adapter = app.row("fal-seedance-2.5")
    created = await adapter.submit(
        Submission(
            row.deployment,
            f"A pier [sim render={9000 if outcome == 'cancelled' else 1} outcome={outcome}]",
            4,
            row.default_size,
            callback_url=receiver.url,
        )
    )
    assert created.job is not None
    if outcome == "cancelled":
        assert (await adapter.cancel(created.job.id)).kind is Kind.ACCEPTED
    [(headers, body)] = wait_until(lambda: receiver.calls)
    assert isinstance(adapter, CallsBack)
    assert called_job(await adapter.called_back(headers, body)) == created.job.id
    assert await adapter.called_back(headers, body + b" ") is None


async def test_the_adapter_tells_what_became_of_a_job(app: App) -> None:
    row, adapter = app.row("fal-seedance-2.5")
    codes = {}
    for outcome in ("moderated", "failed error=runner_disconnected", "expired"):
        prompt = f"A pier [sim render=1 outcome={outcome}]"
        created = await adapter.submit(Submission(row.deployment, prompt, 4, row.default_size))
        assert created.job is not None
        over = await ended(adapter, created.job.id)
        assert over.job is not None
        codes[outcome] = over.job.error_code
    assert list(codes.values()) == ["moderation_blocked", "runner_disconnected", "startup_timeout"]


async def test_the_queue_knows_where_it_is(app: App, services: ServicesProcess) -> None:
    row, adapter = app.row("fal-veo-3.1")
    prompt = "A pier [sim render=9000]"
    created = await adapter.submit(Submission(row.deployment, prompt, 8, row.default_size))
    assert created.job is not None
    assert created.job.id.startswith("fal-ai/veo3.1/requests/")
    [job] = [one for one in services.ask("jobs") if created.job.id.endswith(one["id"])]
    assert job["details"]["no_retry"] == "1"
    assert job["details"]["base"] == f"http://{urlsplit(services.url).netloc}"
