"""The Luma Agents API: ``POST /v1/generations`` and ``GET /v1/generations/{id}``, of videos.

As Luma's guides describe it, with their words in ``detail``: 201 for what is taken, 30 requests a
minute and 10 jobs at once, a fresh link with each look. Unlike Luma, perhaps, it refuses fields
that it does not know.
"""

from __future__ import annotations

import base64
import binascii
import math
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.services.bodies import Upload, image_size
from local.services.directives import asks_for_input_moderation
from local.services.errors import ServiceError
from local.services.jobs import NEW, Job, State
from local.services.upstreams.base import Upstream

__all__ = ["UPSTREAM", "Luma"]

_MODEL = "ray-3.2"
_RATIOS = ("16:9", "1:1", "21:9", "3:4", "4:3", "9:16")
_LINES = {"360p": 360, "540p": 540, "720p": 720, "1080p": 1080}
_LENGTHS = {"5s": 5, "10s": 10}
_FRAMES_A_SECOND = 24
_MOST_KEYFRAMES = 64
_LONGEST_PROMPT = 6000
_A_MINUTE = 30
_AT_ONCE = 10
_FIELDS: dict[str, type] = {
    "type": str,
    "model": str,
    "prompt": str,
    "aspect_ratio": str,
    "user_id": str,
    "video": dict,
}
_VIDEO: dict[str, type] = {
    "duration": str,
    "resolution": str,
    "loop": bool,
    "start_frame": dict,
    "end_frame": dict,
    "keyframes": list,
    "keyframe_indexes": list,
}
_IMAGE: dict[str, type] = {"url": str, "data": str, "media_type": str}
_FAILURES = {
    "content_moderated": "Generation output was flagged by our content moderation system.",
    "budget_exhausted": "Insufficient credits to complete this generation.",
    "output_not_found": "Output artifacts not found",
}


class Luma(Upstream):
    """The videos of Ray 3.2."""

    name: ClassVar[str] = "luma"
    settings: ClassVar[Mapping[str, str]] = {"LUMA_ENDPOINT": "{url}/v1", "LUMA_API_KEY": "{key}"}

    def routes(self) -> list[Route]:
        """See ``Upstream.routes``."""
        return [
            Route("/v1/generations", self._create, methods=["POST"], name="create"),
            Route("/v1/generations/{id}", self._status, methods=["GET"], name="status"),
        ]

    async def _create(self, request: Request) -> Response:
        self._enter(request)
        try:
            body = await request.json()
        except ValueError:
            raise _error(400, "Invalid JSON body") from None
        _check(body, _FIELDS, "")
        prompt = body.get("prompt", "")
        if not 1 <= len(prompt) <= _LONGEST_PROMPT:
            raise _error(400, f"Prompt must be between 1 and {_LONGEST_PROMPT} characters")
        model, kind = body.get("model", "uni-1"), body.get("type", "image")
        if model != _MODEL:
            raise _error(400, f"Unknown model: {model}")
        if kind != "video":
            raise _error(400, f"Type '{kind}' is not supported for model '{model}'")
        video = body.get("video", {})
        _check(video, _VIDEO, "video.")
        seconds = _LENGTHS.get(video.get("duration", "5s"))
        lines = _LINES.get(video.get("resolution", "720p"))
        if seconds is None or lines is None:
            raise _error(400, f"Invalid video options. Valid: {', '.join((*_LENGTHS, *_LINES))}")
        width, height = _shape(body.get("aspect_ratio", "16:9"), lines)
        images = _images_of(video, seconds)
        if asks_for_input_moderation(prompt):
            raise _error(422, "Prompt was flagged by our content moderation system.")
        left = self._check_limits()
        job = self.accept(
            request,
            job_id=str(uuid.uuid4()),
            model=model,
            prompt=prompt,
            seconds=seconds,
            width=width,
            height=height,
            images=images,
            details={"user_id": body.get("user_id")},
        )
        headers = _HEADERS | left
        return JSONResponse(self._generation(request, job, NEW), 201, headers=headers)

    async def _status(self, request: Request) -> Response:
        self._enter(request)
        job = self.find(request.path_params["id"])
        if job is None:
            raise _error(404, "Generation not found")
        document = self._generation(request, job, self.state(job))
        return JSONResponse(document, headers=_HEADERS)

    def _generation(self, request: Request, job: Job, state: State) -> dict[str, Any]:
        code = {"moderated": "content_moderated", "failed": _failure(job.directive.error)}.get(
            state.phase, None if state.active or state.phase == "completed" else "generation_failed"
        )
        made = datetime.fromtimestamp(job.created_at, UTC)
        return {
            "id": job.id,
            "type": "video",
            "state": {"running": "processing"}.get(state.phase, "failed" if code else state.phase),
            "model": job.model,
            "created_at": made.isoformat().replace("+00:00", "Z"),
            "output": [{"type": "video", "url": self.link(request, job)}]
            if state.phase == "completed"
            else [],
            "failure_code": code,
            "failure_reason": code and _FAILURES.get(code, "Generation failed"),
        }

    def _enter(self, request: Request) -> None:
        given = self.bearer(request)
        if given is None:
            raise _error(401, "Missing or invalid API key")
        if not self.is_key(given):
            raise _error(401, "Invalid API key")

    def _check_limits(self) -> dict[str, str]:
        """The headers that tell what is left of the limit on requests."""
        clock = self.studio.clock
        recent = [job for job in self.jobs() if clock.sim() - job.created_sim < 60]
        left = max(0, _A_MINUTE - len(recent) - 1)
        headers = {"X-RateLimit-Limit": str(_A_MINUTE), "X-RateLimit-Remaining": str(left)}
        if self.studio.settings.unlimited:
            return headers
        if len(recent) >= _A_MINUTE:
            wait = clock.real_seconds(recent[_A_MINUTE - 1].created_sim + 60 - clock.sim())
            again = {"Retry-After": str(max(1, math.ceil(wait)))}
            raise _error(429, "Rate limit exceeded", headers | again)
        if sum(self.state(job).active for job in self.jobs()) >= _AT_ONCE:
            again = {"Retry-After": str(max(1, math.ceil(clock.real_seconds(60))))}
            raise _error(429, "Too many concurrent jobs", again)
        return headers


