"""Runway's developer API: tasks of ``POST /v1/text_to_video`` and ``/v1/image_to_video``, and of
the model router ``studio`` (``/v1/generate/video``), which takes all that it is asked for to
``seedance2``.

As the types of its SDK (5.24) and its documentation describe it, with two of its models. Errors
are ``{"error", "docUrl"}``, with ``issues`` where a field is wrong; unknown fields are refused. A
task that was deleted is gone. What is charged for tasks that failed is what users report: nothing,
unless an input was to blame.
"""

from __future__ import annotations

import uuid
from collections.abc import Container, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.services.directives import asks_for_input_moderation
from local.services.errors import ServiceError
from local.services.jobs import Job, State
from local.services.upstreams.base import Upstream
from local.services.upstreams.pictures import Unusable, picture_of_url

__all__ = ["UPSTREAM", "Runway"]

_VERSION = "2024-11-06"
_DOCS = "https://docs.dev.runwayml.com/api"
_MAX_DATA_URL = 5 * 1024**2


@dataclass(frozen=True, slots=True)
class Model:
    """What a model takes. ``credits`` are for a second, ``units`` UTF-16 code units of a prompt."""

    ratios: Container[str]
    image_ratios: Container[str]
    seconds: range
    credits: int
    units: int
    positions: Container[object]
    fields: Mapping[str, type | tuple[type, ...]]


_COMMON: Mapping[str, type | tuple[type, ...]] = {
    "model": str,
    "promptText": str,
    "ratio": str,
    "duration": int,
    "promptImage": (str, list),
    "seed": int,
}
_HD = ("1280:720", "720:1280")
_MODELS = {
    "gen4.5": Model(
        ratios=_HD,
        image_ratios=(*_HD, "1104:832", "960:960", "832:1104", "1584:672"),
        seconds=range(2, 11),
        credits=12,
        units=1000,
        positions=("first",),
        fields={**_COMMON, "contentModeration": dict, "outputFormat": str},
    ),
    "seedance2": Model(
        ratios=(*_HD, "864:496", "496:864", "960:960", "1920:1080", "1080:1920"),
        image_ratios=(*_HD, "864:496", "496:864", "960:960", "1920:1080", "1080:1920"),
        seconds=range(4, 16),
        credits=36,
        units=3500,
        positions=("first", "last", None),
        fields={**_COMMON, "audio": bool, "references": list},
    ),
}
_ROUTER = "studio"
_SHAPES = {
    ("720p", "16:9"): "1280:720",
    ("720p", "9:16"): "720:1280",
    ("1080p", "16:9"): "1920:1080",
    ("1080p", "9:16"): "1080:1920",
}


