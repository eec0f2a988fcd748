"""Kling's API: ``/v1/videos/text2video`` and ``/v1/videos/image2video``.

As copies of its documentation and published answers show it. There is no client of theirs to drive
it; unknown fields are refused, which Kling may not do. Every answer has a ``code``, 0 where all is
well. What an ``external_task_id`` that is taken is answered with isn't documented. Tasks call back
when their status changes, unsigned, and can't be stopped.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import jwt
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.services.bodies import Upload, image_size
from local.services.directives import asks_for_input_moderation
from local.services.errors import ServiceError
from local.services.jobs import NEW, Job, State
from local.services.upstreams.base import Call, Upstream
from local.services.upstreams.pictures import Unusable, picture_of_base64

__all__ = ["UPSTREAM", "Kling"]

_ACCESS = "access"
_LONGEST_TOKEN = 1800
_LARGEST_PAGE = 500
_MODELS = {
    "kling-v2-6": ("5", "10"),
    "kling-v3": tuple(map(str, range(3, 16))),
}
_RATIOS = {"16:9": (16, 9), "9:16": (9, 16)}
_LINES = {"std": 80, "pro": 120}  # pixels for each part of the ratio
_UNITS = {("std", "off"): 0.6, ("std", "on"): 0.9, ("pro", "off"): 0.8, ("pro", "on"): 1.2}
_TEXTS = {
    "model_name",
    "prompt",
    "negative_prompt",
    "mode",
    "duration",
    "sound",
    "callback_url",
    "external_task_id",
}
_FIELDS = {
    "text2video": _TEXTS | {"aspect_ratio"},
    "image2video": _TEXTS | {"image", "image_tail"},
}
_LONGEST_PROMPT = 2500
_WORDS = {"queued": "submitted", "running": "processing", "completed": "succeed"}


class Kling(Upstream):
    """Tasks from text, and from images."""

    name: ClassVar[str] = "kling"
    settings: ClassVar[Mapping[str, str]] = {
        "KLING_ENDPOINT": "{url}",
        "KLING_API_KEY": f"{_ACCESS}:{{key}}",
    }

    def routes(self) -> list[Route]:
        """See ``Upstream.routes``."""
        return [
            route
            for kind in _FIELDS
            for route in (
                Route(f"/v1/videos/{kind}", self._create, methods=["POST"], name="create"),
                Route(f"/v1/videos/{kind}", self._list, methods=["GET"], name="list"),
                Route(f"/v1/videos/{kind}/{{id}}", self._status, methods=["GET"], name="status"),
            )
        ]

    def calls(self, job: Job, state: State) -> Iterable[Call]:
        """See ``Upstream.calls``."""
        if state.phase != "gone":
            task = self._task(job, state)
            body = json.dumps(task).encode()
            yield Call(str(task["task_status"]), body, {"Content-Type": "application/json"})

    async def _create(self, request: Request) -> Response:
        self._enter(request)
        kind = _kind_of(request)
        body = await self._body(request, kind)
        model, mode, sound = body["model_name"], body["mode"], body["sound"]
        if model not in _MODELS:
            raise _error(404, 1203, f"model {model} is not supported")
        _check(body, "duration", _MODELS[model])
        _check(body, "mode", _LINES)
        _check(body, "sound", ("on", "off"))
        _check(body, "aspect_ratio", _RATIOS)
        mark = body.get("external_task_id")
        if mark and any(job.details["mark"] == mark for job in self.jobs()):
            raise _error(400, 1201, "external_task_id already exists")
        if asks_for_input_moderation(body["prompt"]):
            raise _error(400, 1301, "Failure to pass the risk control system")
        images = _images_of(body, kind)
        # Of an image, the video has the shape.
        upright = images and _is_upright(images[0])
        across, down = _RATIOS["9:16" if upright else body["aspect_ratio"]]
        job = self.accept(
            request,
            job_id=str(uuid.uuid4().int)[:18],
            model=model,
            prompt=body["prompt"],
            seconds=int(body["duration"]),
            width=across * _LINES[mode],
            height=down * _LINES[mode],
            images=images,
            details={
                "kind": kind,
                "mark": mark,
                "host": f"{request.url.scheme}://{request.url.netloc}",
                "sound": sound == "on",
                "units": round(_UNITS[mode, sound] * int(body["duration"]), 2),
            },
            callback=body.get("callback_url"),
        )
        return _answer(self._task(job, NEW))

    async def _list(self, request: Request) -> Response:
        self._enter(request)
        query = request.query_params
        page, size = query.get("pageNum", "1"), query.get("pageSize", "30")
        if not (page.isdecimal() and size.isdecimal() and 1 <= int(size) <= _LARGEST_PAGE):
            raise _error(400, 1201, "pageSize value is invalid")
        tasks = [self._task(job, self.state(job)) for job in self._of(_kind_of(request))]
        start = (int(page) - 1) * int(size)
        return _answer(tasks[start : start + int(size)])

    async def _status(self, request: Request) -> Response:
        self._enter(request)
        wanted = request.path_params["id"]
        for job in self._of(_kind_of(request)):
            if wanted in (job.id, job.details["mark"]):
                return _answer(self._task(job, self.state(job)))
        raise _error(404, 1203, f"task {wanted} is not found")

    def _of(self, kind: str) -> Iterable[Job]:
        return (job for job in self.jobs() if job.details["kind"] == kind)

    def _task(self, job: Job, state: State) -> dict[str, Any]:
        word = _WORDS.get(state.phase, "failed")
        task: dict[str, Any] = {
            "task_id": job.id,
            "task_status": word,
            "task_info": {"external_task_id": job.details["mark"] or ""},
            "created_at": job.created_at * 1000,
            "updated_at": job.created_at * 1000,
        }
        if word == "succeed":
            video = {
                "id": str(uuid.uuid5(uuid.NAMESPACE_OID, job.id)),
                "url": f"{job.details['host']}{self.path(job)}",
                "duration": str(job.seconds),
            }
            task |= {
                "task_result": {"videos": [video]},
                "final_unit_deduction": str(job.details["units"]),
            }
        if word == "failed":
            moderated = state.phase == "moderated"
            task |= {
                "task_status_msg": "Failure to pass the risk control system"
                if moderated
                else f"Generation failed: {job.directive.error}",
                "final_unit_deduction": "0",
            }
        return task

    def _enter(self, request: Request) -> None:
        given = self.bearer(request)
        if given is None:
            raise _error(401, 1001, "Authorization is empty")
        now = self.studio.clock.now()
        try:
            claims = jwt.decode(
                given,
                self.key,
                algorithms=["HS256"],
                issuer=_ACCESS,
                options={
                    "require": ["exp", "iss", "nbf"],
                    "verify_exp": False,  # by the studio's clock, below
                    "verify_nbf": False,
                },
            )
        except jwt.InvalidTokenError:
            raise _error(401, 1002, "Authorization is invalid") from None
        if claims["nbf"] > now:
            raise _error(401, 1003, "Authorization is not yet valid")
        if not now < claims["exp"] <= now + _LONGEST_TOKEN + 1:
            raise _error(401, 1004, "Authorization has expired")

    async def _body(self, request: Request, kind: str) -> dict[str, Any]:
        try:
            body = await request.json()
        except ValueError:
            body = None
        if not isinstance(body, dict):
            raise _error(400, 1200, "Request body is invalid")
        for name, value in body.items():
            if name not in _FIELDS[kind] or not isinstance(value, str):
                raise _error(400, 1201, f"{name} value is invalid")
        if not 1 <= len(body.setdefault("prompt", "")) <= _LONGEST_PROMPT:
            raise _error(400, 1201, "prompt value is invalid")
        defaults = {"model_name": "kling-v2-6", "mode": "std", "duration": "5", "sound": "off"}
        return {**defaults, "aspect_ratio": "16:9", **body}


def _kind_of(request: Request) -> str:
    return next(kind for kind in _FIELDS if f"/v1/videos/{kind}" in request.url.path)


def _check(body: Mapping[str, Any], name: str, allowed: Iterable[str]) -> None:
    if body[name] not in allowed:
        raise _error(400, 1201, f"{name} value '{body[name]}' is invalid")


def _images_of(body: Mapping[str, Any], kind: str) -> list[bytes]:
    names = [name for name in ("image", "image_tail") if name in body]
    if kind == "image2video" and not names:
        raise _error(400, 1201, "image or image_tail is required")
    images = []
    for name in names:
        try:
            images.append(picture_of_base64(body[name]))
        except Unusable:
            raise _error(400, 1201, f"{name} value is invalid") from None
    return images


def _is_upright(picture: bytes) -> bool:
    width, height = image_size(Upload("image", "image/png", picture), "image")
    return height > width


def _answer(data: object) -> JSONResponse:
    known = {"code": 0, "message": "SUCCEED", "request_id": str(uuid.uuid4())}
    return JSONResponse({**known, "data": data})


def _error(status: int, code: int, message: str) -> ServiceError:
    body = {"code": code, "message": message, "request_id": str(uuid.uuid4())}
    return ServiceError(status, body)


UPSTREAM = Kling
