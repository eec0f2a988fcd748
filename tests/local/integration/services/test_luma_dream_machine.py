"""Luma's older client drives the simulated Dream Machine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import httpx
import lumaai
import pytest
from lumaai import LumaAI
from lumaai.types import Generation

from local.services.upstreams import key_of
from tests.local.integration.services.harness import SECRET, ServicesProcess, wait_until


def client_of(services: ServicesProcess, key: str | None = None) -> LumaAI:
    """The client as it is, but that it sends nothing twice."""
    return LumaAI(
        base_url=f"{services.url}/upstreams/luma-dream-machine/v1",
        auth_token=key or key_of(SECRET),
        max_retries=0,
        http_client=httpx.Client(trust_env=False),
        _strict_response_validation=True,
    )


@pytest.fixture
def client(services: ServicesProcess) -> Iterator[LumaAI]:
    with client_of(services) as client:
        yield client


@pytest.fixture
def called() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """An address, and the bodies of the calls to it."""
    bodies: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/video_1", bodies
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def create(client: LumaAI, prompt: str, **fields: Any) -> Generation:
    return client.generations.video.create(
        model="ray-2", prompt=prompt, **{"resolution": "540p", "duration": "5s", **fields}
    )


def ended(client: LumaAI, job: Generation) -> Generation:
    """The generation once it is over."""

    def look() -> Generation | None:
        found = client.generations.get(str(job.id))
        return found if found.state in ("completed", "failed") else None

    return wait_until(look)


def test_a_video_from_its_beginning_to_the_file(
    client: LumaAI, called: tuple[str, list[dict[str, Any]]]
) -> None:
    address, bodies = called
    made = create(client, "A pier at dawn [sim render=5]", callback_url=address, aspect_ratio="1:1")
    assert (made.state, made.model, made.assets) == ("queued", "ray-2", None)
    done = ended(client, made)
    assert done.state == "completed"
    assert done.assets is not None
    assert done.assets.video is not None
    file = httpx.get(done.assets.video, trust_env=False)
    assert file.content[4:8] == b"ftyp"

    def told() -> dict[str, Any] | None:
        return next((body for body in bodies if body["state"] == "completed"), None)

    last = wait_until(told)
    assert (last["id"], last["request"]["callback_url"]) == (made.id, address)
    assert last["assets"] == {"video": done.assets.video}


def test_a_video_that_fails_says_why(client: LumaAI) -> None:
    failed = ended(client, create(client, "A moderated pier [sim render=1]"))
    assert (failed.state, failed.failure_reason) == ("failed", "Frame moderation failed")


def test_generations_are_listed_and_deleted(client: LumaAI) -> None:
    made = [create(client, f"Pier {n} [sim render=9000]") for n in range(3)]
    page = client.generations.list(limit=2)
    assert [item.id for item in page.generations] == [made[2].id, made[1].id]
    assert (page.has_more, page.count) == (True, 2)
    [item] = client.generations.list(limit=1, offset=2).generations
    assert item.id == made[0].id
    assert item.request is not None
    client.generations.delete(str(item.id))
    with pytest.raises(lumaai.NotFoundError):
        client.generations.get(str(item.id))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"prompt": "A"}, "too short"),
        ({"prompt": "A moderated input"}, "moderation failed"),
        ({"resolution": "2k"}, "Unknown duration"),
        ({"extra_body": {"seed": 7}}, "seed: unknown field"),
        ({"keyframes": {"frame0": {"type": "image", "url": "https://x/a.png"}}}, "input frames"),
    ],
)
def test_what_it_does_not_take_it_refuses(
    client: LumaAI, fields: dict[str, Any], words: str
) -> None:
    with pytest.raises(lumaai.APIStatusError) as refused:
        create(client, fields.pop("prompt", "A pier"), **fields)
    body = refused.value.body
    assert isinstance(body, dict)
    assert words in body["detail"]


def test_a_key_that_is_wrong_is_refused(services: ServicesProcess) -> None:
    with client_of(services, "luma-nobody") as nobody, pytest.raises(lumaai.AuthenticationError):
        nobody.generations.list()
