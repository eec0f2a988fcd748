"""Guards on a whole stack: the simulated Content Safety, asked with the app's identity, and a
webhook of the operator's that checks who calls."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import openai
import pytest
from PIL import Image

from tests.stack import RunningStack, running_stack

SECRET = "whsec_" + "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0"


class _Webhook(BaseHTTPRequestHandler):
    """Refuses what names a brand; keeps what it is told."""

    calls: list[dict[str, Any]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with openai.OpenAI(api_key="none") as client:
            client.webhooks.verify_signature(body, dict(self.headers), secret=SECRET)
        told = json.loads(body)["data"]
        self.calls.append(told)
        allow = "Acme" not in told["prompt"]
        answer = json.dumps({"allow": allow, "category": "brand"}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:
        """Stay silent."""


@contextmanager
def _webhook(calls: list[dict[str, Any]]) -> Iterator[str]:
    handler = type("Webhook", (_Webhook,), {"calls": calls})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/ask"
        server.shutdown()


@pytest.fixture(scope="module")
def calls() -> list[dict[str, Any]]:
    """What the webhook was told."""
    return []


@pytest.fixture(scope="module")
def stack(
    tmp_path_factory: pytest.TempPathFactory, calls: list[dict[str, Any]]
) -> Iterator[RunningStack]:
    """A stack whose app asks two guards, about finished videos too."""
    with _webhook(calls) as url:
        settings = {
            "DAILIES_GUARD_FRAMES": "2",
            "DAILIES_GUARD_WEBHOOK_URL": url,
            "DAILIES_GUARD_WEBHOOK_SECRET": SECRET,
        }
        folder = tmp_path_factory.mktemp("guards")
        with running_stack(folder, "--guarded", settings=settings, own=True) as running:
            yield running


def picture(red_rows: int, *, height: int = 1440) -> bytes:
    """A teal picture with a red band in its middle."""
    image = Image.new("RGB", (1280, height), "teal")
    image.paste("red", (0, (height - red_rows) // 2, 1280, (height + red_rows) // 2))
    with io.BytesIO() as file:
        image.save(file, "PNG")
        return file.getvalue()


def refusal(stack: RunningStack, prompt: str) -> dict[str, Any]:
    answer = stack.api.post("/v1/videos", json={"model": "sora-2", "prompt": prompt})
    assert answer.status_code == 400, answer.text
    error: dict[str, Any] = answer.json()["error"]
    return error


def test_what_a_guard_refuses_is_never_ordered(stack: RunningStack) -> None:
    assert "(violence)" in refusal(stack, "A very violent kite")["message"]
    assert "(brand)" in refusal(stack, "An Acme kite")["message"]
    assert not stack.jobs("kite")


def test_a_refused_drop_is_answered_beside_the_image(stack: RunningStack) -> None:
    stack.drop("walls/red.png", picture(1440), {"prompt": "A wall"})
    references = stack.blobs.get_container_client("references")
    report = references.get_blob_client("walls/red.png.error.json")
    stack.wait_until(report.exists, what="the report")
    error = json.loads(report.download_blob().readall())["error"]
    assert (error["code"], error["where"]) == ("content_filter", "walls/red.png")
    assert not stack.jobs("A wall")


def test_a_video_that_passes_is_delivered(stack: RunningStack, calls: list[dict[str, Any]]) -> None:
    video = stack.wait_for(stack.create("A pier at dawn"))
    assert video["status"] == "completed"
    content = stack.api.get(f"/v1/videos/{video['id']}/content", follow_redirects=True)
    assert content.is_success
    asked, seen = [call for call in calls if call["prompt"] == "A pier at dawn"]
    assert (asked["stage"], seen["stage"], seen["video_id"]) == ("request", "video", video["id"])
    assert httpx.get(seen["url"], trust_env=False).content == content.content


def test_a_video_that_is_flagged_is_withheld_and_paid_for(stack: RunningStack) -> None:
    # As a whole the picture passes; what the video shows of it does not.
    answer = stack.api.post(
        "/v1/videos",
        data={"prompt": "A fence", "model": "sora-2", "size": "1280x720"},
        files={"input_reference": ("fence.png", picture(120), "image/png")},
    )
    assert answer.is_success, answer.text
    video = stack.wait_for(answer.json())
    assert video["error"]["code"] == "content_filter"
    assert video["cost_usd"] == 0.4
    assert stack.api.get(f"/v1/videos/{video['id']}/content").status_code == 404
    failed = stack.wait_for_event(video["id"], "failed")
    assert failed["data"]["files"] == {}
    assert not stack.events(video["id"], "completed")


def test_without_a_verdict_a_create_is_put_off_and_a_drop_waits(stack: RunningStack) -> None:
    stack.faults.add("analyze", "status", status=503, times=None)
    answer = stack.api.post("/v1/videos", json={"model": "sora-2", "prompt": "A lighthouse"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "guardrail_unavailable")
    stack.drop("walls/teal.png", picture(0), {"prompt": "A lighthouse at sea"})

    def asked() -> bool:
        log = stack.process.state_dir / "logs" / "host.log"
        return '"guard_unavailable"' in log.read_text() and '"accept_drop"' in log.read_text()

    stack.wait_until(asked, what="the drop was tried")
    assert not stack.jobs("A lighthouse")
    stack.faults.clear()
    stack.wait_until(lambda: stack.jobs("A lighthouse at sea"), what="the drop became a video")
