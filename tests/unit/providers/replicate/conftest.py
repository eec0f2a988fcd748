"""Replicate on the wire."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from dailies.net.downloads import Downloads
from dailies.providers.base import Submission
from dailies.providers.classify import CallContext
from dailies.providers.key_auth import BearerKeyAuth
from dailies.providers.replicate import PROVIDER, Replicate, ReplicateOptions
from dailies.providers.wire import Wire
from dailies.video.basics import Size
from tests.unit.providers.conftest import Upstream

ROOT = "https://api.replicate.com/v1"
HD = Size(1280, 720)
MODEL = "google/veo-3.1"
CALLBACK = "https://dailies.example/calls/video_1/token"
SUBMISSION = Submission(MODEL, "a heron at dawn", 8, HD, video_id="video_1")
OPTIONS: dict[str, Any] = {
    "inputs": {
        "image": "image",
        "last_frame": "last_frame",
        "references": "reference_images",
        "seed": "seed",
        "negative_prompt": "negative_prompt",
        "sound": "generate_audio",
    }
}
INPUT = {
    "prompt": "a heron at dawn",
    "duration": 8,
    "aspect_ratio": "16:9",
    "resolution": "720p",
}
CREATED = 1_780_000_000.0
LINK = "https://pbxt.replicate.delivery/abc/out.mp4"


def prediction(**fields: object) -> dict[str, object]:
    """A prediction as Replicate answers it."""
    return {
        "id": "gm3qorzdhgbfurvjtvhg6dckhu",
        "model": MODEL,
        "version": "hidden",
        "input": INPUT,
        "logs": "",
        "output": None,
        "data_removed": False,
        "error": None,
        "status": "starting",
        "created_at": "2026-05-28T20:26:40.123456789Z",
        "urls": {"get": f"{ROOT}/predictions/gm3qorzdhgbfurvjtvhg6dckhu"},
    } | fields


def accepted(**fields: object) -> httpx.Response:
    return httpx.Response(201, json=prediction(**fields))


@pytest.fixture
def wire(upstream: Upstream) -> Wire:
    context = CallContext(
        "api.replicate.com",
        MODEL,
        answers=PROVIDER.answers,
        remedies={help_.code: help_.remedy for help_ in PROVIDER.helps},
        kept_seconds=3600,
    )
    downloads = Downloads(
        ("api.replicate.com", *PROVIDER.hosts), transport=httpx.MockTransport(upstream._answer)
    )
    return Wire(
        upstream.client,
        BearerKeyAuth(SecretStr("r8_key")),
        context,
        url="https://api.replicate.com",
        options=ReplicateOptions.model_validate(OPTIONS),
        downloads=downloads,
    )


@pytest.fixture
def replicate(wire: Wire) -> Replicate:
    return Replicate(wire)
