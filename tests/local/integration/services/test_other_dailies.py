"""The simulated other Dailies knows a request by what it asks for, as the real one does."""

from __future__ import annotations

import io

import httpx
from PIL import Image

from local.services.upstreams import key_of
from tests.local.integration.services.harness import SECRET, ServicesProcess


def _picture(colour: str) -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (72, 128), colour).save(data, "PNG")
    return data.getvalue()


def _ask(services: ServicesProcess, colour: str, *, prompt: str = "a pier") -> httpx.Response:
    return httpx.post(
        f"{services.url}/upstreams/other-dailies/v1/videos",
        headers={"api-key": key_of(SECRET), "Idempotency-Key": "pier"},
        data={"prompt": prompt, "model": "kite", "seconds": "4", "size": "720x1280"},
        files={"input_reference": ("first.png", _picture(colour), "image/png")},
        trust_env=False,
    )


def test_a_form_that_is_sent_again_makes_no_second_video(services: ServicesProcess) -> None:
    first, again = _ask(services, "teal"), _ask(services, "teal")
    boundaries = {answer.request.headers["content-type"] for answer in (first, again)}
    assert len(boundaries) == 2
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.json()["id"] == first.json()["id"]
    assert again.headers["idempotent-replayed"] == "true"
    for other in (_ask(services, "red"), _ask(services, "teal", prompt="a tower")):
        assert (other.status_code, other.json()["error"]["code"]) == (409, "idempotency_key_reused")
