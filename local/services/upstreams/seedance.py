"""BytePlus ModelArk's tasks of Seedance: ``/api/v3/contents/generations/tasks``.

As its SDK (``byteplus-python-sdk-v2``), its documentation and published answers show them. The SDK
is too large for this project; by hand, it creates, reads, lists and deletes tasks here. Unknown
fields are refused, which ModelArk may not do. Tasks call back when their status changes, unsigned.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.services.directives import asks_for_input_moderation
from local.services.errors import ServiceError
from local.services.jobs import NEW, Job, State
from local.services.upstreams.base import Call, Upstream
from local.services.upstreams.pictures import Unusable, picture_of_url

__all__ = ["UPSTREAM", "Seedance"]

_ROOT = "/api/v3/contents/generations/tasks"
_MODELS = {
    "dreamina-seedance-2-5-260628": range(4, 31),
    "dreamina-seedance-2-0-260128": range(4, 16),
}
_SIZES = {
    "480p": {"16:9": (864, 496), "9:16": (496, 864), "1:1": (640, 640)},
    "720p": {"16:9": (1280, 720), "9:16": (720, 1280), "1:1": (960, 960)},
    "1080p": {"16:9": (1920, 1080), "9:16": (1080, 1920), "1:1": (1440, 1440)},
}
_FIELDS: Mapping[str, type] = {
    "model": str,
    "content": list,
    "resolution": str,
    "ratio": str,
    "duration": int,
    "seed": int,
    "generate_audio": bool,
    "watermark": bool,
    "camera_fixed": bool,
    "return_last_frame": bool,
    "service_tier": str,
    "execution_expires_after": int,
    "priority": int,
    "callback_url": str,
    "safety_identifier": str,
}
_FRAMES_PER_SECOND = 24
_MOST_REFERENCES = 9
_LARGEST_PAGE = 500
_WORDS = {"completed": "succeeded", "moderated": "failed"}


class Seedance(Upstream):
    """Tasks of the video generation API."""

    name: ClassVar[str] = "seedance"
    settings: ClassVar[Mapping[str, str]] = {
        "ARK_ENDPOINT": "{url}/api/v3",
        "ARK_API_KEY": "{key}",
    }

    def routes(self) -> list[Route]:
        """See ``Upstream.routes``."""
        return [
            Route(_ROOT, self._create, methods=["POST"], name="create"),
            Route(_ROOT, self._list, methods=["GET"], name="list"),
            Route(f"{_ROOT}/{{id}}", self._status, methods=["GET"], name="status"),
            Route(f"{_ROOT}/{{id}}", self._delete, methods=["DELETE"], name="delete"),
        ]

    def calls(self, job: Job, state: State) -> Iterable[Call]:
        """See ``Upstream.calls``."""
        if state.phase != "gone":
            task = self._task(job, state)
            body = json.dumps(task).encode()
            yield Call(str(task["status"]), body, {"Content-Type": "application/json"})

    async def _create(self, request: Request) -> Response:
        self._enter(request)
        body = await self._body(request)
        model = body.get("model")
        if model not in _MODELS:
            raise _error(
                404,
                "InvalidEndpointOrModel.NotFound",
                f"The model or endpoint {model} does not exist or you do not have access to it.",
            )
        prompt, images = _content_of(body)
        sizes = _SIZES.get(body.setdefault("resolution", "720p"))
        size = None if sizes is None else sizes.get(body.setdefault("ratio", "16:9"))
        if size is None:
            raise _invalid("resolution" if sizes is None else "ratio")
        if body.setdefault("duration", 5) not in _MODELS[str(model)]:
            raise _invalid("duration")
        if asks_for_input_moderation(prompt):
            raise _error(
                400,
                "InputTextSensitiveContentDetected",
                "The request failed because the input text may contain sensitive information.",
            )
        stamp = datetime.fromtimestamp(self.studio.clock.now(), UTC)
        job = self.accept(
            request,
            job_id=f"cgt-{stamp:%Y%m%d%H%M%S}-{uuid.uuid4().hex[:8]}",
            model=str(model),
            prompt=prompt,
            seconds=body["duration"],
            width=size[0],
            height=size[1],
            images=images,
            details={
                "sound": body.setdefault("generate_audio", True),
                "host": f"{request.url.scheme}://{request.url.netloc}",
                "asked": {name: value for name, value in body.items() if name != "content"},
            },
            callback=body.get("callback_url"),
        )
        return JSONResponse({"id": job.id})

    async def _list(self, request: Request) -> Response:
        self._enter(request)
        query = request.query_params
        page, size = query.get("page_num", "1"), query.get("page_size", "10")
        if not (page.isdecimal() and size.isdecimal() and 1 <= int(size) <= _LARGEST_PAGE):
            raise _invalid("page_size")
        tasks = [self._task(job, self.state(job)) for job in self.jobs()]
        wanted = query.getlist("filter.task_ids")
        tasks = [
            task
            for task in tasks
            if query.get("filter.status") in (None, task["status"])
            and query.get("filter.model") in (None, task["model"])
            and (not wanted or task["id"] in wanted)
        ]
        start = (int(page) - 1) * int(size)
        return JSONResponse({"total": len(tasks), "items": tasks[start : start + int(size)]})

    async def _status(self, request: Request) -> Response:
        self._enter(request)
        job = self._known(request)
        return JSONResponse(self._task(job, self.state(job)))

    async def _delete(self, request: Request) -> Response:
        self._enter(request)
        job = self._known(request)
        match self.state(job).phase:
            case "queued":
                self.cancel(job)
            case "running" | "cancelled" as phase:
                raise _error(409, "InvalidAction.RunningTaskDeletion", f"The task is {phase} now.")
            case _:
                self.studio.store.delete(job)
        return JSONResponse({})

    def _task(self, job: Job, state: State = NEW) -> dict[str, Any]:
        word = _WORDS.get(state.phase, state.phase)
        asked = job.details["asked"]
        task: dict[str, Any] = {
            "id": job.id,
            "model": job.model,
            "status": word,
            "created_at": job.created_at,
            "updated_at": job.created_at,
            "resolution": asked["resolution"],
            "ratio": asked["ratio"],
            "duration": job.seconds,
            "framespersecond": _FRAMES_PER_SECOND,
            "generate_audio": asked["generate_audio"],
            "service_tier": asked.get("service_tier", "default"),
            "execution_expires_after": asked.get("execution_expires_after", 172_800),
            "seed": asked.get("seed", job.seq),
        }
        if asked.get("safety_identifier"):
            task["safety_identifier"] = asked["safety_identifier"]
        if word == "succeeded":
            tokens = job.width * job.height * _FRAMES_PER_SECOND * job.seconds // 1024
            task["content"] = {"video_url": f"{job.details['host']}{self.path(job)}"}
            task["usage"] = {"completion_tokens": tokens, "total_tokens": tokens}
        if word == "failed":
            moderated = state.phase == "moderated"
            task["error"] = {
                "code": "OutputVideoSensitiveContentDetected" if moderated else job.directive.error,
                "message": "The request failed because of what the output video may contain."
                if moderated
                else "The service encountered an unexpected internal error.",
            }
        return task

    def _known(self, request: Request) -> Job:
        job = self.find(request.path_params["id"])
        if job is None:
            raise _error(404, "ResourceNotFound", "The specified task is not found.")
        return job

    def _enter(self, request: Request) -> None:
        if not self.is_key(self.bearer(request)):
            raise _error(
                401,
                "AuthenticationError",
                "The API key or AK/SK in the request is missing or invalid.",
            )

    async def _body(self, request: Request) -> dict[str, Any]:
        try:
            body = await request.json()
        except ValueError:
            body = None
        if not isinstance(body, dict):
            raise _invalid("body")
        # The SDK sends null for what it was not given.
        body = {name: value for name, value in body.items() if value is not None}
        for name, value in body.items():
            kind = _FIELDS.get(name)
            wrong = isinstance(value, bool) and kind is not bool
            if kind is None or wrong or not isinstance(value, kind):
                raise _invalid(name)
        return body


def _content_of(body: Mapping[str, Any]) -> tuple[str, list[bytes]]:
    """The prompt, and the pictures: frames or references."""
    texts: list[str] = []
    roles: list[str] = []
    images: list[bytes] = []
    for item in body.get("content", []):
        match item:
            case {"type": "text", "text": str(text)}:
                texts.append(text)
            case {"type": "image_url", "image_url": {"url": url}}:
                roles.append(item.get("role", "first_frame"))
                images.append(_picture(url))
            case _:
                raise _invalid("content")
    framed = [role for role in roles if role != "reference_image"]
    if framed not in ([], ["first_frame"], ["first_frame", "last_frame"]):
        raise _invalid("content.role")
    if (framed and len(framed) < len(roles)) or len(roles) > _MOST_REFERENCES:
        raise _invalid("content")
    if len(texts) > 1 or not (texts or images):
        raise _error(400, "MissingParameter", "The request lacks a required parameter: content.")
    return (texts or [""])[0], images


def _picture(url: object) -> bytes:
    try:
        return picture_of_url(url)
    except Unusable:
        raise _invalid("image_url") from None


def _invalid(field: str) -> ServiceError:
    return _error(
        400,
        "InvalidParameter",
        f"The parameter `{field}` specified in the request is not valid.",
        field,
    )


def _error(status: int, code: str, message: str, param: str = "") -> ServiceError:
    names = {400: "BadRequest", 401: "Unauthorized", 404: "NotFound", 409: "Conflict"}
    text = f"{message} Request ID: {uuid.uuid4().hex}"
    error = {"code": code, "message": text, "param": param, "type": names[status]}
    return ServiceError(status, {"error": error})


UPSTREAM = Seedance