class Runway(Upstream):
    """Tasks, and what they cost."""

    name: ClassVar[str] = "runway"
    settings: ClassVar[Mapping[str, str]] = {
        "RUNWAY_ENDPOINT": "{url}",
        "RUNWAY_API_KEY": "{key}",
    }

    def routes(self) -> list[Route]:
        """See ``Upstream.routes``."""
        return [
            Route("/v1/text_to_video", self._create, methods=["POST"], name="create"),
            Route("/v1/image_to_video", self._create, methods=["POST"], name="create"),
            Route("/v1/generate/video", self._route, methods=["POST"], name="create"),
            Route("/v1/tasks/{id}", self._status, methods=["GET"], name="status"),
            Route("/v1/tasks/{id}", self._delete, methods=["DELETE"], name="delete"),
        ]

    async def _create(self, request: Request) -> Response:
        self._enter(request)
        body = await self._body(request)
        with_image = request.url.path.endswith("/image_to_video")
        job = self._make(request, body, with_image=with_image)
        return JSONResponse({"id": job.id, "estimatedCost": {"credits": job.details["credits"]}})

    async def _route(self, request: Request) -> Response:
        self._enter(request)
        body = await self._body(request)
        if body.keys() != {"configId", "input"} or not isinstance(body["input"], dict):
            raise _invalid("configId", "Required")
        if body["configId"] != _ROUTER:
            raise _error(404, f"Router config {body['configId']} was not found")
        asked = _of_router(body["input"])
        job = self._make(request, asked, with_image="promptImage" in asked)
        cost = {"credits": job.details["credits"]}
        resolved = {"duration": job.seconds, "ratio": asked["ratio"]}
        routing = {
            "configId": _ROUTER,
            "estimatedCost": cost,
            "model": job.model,
            "provider": "bytedance",
            "resolvedInput": resolved | {"resolution": body["input"].get("resolution", "720p")},
            "resolvedSettings": {"optimizeFor": "quality", "priceCeiling": None},
        }
        return JSONResponse({"id": job.id, "routing": routing})

    def _make(self, request: Request, body: dict[str, Any], *, with_image: bool) -> Job:
        model = _model_of(body, with_image=with_image)
        width, height = map(int, body["ratio"].split(":"))
        return self.accept(
            request,
            job_id=str(uuid.uuid4()),
            model=body["model"],
            prompt=body["promptText"],
            seconds=body["duration"],
            width=width,
            height=height,
            images=_images_of(body, model),
            details={
                "sound": body.get("audio", body["model"] != "gen4.5"),
                "credits": model.credits * body["duration"],
            },
        )

    async def _status(self, request: Request) -> Response:
        self._enter(request)
        job = self._task(request)
        state = self.state(job)
        created = datetime.fromtimestamp(job.created_at, UTC).isoformat(timespec="milliseconds")
        known = {"id": job.id, "createdAt": created.replace("+00:00", "Z")}
        return JSONResponse(known | self._told(request, job, state))

    async def _delete(self, request: Request) -> Response:
        self._enter(request)
        job = self._task(request)
        if self.state(job).active:
            self.cancel(job)
        else:
            self.studio.store.delete(job)
        return Response(status_code=204)

    def _told(self, request: Request, job: Job, state: State) -> dict[str, Any]:
        whole = {"credits": job.details["credits"]}
        match state.phase:
            case "queued":
                return {"status": "PENDING", "estimatedCost": whole}
            case "running":
                running = {"status": "RUNNING", "progress": round(state.fraction, 2)}
                return running | {"estimatedCost": whole}
            case "completed":
                return {"status": "SUCCEEDED", "output": [self.link(request, job)], "cost": whole}
            case "cancelled":
                return {"status": "CANCELLED", "cost": {"credits": 0}}
            case "moderated":
                by_input = asks_for_input_moderation(job.prompt)
                code = "SAFETY.INPUT.TEXT" if by_input else "SAFETY.OUTPUT.VIDEO"
                return _failed(code, job.details["credits"] if by_input else 0)
            case _:
                return _failed(f"INTERNAL.BAD_OUTPUT.{job.directive.error.upper()}", 0)

    def _task(self, request: Request) -> Job:
        """The task of a path: one that was deleted while it ran is gone too."""
        job = self.find(request.path_params["id"])
        if job is None or job.cancelled_sim is not None:
            raise _error(404, "Task not found")
        return job

    def _enter(self, request: Request) -> None:
        if not self.is_key(self.bearer(request)):
            raise _error(401, "The API key provided is invalid.")
        if request.headers.get("x-runway-version") != _VERSION:
            raise _error(400, "A valid X-Runway-Version header is required.")

    async def _body(self, request: Request) -> dict[str, Any]:
        try:
            body = await request.json()
        except ValueError:
            body = None
        if not isinstance(body, dict):
            raise _error(400, "The body is not valid JSON.")
        return body


