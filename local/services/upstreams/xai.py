"""xAI's videos API: ``POST /v1/videos/generations`` and ``GET /v1/videos/{request_id}``.

As ``https://api.x.ai`` is described by xAI and, where it says nothing, as others report it:
a wrong key is a 400, a type that does not fit a 422, errors are ``{"code", "error"}``. A video that
is moderated is done, charged and not there. Unlike xAI, perhaps, it refuses fields that it does not
know.
"""

from __future__ import annotations

import base64
import binascii
import uuid
from collections.abc import Mapping
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.services.bodies import Upload, image_size
from local.services.directives import asks_for_input_moderation
from local.services.errors import ServiceError
from local.services.jobs import Job
from local.services.upstreams.base import Upstream

__all__ = ["UPSTREAM", "Xai"]

_PRICES = {  # ticks of 1e-10 US dollars for a second, by the number of lines
    "grok-imagine-video": {480: 500_000_000, 720: 700_000_000},
    "grok-imagine-video-1.5": {480: 800_000_000, 720: 1_400_000_000, 1080: 2_500_000_000},
    "grok-imagine-video-1.5-lite": {480: 200_000_000, 720: 300_000_000, 1080: 1_400_000_000},
}
_PRICE_OF_IMAGE = 100_000_000
_PINNED = ("last_frame", "keyframes", "reference_audios")
_LINES = {"480p": 480, "720p": 720, "1080p": 1080}
_RATIOS = ("1:1", "16:9", "9:16", "4:3", "3:4", "3:2", "2:3", "21:9", "5:2")
_MOST_REFERENCES = 7
_MOST_SECONDS = 15
_IMAGE = {"url": str, "file_id": str}
_FIELDS: dict[str, type] = {
    "model": str,
    "prompt": str,
    "duration": int,
    "aspect_ratio": str,
    "resolution": str,
    "image": dict,
    "last_frame": dict,
    "reference_images": list,
    "reference_audios": list,
    "keyframes": list,
    "generate_audio": bool,
    "storage_options": dict,
    "user": str,
}
_STORAGE: dict[str, type] = {"filename": str, "expires_after": int}


class Xai(Upstream):
    """The videos of Grok Imagine."""

    name: ClassVar[str] = "xai"
    settings: ClassVar[Mapping[str, str]] = {
        "XAI_ENDPOINT": "{url}/v1",
        "XAI_API_KEY": "{key}",
    }

    def routes(self) -> list[Route]:
        """See ``Upstream.routes``."""
        return [
            Route("/v1/videos/generations", self._create, methods=["POST"], name="create"),
            Route("/v1/videos/{id}", self._status, methods=["GET"], name="status"),
        ]

    async def _create(self, request: Request) -> Response:
        self._enter(request)
        body = await self._body(request)
        _check(body, _FIELDS, "")
        model = body.get("model", "grok-imagine-video")
        if model not in _PRICES:
            raise _error(
                404,
                "not-found",
                f"The model {model} does not exist or your team does not have access to it.",
            )
        images = _images_of(body)
        prompt = body.get("prompt", "")
        if not prompt.strip() and not images:
            raise _invalid("Prompt cannot be empty. Please provide a prompt.")
        if asks_for_input_moderation(prompt):
            raise _invalid("Rejected by content moderation.")
        lines = _lines_of(body, model)
        width, height = _shape(body.get("aspect_ratio", "16:9"), lines)
        seconds = body.get("duration", 8)
        if not 1 <= seconds <= _MOST_SECONDS:
            raise _invalid(f"duration must be between 1 and {_MOST_SECONDS} seconds.")
        job = self.accept(
            request,
            job_id=str(uuid.uuid4()),
            model=model,
            prompt=prompt,
            seconds=seconds,
            width=width,
            height=height,
            images=images,
            details={
                "sound": body.get("generate_audio", True),
                "user": body.get("user"),
                "filename": _filename(body.get("storage_options")),
                "ticks": _PRICES[model][lines] * seconds + _PRICE_OF_IMAGE * len(images),
            },
        )
        return JSONResponse({"request_id": job.id})

    async def _status(self, request: Request) -> Response:
        self._enter(request)
        job = self.find(request.path_params["id"])
        if job is None:
            raise _error(404, "not-found", "The requested video could not be found.")
        state = self.state(job)
        usage = {"cost_in_usd_ticks": job.details["ticks"]}
        match state.phase:
            case "queued":
                return Response(status_code=202)
            case "running":
                pending = {"status": "pending", "model": job.model, "progress": state.progress}
                return JSONResponse(pending, status_code=202)
            case "completed" | "moderated":
                done = {"status": "done", "model": job.model, "progress": 100, "usage": usage}
                shown = state.phase == "completed"
                return JSONResponse({**done, "video": self._video(request, job, shown)})
            case "failed":
                error = {"code": job.directive.error, "message": "Video generation failed."}
                return JSONResponse({"status": "failed", "model": job.model, "error": error})
            case _:
                return JSONResponse({"status": "expired"})

    def _video(self, request: Request, job: Job, shown: bool) -> dict[str, Any]:
        video: dict[str, Any] = {
            "url": self.link(request, job) if shown else "",
            "duration": job.seconds,
            "respect_moderation": shown,
        }
        if shown and job.details["filename"]:
            video["file_output"] = {
                "file_id": f"file_{job.id}",
                "filename": job.details["filename"],
            }
        return video

    def _enter(self, request: Request) -> None:
        given = self.bearer(request)
        if given is None:
            raise _error(401, "unauthenticated:no-credentials", "No credentials provided.")
        if not self.is_key(given):
            raise _error(
                400,
                "Client specified an invalid argument",
                f"Incorrect API key provided: {given[:2]}***{given[-2:]}. You can obtain an API "
                "key from https://console.x.ai.",
            )

    async def _body(self, request: Request) -> dict[str, Any]:
        try:
            body = await request.json()
        except ValueError:
            raise _error(400, None, "Failed to parse the request body as JSON") from None
        if not isinstance(body, dict):
            raise _no_fit("invalid type: expected a map")
        return body


