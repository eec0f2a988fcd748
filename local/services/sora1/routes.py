"""The routes of Sora 1 under ``/openai/v1/video/generations``."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.services.bodies import read_body
from local.services.content import padded_source, plain_source, respond
from local.services.directives import asks_for_content_filter, asks_for_input_moderation
from local.services.jobs import NEW, Job, State
from local.services.sora1 import validation as check
from local.services.sora1.errors import bad_parameter, flat_error, moderated, not_found
from local.services.sora1.wire import (
    STATUSES,
    generation_object,
    job_object,
    job_of_generation,
    status_of,
)
from local.services.studio import Order, Studio

_ROOT = "/openai/v1/video/generations"
_PAGE = 10
_LARGEST_PAGE = 100


class Sora1:
    """Jobs, and the generations that come out of them."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    def routes(self) -> list[Route]:
        """All routes; the fixed paths come before those with an id."""
        content = f"{_ROOT}/{{generation_id}}/content"
        return [
            Route(f"{_ROOT}/jobs", self._create, methods=["POST"]),
            Route(f"{_ROOT}/jobs", self._list, methods=["GET"]),
            Route(f"{_ROOT}/jobs/{{job_id}}", self._retrieve, methods=["GET"]),
            Route(f"{_ROOT}/jobs/{{job_id}}", self._delete, methods=["DELETE"]),
            Route(f"{_ROOT}/{{generation_id}}", self._generation, methods=["GET"]),
            Route(f"{content}/video", self._video, methods=["GET", "HEAD"]),
            Route(f"{content}/thumbnail", self._thumbnail, methods=["GET", "HEAD"]),
        ]

    async def _create(self, request: Request) -> Response:
        authorization = self._enter(request)
        body = await read_body(request)
        check.check_known(body)
        deployment = check.text(body, "model")
        model = self._studio.deployment(deployment, "sora-1")
        prompt = check.prompt_of(body)
        shape = check.shape_of(body)
        inputs, references = check.inputs_of(body, shape, self._studio.library)
        if asks_for_input_moderation(prompt) or asks_for_content_filter(prompt):
            raise moderated(prompt)
        order = Order(
            api="sora-1",
            kind="create",
            deployment=deployment,
            model=model,
            prompt=prompt,
            seconds=shape.seconds,
            width=shape.width,
            height=shape.height,
            inputs=inputs,
            references=references,
            variants=shape.variants,
        )
        job = self._studio.accept(order, request, authorization)
        return JSONResponse(job_object(self._studio, job, NEW), status_code=201)

    async def _list(self, request: Request) -> Response:
        self._enter(request)
        query = request.query_params
        limit = _limit(query.get("limit", str(_PAGE)))
        wanted = {part for part in query.get("statuses", "").split(",") if part}
        if not wanted <= STATUSES:
            raise bad_parameter("statuses", f"A status is one of {', '.join(sorted(STATUSES))}.")
        jobs = self._present(wanted)
        after, before = query.get("after"), query.get("before")
        if after is not None:
            jobs = jobs[_position(jobs, after) + 1 :]
        if before is not None:
            jobs = jobs[: _position(jobs, before)]
        page = [job_object(self._studio, job, state) for job, state in jobs[:limit]]
        return JSONResponse(
            {
                "object": "list",
                "data": page,
                "has_more": len(jobs) > limit,
                "first_id": page[0]["id"] if page else None,
                "last_id": page[-1]["id"] if page else None,
            }
        )

    async def _retrieve(self, request: Request) -> Response:
        self._enter(request)
        return JSONResponse(job_object(self._studio, self._find(request.path_params["job_id"])))

    async def _delete(self, request: Request) -> Response:
        self._enter(request)
        self._studio.store.delete(self._find(request.path_params["job_id"]))
        return Response(status_code=204)

    async def _generation(self, request: Request) -> Response:
        self._enter(request)
        job, variant = self._find_generation(request.path_params["generation_id"])
        return JSONResponse(generation_object(job, variant))

    async def _video(self, request: Request) -> Response:
        self._enter(request)
        quality = request.query_params.get("quality", "high")
        if quality not in ("high", "low"):
            raise bad_parameter("quality", f"'quality' must be 'high' or 'low'; got '{quality}'.")
        job, variant = self._find_generation(request.path_params["generation_id"])
        spec = replace(job.spec(variant), low_quality=quality == "low")
        files = await self._studio.library.make(spec)
        source = padded_source(files.video, job.directive.bytes or 0)
        return respond(request, source, "video/mp4", spec.key, job.directive)

    async def _thumbnail(self, request: Request) -> Response:
        self._enter(request)
        job, variant = self._find_generation(request.path_params["generation_id"])
        if "thumbnail" not in job.directive.variants:
            raise not_found("The thumbnail of generation", request.path_params["generation_id"])
        spec = job.spec(variant)
        source = plain_source(self._studio.library.files(spec).thumbnail)
        return respond(request, source, "image/jpg", f"{spec.key}-thumbnail", job.directive)

    def _enter(self, request: Request) -> str:
        authorization = self._studio.authorize(request)
        self._studio.check_version(request, required=True)
        return authorization

    def _find(self, job_id: str) -> Job:
        job = self._studio.store.get(job_id)
        if job is None or job.api != "sora-1":
            raise not_found("Job", job_id)
        self._studio.check_not_retired(job.deployment)
        if self._studio.state(job).phase == "gone":
            raise not_found("Job", job_id)
        return job

    def _find_generation(self, wanted: str) -> tuple[Job, int]:
        named = job_of_generation(wanted)
        job = self._studio.store.get(named[0]) if named else None
        if job is None or named is None or job.api != "sora-1" or named[1] >= job.variants:
            raise not_found("Generation", wanted)
        self._studio.check_not_retired(job.deployment)
        if self._studio.state(job).phase != "completed":
            raise not_found("Generation", wanted)
        return job, named[1]

    def _present(self, wanted: set[str]) -> list[tuple[Job, State]]:
        found = []
        for job in self._studio.store.newest():
            if job.api != "sora-1":
                continue
            state = self._studio.state(job)
            if state.phase != "gone" and (not wanted or status_of(state) in wanted):
                found.append((job, state))
        return found


def _position(jobs: list[tuple[Job, Any]], job_id: str) -> int:
    for position, (job, _) in enumerate(jobs):
        if job.id == job_id:
            return position
    raise not_found("Job", job_id)


def _limit(given: str) -> int:
    if not given.isascii() or not given.isdigit() or not 1 <= int(given) <= _LARGEST_PAGE:
        raise flat_error(
            400,
            f"'limit' must be from 1 to {_LARGEST_PAGE}; got '{given}'.",
            code="invalid_value",
            param="limit",
        )
    return int(given)
