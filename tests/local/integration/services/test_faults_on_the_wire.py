"""Each kind of fault, as an HTTP client meets it."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Iterator

import httpx
import pytest

from tests.local.integration.services.harness import ServicesProcess, wait_until

VIDEOS = "/openai/v1/videos"


@pytest.fixture
def client(services: ServicesProcess) -> Iterator[httpx.Client]:
    with services.client(timeout=10) as made:
        yield made


def create(client: httpx.Client, prompt: str = "fault [sim label=f render=0]") -> httpx.Response:
    return client.post(VIDEOS, json={"model": "sora-2", "prompt": prompt})


def count(services: ServicesProcess) -> int:
    return len(services.ask("jobs"))


def finished(client: httpx.Client) -> str:
    """The id of a completed video."""
    video_id: str = create(client).raise_for_status().json()["id"]

    def done() -> bool:
        return bool(client.get(f"{VIDEOS}/{video_id}").json()["status"] == "completed")

    wait_until(done)
    return video_id


def test_status_answers_as_told_and_does_nothing(
    services: ServicesProcess, client: httpx.Client
) -> None:
    before = count(services)
    services.fault("create", "status", status=429, headers={"Retry-After": "7"}, times=2)
    for _ in range(2):
        answer = create(client)
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")
    assert count(services) == before
    assert create(client).status_code == 200
    assert services.ask("faults") == []


def test_a_page_can_stand_in_for_the_video(services: ServicesProcess, client: httpx.Client) -> None:
    video_id = finished(client)
    services.fault(
        "content", "status", status=200, body="<html>", headers={"Content-Type": "text/html"}
    )
    answer = client.get(f"{VIDEOS}/{video_id}/content")
    assert (answer.status_code, answer.text) == (200, "<html>")
    assert answer.headers["content-type"] == "text/html"


def test_reset_breaks_the_connection_before_anything_is_done(
    services: ServicesProcess, client: httpx.Client
) -> None:
    before = count(services)
    services.fault("create", "reset")
    with pytest.raises(httpx.ReadError):
        create(client)
    assert count(services) == before


def test_lost_breaks_it_after_all_is_done(services: ServicesProcess, client: httpx.Client) -> None:
    before = count(services)
    services.fault("create", "lost")
    with pytest.raises(httpx.ReadError):
        create(client)
    assert count(services) == before + 1


def test_timeout_does_all_and_never_answers(
    services: ServicesProcess, client: httpx.Client
) -> None:
    before = count(services)
    services.fault("create", "timeout")
    with pytest.raises(httpx.ReadTimeout):
        client.post(VIDEOS, json={"model": "sora-2", "prompt": "t [sim label=f]"}, timeout=0.5)
    assert count(services) == before + 1


def test_deleting_faults_lets_a_held_request_go(
    services: ServicesProcess, client: httpx.Client
) -> None:
    services.fault("list", "timeout")
    with services.client() as other:
        timer = threading.Timer(0.3, other.delete, ["/_inspect/faults"])
        timer.start()
        with pytest.raises(httpx.ReadError):
            client.get(VIDEOS)
        timer.join()


def test_truncate_stops_the_body_short(services: ServicesProcess, client: httpx.Client) -> None:
    video_id = finished(client)
    services.fault("content", "truncate")
    pieces: list[bytes] = []
    with client.stream("GET", f"{VIDEOS}/{video_id}/content") as answer:
        promised = int(answer.headers["content-length"])
        with pytest.raises(httpx.RemoteProtocolError):
            pieces.extend(answer.iter_raw())
    assert 0 < sum(map(len, pieces)) <= promised // 2


def test_slow_delays_an_answer_and_trickles_content(
    services: ServicesProcess, client: httpx.Client
) -> None:
    video_id = finished(client)
    services.fault("status", "slow", seconds=0.4)
    begun = time.monotonic()
    assert client.get(f"{VIDEOS}/{video_id}").status_code == 200
    assert time.monotonic() - begun >= 0.4

    services.fault("content", "slow", seconds=0.4)
    begun = time.monotonic()
    with client.stream("GET", f"{VIDEOS}/{video_id}/content") as answer:
        pieces = [len(piece) for piece in answer.iter_raw()]
    assert time.monotonic() - begun >= 0.3
    assert sum(pieces) == int(answer.headers["content-length"])


def test_hold_waits_before_it_does_anything(
    services: ServicesProcess, client: httpx.Client
) -> None:
    before = count(services)
    services.fault("create", "hold", seconds=30)
    thread = threading.Thread(target=create, args=[client])
    thread.start()
    wait_until(lambda: services.ask("faults") == [])
    assert count(services) == before
    with services.client() as other:
        other.delete("/_inspect/faults")
    thread.join()
    assert count(services) == before + 1


def test_match_strikes_only_the_job_that_it_means(
    services: ServicesProcess, client: httpx.Client
) -> None:
    services.fault("create", "status", status=500, match="zebra")
    services.fault("status", "status", status=502, match="lion")
    lion = create(client, "a lion [sim label=f]").raise_for_status().json()["id"]
    goat = create(client, "a goat [sim label=f]").raise_for_status().json()["id"]
    assert create(client, "a zebra").status_code == 500
    form = {"model": (None, "sora-2"), "prompt": (None, "another zebra [sim label=f]")}
    services.fault("create", "status", status=500, match="another zebra")
    assert client.post(VIDEOS, files=form).status_code == 500
    assert client.get(f"{VIDEOS}/{goat}").status_code == 200
    assert client.get(f"{VIDEOS}/{lion}").status_code == 502
    assert client.get(f"{VIDEOS}/{lion}").status_code == 200


def test_a_fault_strikes_over_tls_too(services: ServicesProcess) -> None:
    services.fault("events", "reset")
    context = ssl.create_default_context(cafile=str(services.certificates.authority))
    with (
        httpx.Client(verify=context, trust_env=False) as client,
        pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)),  # OpenSSL may say "EOF"
    ):
        client.post(f"{services.tls_url}/topics/x/api/events?api-version=2018-01-01", content=b"x")


@pytest.mark.parametrize("body", ["short", "cut", "html", "empty"])
def test_a_prompt_can_spoil_its_own_content(client: httpx.Client, body: str) -> None:
    video_id = create(client, f"x [sim label=f render=0 body={body}]").json()["id"]
    wait_until(lambda: client.get(f"{VIDEOS}/{video_id}").json()["status"] == "completed")
    if body == "short":
        with pytest.raises(httpx.RemoteProtocolError):
            client.get(f"{VIDEOS}/{video_id}/content")
        return
    answer = client.get(f"{VIDEOS}/{video_id}/content")
    assert answer.status_code == 200
    if body == "html":
        assert answer.headers["content-type"].startswith("text/html")
    elif body == "empty":
        assert answer.content == b""
    else:
        assert 0 < len(answer.content) == int(answer.headers["content-length"])