_HEADERS = {"X-API-Version": "2026-04-01"}


def _failure(error: str) -> str:
    """The code of a failure; the directive's own default is none of Luma's."""
    return "generation_failed" if error == "internal_error" else error


def _images_of(video: Mapping[str, Any], seconds: int) -> list[bytes]:
    ends = [name for name in ("start_frame", "end_frame") if name in video]
    frames, places = video.get("keyframes", []), video.get("keyframe_indexes", [])
    if frames or places:
        if ends or video.get("loop"):
            raise _error(422, "keyframes can't be used with start_frame, end_frame or loop")
        if len(frames) != len(places) or len(frames) > _MOST_KEYFRAMES:
            raise _error(422, "keyframe_indexes must match keyframes in length")
        last = seconds * _FRAMES_A_SECOND
        if len(set(places)) < len(places) or any(
            type(place) is not int or not 0 <= place <= last for place in places
        ):
            raise _error(422, f"keyframe_indexes must be unique and from 0 to {last}")
    if seconds > _LENGTHS["5s"] and (ends or video.get("loop")):
        raise _error(422, "start_frame, end_frame and loop are not supported with duration=10s")
    named = [(f"video.{name}", video[name]) for name in ends]
    named += [(f"video.keyframes[{place}]", item) for place, item in enumerate(frames)]
    return [_image(item, name) for name, item in named]


def _image(item: object, name: str) -> bytes:
    _check(item, _IMAGE, f"{name}.")
    given = item if isinstance(item, dict) else {}
    if ("url" in given) == ("data" in given):
        raise _error(400, f"{name}: provide either 'url' or 'data', not both")
    if "url" in given:  # Luma would fetch it; here there is no such place
        raise _error(422, f"{name}: failed to fetch URL")
    if "media_type" not in given:
        raise _error(400, f"{name}: 'media_type' is required with 'data'")
    try:
        picture = base64.b64decode(given["data"], validate=True)
    except binascii.Error:
        raise _error(422, f"{name}: invalid base64 data") from None
    try:
        image_size(Upload(name, given["media_type"], picture), name)
    except ServiceError:
        raise _error(422, f"{name}: content is not an image") from None
    return picture


def _shape(ratio: str, lines: int) -> tuple[int, int]:
    """Width and height, in even numbers."""
    if ratio not in _RATIOS:
        raise _error(400, f"Invalid aspect_ratio '{ratio}'. Valid: {', '.join(_RATIOS)}")
    across, down = map(int, ratio.split(":"))
    longer = round(lines * max(across, down) / min(across, down) / 2) * 2
    return (longer, lines) if across >= down else (lines, longer)


def _check(found: object, fields: Mapping[str, type], where: str) -> None:
    """Every field is known and of its type; null stands for one that is left out."""
    if not isinstance(found, dict):
        raise _error(400, f"{where.rstrip('.') or 'body'}: must be an object")
    for name, value in list(found.items()):
        if name not in fields:
            raise _error(400, f"{where}{name}: unknown field")
        if value is None:
            del found[name]
        elif type(value) is not fields[name]:
            raise _error(400, f"{where}{name}: invalid type")


def _error(status: int, detail: str, headers: Mapping[str, str] | None = None) -> ServiceError:
    return ServiceError(status, {"detail": detail}, {**_HEADERS, **(headers or {})})


UPSTREAM = Luma