def _model_of(body: dict[str, Any], *, with_image: bool) -> Model:
    """The model, once every field is one of its own and has a value that it takes."""
    model = _MODELS.get(str(body.get("model")))
    if model is None:
        raise _error(403, f"Model variant {body.get('model')} is not available")
    for name, value in body.items():
        kind = model.fields.get(name)
        if kind is None or (name == "promptImage") > with_image:
            raise _invalid(name, "Unrecognized key")
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise _invalid(name, "Invalid input")
    needed = {"promptText", "ratio", "duration"} | ({"promptImage"} if with_image else set())
    if missing := sorted(needed - body.keys()):
        raise _invalid(missing[0], "Required")
    units = len(body["promptText"].encode("utf-16-le", "surrogatepass")) // 2
    if not 1 <= units <= model.units:
        raise _invalid("promptText", f"Must be 1 to {model.units} characters")
    if body["ratio"] not in (model.image_ratios if with_image else model.ratios):
        raise _invalid("ratio", "Invalid enum value")
    if body["duration"] not in model.seconds:
        raise _invalid("duration", f"Must be {model.seconds[0]} to {model.seconds[-1]}")
    if not 0 <= body.get("seed", 0) < 2**32:
        raise _invalid("seed", "Must be 0 to 4294967295")
    return model


def _of_router(asked: dict[str, Any]) -> dict[str, Any]:
    """What a router makes of its input: the body that names a model."""
    images = asked.get("referenceImages", [])
    shape = (asked.get("resolution", "720p"), asked.get("aspectRatio", "16:9"))
    if shape not in _SHAPES or not all(isinstance(image, dict) for image in images):
        raise _invalid("input", "No model is eligible")
    same = ("promptText", "duration", "seed", "audio")
    body: dict[str, Any] = {"model": "seedance2", "ratio": _SHAPES[shape], "duration": 5}
    body |= {name: asked[name] for name in same if name in asked}
    if unknown := asked.keys() - {*same, "aspectRatio", "resolution", "referenceImages"}:
        raise _invalid(min(unknown), "Unrecognized key")
    frames = [image for image in images if image.get("role") in ("first", "last")]
    if frames:
        body["promptImage"] = [{"uri": i.get("uri"), "position": i["role"]} for i in frames]
    if len(images) > len(frames):
        body["references"] = [{"uri": i.get("uri")} for i in images if i not in frames]
    return body


def _images_of(body: Mapping[str, Any], model: Model) -> list[bytes]:
    given = body.get("promptImage", [])
    images = [{"uri": given, "position": "first"}] if isinstance(given, str) else given
    places = [image.get("position") if isinstance(image, dict) else "" for image in images]
    if any(place not in model.positions for place in places):
        raise _invalid("promptImage", "Invalid position")
    if "promptImage" in body and (not images or ("last" in places and "first" not in places)):
        raise _invalid("promptImage", "A first frame is needed")
    named = [("promptImage", image) for image in images]
    named += [("references", image) for image in body.get("references", [])]
    return [_picture(image, name) for name, image in named]


def _picture(image: object, name: str) -> bytes:
    known = isinstance(image, dict) and image.keys() <= {"uri", "position"}
    uri = image.get("uri") if known and isinstance(image, dict) else None
    if len(uri if isinstance(uri, str) else "") > _MAX_DATA_URL:
        raise _invalid(name, "Data URIs may be 5 MB at most")
    try:
        return picture_of_url(uri)
    except Unusable as error:
        raise _invalid(name, f"Invalid asset: {error}") from None


def _failed(code: str, charged: int) -> dict[str, Any]:
    return {
        "status": "FAILED",
        "failure": "An unexpected error occurred.",
        "failureCode": code,
        "cost": {"credits": charged},
    }


def _invalid(field: str, message: str) -> ServiceError:
    issue = {"code": "custom", "message": message, "path": [field]}
    body = {"error": f"Validation of body failed: {field}: {message}", "issues": [issue]}
    return ServiceError(400, {**body, "docUrl": _DOCS})


def _error(status: int, text: str) -> ServiceError:
    return ServiceError(status, {"error": text, "docUrl": _DOCS})


UPSTREAM = Runway
