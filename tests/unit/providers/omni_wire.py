"""Google Omni on the wire."""

from __future__ import annotations

import httpx
from pydantic import SecretStr

from dailies.net.downloads import Downloads
from dailies.providers.base import Content, Reference, Submission
from dailies.providers.classify import CallContext
from dailies.providers.google_auth import GoogleKeyAuth
from dailies.providers.google_omni import PROVIDER, GoogleOmni, OmniOptions
from dailies.providers.key_auth import BearerKeyAuth
from dailies.providers.outcomes import Outcome
from dailies.providers.wire import Wire
from dailies.video.basics import Size, Variant
from tests.unit.providers.conftest import Upstream

MODEL = "gemini-omni-1.2-flash"
DEVELOPER = "https://generativelanguage.googleapis.com"
VERTEX = "https://aiplatform.googleapis.com"
CLOUD = {
    "surface": "vertex",
    "project": "studio-1",
    "gcs_prefix": "gs://dailies/videos",
    "workload_identity_provider": "//iam.googleapis.com/projects/1/locations/global/"
    "workloadIdentityPools/azure/providers/tenant",
    "subject_scope": "api://dailies/.default",
}
PROMPT = "A heron stands in the reeds at dawn"
SUBMISSION = Submission(MODEL, PROMPT, 8, Size(1280, 720), video_id="video_1")
IMAGE = Reference(b"\x89PNG", "image/png", Size(1280, 720))
LARGE = Reference(bytes(8 * 1024**2), "image/png", Size(1280, 720))
MP4 = b"\x00\x00\x00\x18ftypmp42" + b"v" * 900_000


def interaction(**fields: object) -> dict[str, object]:
    """As the API sends it."""
    return {
        "id": "v1_abc",
        "object": "interaction",
        "status": "in_progress",
        "model": MODEL,
        "created": "2026-11-23T10:21:43Z",
        "updated": "2026-11-23T10:21:44Z",
    } | fields


def completed(*content: dict[str, object]) -> dict[str, object]:
    steps = [
        {"type": "user_input", "content": [{"type": "text", "text": PROMPT}]},
        {"type": "thought", "signature": "x"},
        {"type": "model_output", "content": list(content)},
    ]
    return interaction(status="completed", steps=steps)


def video(**fields: object) -> dict[str, object]:
    return {"type": "video", "mime_type": "video/mp4", **fields}


def adapter(upstream: Upstream, **options: object) -> GoogleOmni:
    cloud = options.get("surface") == "vertex"
    url = VERTEX if cloud else DEVELOPER
    host = url.removeprefix("https://")
    return GoogleOmni(
        Wire(
            upstream.client,
            (BearerKeyAuth if cloud else GoogleKeyAuth)(SecretStr("the-key")),
            CallContext(host, MODEL, answers=PROVIDER.answers),
            url=url,
            options=OmniOptions.model_validate(options),
            downloads=Downloads((host, *PROVIDER.hosts), transport=upstream.transport),
        )
    )


async def read(upstream: Upstream, **options: object) -> bytes | Outcome:
    async with adapter(upstream, **options).open_content("v1_abc", Variant.VIDEO) as content:
        if isinstance(content, Content):
            data = b"".join([chunk async for chunk in content.chunks])
            assert content.length in (None, len(data))
            return data
        return content


def file(content: bytes = MP4) -> httpx.Response:
    return httpx.Response(200, content=content, headers={"content-type": "video/mp4"})


def rpc(code: int, status: str, message: str, **info: object) -> httpx.Response:
    error = {"code": code, "status": status, "message": message}
    details = [{"@type": "x", name: value} for name, value in info.items()]
    return httpx.Response(code, json={"error": error | ({"details": details} if details else {})})