def _images_of(body: Mapping[str, Any]) -> list[bytes]:
    """The pictures in a body: the first frame, the references, keyframes, the last one."""
    references = body.get("reference_images", [])
    if len(references) > _MOST_REFERENCES:
        raise _invalid(f"At most {_MOST_REFERENCES} reference images are allowed.")
    named = [("image", body.get("image"))]
    named += [(f"reference_images[{place}]", item) for place, item in enumerate(references)]
    for place, frame in enumerate(body.get("keyframes", [])):
        _check(frame, {"image": dict, "timestamp_s": (int, float)}, f"keyframes[{place}].")
        named.append((f"keyframes[{place}].image", frame.get("image", {})))
    named.append(("last_frame", body.get("last_frame")))
    return [_image(item, name) for name, item in named if item is not None]


def _image(item: object, name: str) -> bytes:
    _check(item, _IMAGE, f"{name}.")
    url = item.get("url") if isinstance(item, dict) and len(item) == 1 else None
    head, comma, data = (url or "").partition(",")
    if not comma or not head.startswith("data:image/") or not head.endswith(";base64"):
        # xAI would fetch https links and files of the account; here there is no such place.
        raise _invalid(f"{name}: could not fetch the image.")
    try:
        picture = base64.b64decode(data, validate=True)
        image_size(Upload(name, head[5:-7], picture), name)
    except (binascii.Error, ServiceError):
        raise _invalid(f"{name}: the image could not be decoded.") from None
    return picture


def _lines_of(body: Mapping[str, Any], model: str) -> int:
    """How many lines the video has, if the model makes what else is asked for with as many."""
    is_first = model == "grok-imagine-video"
    refused = () if model == "grok-imagine-video-1.5" else _PINNED
    if model == "grok-imagine-video-1.5-lite":
        refused = (*refused, "reference_images")
    for name in refused:
        if name in body:
            raise _invalid(f"`{name}` is not supported for this model.")
    if is_first and "image" in body and "reference_images" in body:
        raise _invalid("`image` and `reference_images` are mutually exclusive.")
    resolution = body.get("resolution", "480p")
    lines = _LINES.get(resolution)
    if lines is None:
        raise _no_fit(f"resolution: unknown variant `{resolution}`")
    if lines not in _PRICES[model]:
        raise _invalid(f"Resolution {resolution} is not supported for this model.")
    guided = any(name in body for name in ("reference_images", *_PINNED))
    if guided and lines > _LINES["720p"]:
        raise _invalid("Reference-to-video supports a resolution of up to 720p.")
    return lines


def _shape(ratio: str, lines: int) -> tuple[int, int]:
    """Width and height; encoders want even numbers, and 16:9 of 480 lines is 848 wide."""
    if ratio not in _RATIOS:
        raise _no_fit(f"aspect_ratio: unknown variant `{ratio}`")
    across, down = map(int, ratio.split(":"))
    longer = round(lines * max(across, down) / min(across, down) / 16) * 16
    return (longer, lines) if across >= down else (lines, longer)


def _filename(storage: Mapping[str, Any] | None) -> str | None:
    if storage is None:
        return None
    _check(storage, _STORAGE, "storage_options.")
    if not storage.get("filename"):
        raise _no_fit("storage_options: missing field `filename`")
    kept = storage.get("expires_after")
    if kept is not None and not 3600 <= kept <= 2_592_000:
        raise _invalid("expires_after must be between 3600 and 2592000 seconds.")
    return str(storage["filename"])


def _check(found: object, fields: Mapping[str, Any], where: str) -> None:
    """Every field is known and of its type."""
    if not isinstance(found, dict):
        raise _no_fit(f"{where.rstrip('.')}: invalid type: expected a map")
    for name, value in found.items():
        if name not in fields:
            raise _no_fit(f"{where}{name}: unknown field")
        if not isinstance(value, fields[name]) or (
            isinstance(value, bool) and fields[name] is not bool
        ):
            raise _no_fit(f"{where}{name}: invalid type")


def _no_fit(problem: str) -> ServiceError:
    return _error(422, None, f"Failed to deserialize the JSON body into the target type: {problem}")


def _invalid(problem: str) -> ServiceError:
    return _error(400, "invalid-argument", problem)


def _error(status: int, code: str | None, text: str) -> ServiceError:
    return ServiceError(status, {**({"code": code} if code else {}), "error": text})


UPSTREAM = Xai
