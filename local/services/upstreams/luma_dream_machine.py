"""Luma's older API, Dream Machine: generations that are listed, deleted and told of by calls.

As Luma's client and its pages "Errors" and "Callbacks" describe it: a call for each change, without
a signature; the list newest first. It would fetch images; here there is nowhere to fetch them from.
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

__all__ = ["UPSTREAM", "LumaDreamMachine"]

_MODELS = ("ray-2", "ray-flash-2")
_RATIOS = ("1:1", "16:9", "9:16", "4:3", "3:4", "21:9", "9:21")
_LINES = {"540p": 540, "720p": 720, "1080p": 1080, "4k": 2160}
_LENGTHS = {"5s": 5, "9s": 9}
_PROMPT = range(3, 5001)
_LARGEST_PAGE = 100
_FIELDS: dict[str, type] = {
    "generation_type": str,
    "model": str,
    "prompt": str,
    "aspect_ratio": str,
    "resolution": str,
    "duration": str,
    "loop": bool,
    "callback_url": str,
    "concepts": list,
    "keyframes": dict,
}


class LumaDreamMachine(Upstream):
    """The videos of Ray 2."""

    name: ClassVar[str] = "luma-dream-machine"
    settings: ClassVar[Mapping[str, str]] = {
        "LUMA_DREAM_MACHINE_ENDPOINT": "{url}/v1",
        "LUMA_DREAM_MACHINE_API_KEY": "{key}",
    }

    def routes(self) -> list[Route]:
        """See ``Upstream.routes``."""
        one = "/v1/generations/{id}"
        return [
            Route("/v1/generations/video", self._create, methods=["POST"], name="create"),
            Route("/v1/generations", self._list, methods=["GET"], name="list"),
            Route(one, self._status, methods=["GET"], name="status"),
            Route(one, self._delete, methods=["DELETE"], name="delete"),
        ]

    def calls(self, job: Job, state: State) -> Iterable[Call]:
        """See ``Upstream.calls``: the generation, when it begins and when it is over."""
        shown = self._generation(job, state)
        if shown["state"] != "queued":
            body = json.dumps(shown).encode()
            yield Call(shown["state"], body, {"Content-Type": "application/json"})

    async def _create(self, request: Request) -> Response:
        self._enter(request)
        try:
            body = await request.json()
        except ValueError:
            raise _error(400, "Invalid JSON body") from None
        _check(body)
        model, prompt = body.get("model"), body.get("prompt", "")
        if model not in _MODELS:
            raise _error(400, f"Unknown model: {model}")
        if len(prompt) not in _PROMPT:
            bound = "short, minimum" if len(prompt) < _PROMPT.start else "long, maximum"
            length = _PROMPT.start if len(prompt) < _PROMPT.start else _PROMPT.stop - 1
            raise _error(400, f"Prompt is too {bound} length is {length} characters")
        if body.get("keyframes"):
            raise _error(400, "Failed to read user input frames")
        if asks_for_input_moderation(prompt):
            raise _error(400, "Advanced prompt moderation failed")
        seconds = _LENGTHS.get(body.get("duration", "5s"))
        lines = _LINES.get(body.get("resolution", "720p"))
        ratio = body.get("aspect_ratio", "16:9")
        if seconds is None or lines is None or ratio not in _RATIOS:
            raise _error(400, "Unknown duration, resolution or aspect_ratio")
        width, height = _shape(ratio, lines)
        job = self.accept(
            request,
            job_id=str(uuid.uuid4()),
            model=model,
            prompt=prompt,
            seconds=seconds,
            width=width,
            height=height,
            details={
                "request": {"generation_type": "video", **body},
                "base": f"{request.url.scheme}://{request.url.netloc}",
            },
            callback=body.get("callback_url"),
        )
        return JSONResponse(self._generation(job, NEW), 201)

    async def _list(self, request: Request) -> Response:
        self._enter(request)
        limit, offset = (
            _number(request.query_params.get(name), default)
            for name, default in (("limit", 10), ("offset", 0))
        )
        jobs = list(self.jobs())
        shown = jobs[offset : offset + min(limit, _LARGEST_PAGE)]
        return JSONResponse(
            {
                "generations": [self._generation(job, self.state(job)) for job in shown],
                "count": len(shown),
                "limit": limit,
                "offset": offset,
                "has_more": offset + len(shown) < len(jobs),
            }
        )

    async def _status(self, request: Request) -> Response:
        job = self._found(request)
        return JSONResponse(self._generation(job, self.state(job)))

    async def _delete(self, request: Request) -> Response:
        self.studio.store.delete(self._found(request))
        return Response(status_code=204)

    def _found(self, request: Request) -> Job:
        self._enter(request)
        job = self.find(request.path_params["id"])
        if job is None:
            raise _error(404, "Generation not found")
        return job

    def _generation(self, job: Job, state: State) -> dict[str, Any]:
        word = {"queued": "queued", "running": "dreaming", "completed": "completed"}
        reason = {"moderated": "Frame moderation failed"}.get(state.phase, "Job failed")
        shown = word.get(state.phase, "failed")
        made = datetime.fromtimestamp(job.created_at, UTC)
        link = f"{job.details['base']}{self.path(job)}"
        return {
            "id": job.id,
            "generation_type": "video",
            "state": shown,
            "failure_reason": reason if shown == "failed" else None,
            "created_at": made.isoformat().replace("+00:00", "Z"),
            "assets": {"video": link} if shown == "completed" else None,
            "model": job.model,
            "request": job.details["request"],
        }

    def _enter(self, request: Request) -> None:
        given = self.bearer(request)
        if given is None:
            raise _error(403, "Not authenticated")
        if not self.is_key(given):
            raise _error(401, "Invalid API key")


def _check(body: object) -> None:
    """Every field is known and of its type; null stands for one that is left out."""
    if not isinstance(body, dict):
        raise _error(422, "body: must be an object")
    for name, value in list(body.items()):
        if name not in _FIELDS:
            raise _error(422, f"{name}: unknown field")
        if value is None:
            del body[name]
        elif type(value) is not _FIELDS[name]:
            raise _error(422, f"{name}: invalid type")


def _number(given: str | None, default: int) -> int:
    if given is None:
        return default
    if not given.isdecimal() or len(given) > 9:
        raise _error(422, "limit and offset must be numbers")
    return int(given)


def _shape(ratio: str, lines: int) -> tuple[int, int]:
    """Width and height, in even numbers."""
    across, down = map(int, ratio.split(":"))
    longer = round(lines * max(across, down) / min(across, down) / 2) * 2
    return (longer, lines) if across >= down else (lines, longer)


def _error(status: int, detail: str) -> ServiceError:
    return ServiceError(status, {"detail": detail})


UPSTREAM = LumaDreamMachine
