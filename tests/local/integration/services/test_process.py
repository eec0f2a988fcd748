"""The process: it ends cleanly, and forgets nothing when it does not."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable

import httpx

from tests.local.integration.services.harness import SECRET, ServicesProcess, wait_until

VIDEOS = "/openai/v1/videos"


def test_a_killed_process_goes_on_where_it_was(
    make_services: Callable[..., ServicesProcess],
) -> None:
    services = make_services("--speed", "30", "--unlimited")
    query = {"resource": "https://cognitiveservices.azure.com", "api-version": "2019-08-01"}
    with services.client() as client:
        token = client.get(
            "/identity/token", params=query, headers={"X-IDENTITY-HEADER": SECRET}
        ).json()["access_token"]
        body = {"model": "sora-2", "prompt": "survivor [sim render=15]"}
        video = client.post(VIDEOS, json=body).raise_for_status().json()
    services.end(signal.SIGKILL)
    services.start()
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=services.url, headers=headers, trust_env=False) as client:
        again = wait_until(
            lambda: done if (done := client.get(f"{VIDEOS}/{video['id']}").json()) else None
        )
        assert again["created_at"] == video["created_at"]
        wait_until(lambda: client.get(f"{VIDEOS}/{video['id']}").json()["status"] == "completed")
        content = client.get(f"{VIDEOS}/{video['id']}/content")
    assert content.content[4:8] == b"ftyp"
    assert not list(services.state.rglob("*.part"))


def test_a_signal_ends_it_with_a_request_held_open(
    make_services: Callable[..., ServicesProcess],
) -> None:
    services = make_services("--speed", "100")
    services.fault("list", "timeout")
    with services.client() as client, client.stream("GET", "/_inspect/health"):
        pass

    def ask() -> None:
        with services.client() as client:
            try:
                client.get(VIDEOS)
            except httpx.HTTPError:
                return

    thread = threading.Thread(target=ask)
    thread.start()
    wait_until(lambda: services.ask("faults") == [])
    assert services.end() == 0
    thread.join()


def test_a_gigabyte_is_streamed_without_being_held(
    make_services: Callable[..., ServicesProcess],
) -> None:
    size = 1 << 30
    services = make_services("--speed", "100")
    with services.client() as client:
        body = {"model": "sora-2", "prompt": f"large [sim render=0 bytes={size}]"}
        video_id = client.post(VIDEOS, json=body).raise_for_status().json()["id"]
        wait_until(lambda: client.get(f"{VIDEOS}/{video_id}").json()["status"] == "completed")
        content = f"{VIDEOS}/{video_id}/content"
        received = 0
        with client.stream("GET", content) as answer:
            for piece in answer.iter_raw():
                received += len(piece)
        assert received == size
        tail = client.get(content, headers={"Range": f"bytes={size - 5}-"})
        assert (tail.status_code, tail.content) == (206, bytes(5))
    kept = sum(path.stat().st_size for path in services.state.rglob("*") if path.is_file())
    assert kept < 20_000_000
