"""Self-hosted servers of OpenAI's videos protocol, each below a path of its own.

As their sources have it: vLLM-Omni 0.30.0 (``entrypoints/openai/api_server.py``; its errors in the
envelope of vLLM's own server, and started with ``--api-key``), SGLang 0.5.23
(``multimodal_gen/runtime/entrypoints/openai/video_api.py``), also with a cloud storage, and
FastVideo 0.2.1 (``entrypoints/openai/video_api.py``). All keep their jobs in memory: a restart
loses them.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.services.bodies import Body, Upload, image_size, read_body
from local.services.errors import ServiceError
from local.services.jobs import Job
from local.services.upstreams.base import Upstream
from local.services.upstreams.openai_videos_servers import SERVERS, Server

__all__ = ["UPSTREAM", "OpenAIVideos"]

_NOT_FOUND = "Video not found"
_WORDS = {
    "queued": "queued",
    "running": "in_progress",
    "completed": "completed",
    "failed": "failed",
    "moderated": "failed",
}
_ACTIVE = {"queued", "in_progress"}


class OpenAIVideos(Upstream):
    """A server for each model: ``/vllm-omni/v1/videos``, ``/sglang/v1/videos`` and so on."""

    name: ClassVar[str] = "openai-videos"
    settings: ClassVar[Mapping[str, str]] = {
        "VLLM_OMNI_WAN_ENDPOINT": "{url}/vllm-omni",
        "VLLM_OMNI_H3_ENDPOINT": "{url}/vllm-omni-h3",
        "VLLM_OMNI_LTX_ENDPOINT": "{url}/vllm-omni-ltx",
        "VLLM_OMNI_CREDENTIAL": "bearer",
        "VLLM_OMNI_API_KEY": "{key}",
        "SGLANG_ENDPOINT": "{url}/sglang",
    }

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._known: dict[str, str] = {}
        """Which server has which job; gone with the process, as theirs are."""

    def routes(self) -> list[Route]:
        """See ``Upstream.routes``."""
        return [route for server in SERVERS for route in self._of(server)]

    def _of(self, server: Server) -> list[Route]:
        videos = f"/{server.name}/v1/videos"

        def route(path: str, name: str, method: str, answer: Callable[..., Any]) -> Route:
            async def endpoint(request: Request) -> Response:
                try:
                    if server.needs_key and not self.is_key(self.bearer(request)):
                        return JSONResponse({"error": "Unauthorized"}, status_code=401)
                    found: Response = await answer(server, request)
                except _Refused as refused:
                    return _error(server, refused)
                return found

            return Route(f"{videos}{path}", endpoint, methods=[method], name=name)

        return [
            route("", "create", "POST", self._create),
            route("", "list", "GET", self._list),
            route("/{id}", "status", "GET", self._status),
            route("/{id}", "delete", "DELETE", self._delete),
            route("/{id}/content", "content", "GET", self._content),
        ]

    # -- create

    async def _create(self, server: Server, request: Request) -> Response:
        body = await read_body(request) if _has_form(request) else await _json_of(request)
        if server.multipart_only and not body.is_form:
            body = Body({}, is_form=True)  # a form's fields are not in a body of JSON
        asked = _checked(server, body)
        if server.knows_model and asked.model not in (None, server.model):
            raise _Refused(
                400,
                f"Model mismatch: request specifies '{asked.model}' but server is running "
                f"'{server.model}'.",
            )
        width, height = asked.width_and_height
        images = _images_of(server, body)
        job = self.accept(
            request,
            job_id=f"video_gen_{uuid.uuid4().hex}" if server.echoes_prompt else uuid.uuid4().hex,
            model=asked.model or server.model,
            prompt=asked.prompt,
            seconds=asked.length,
            width=width,
            height=height,
            images=[image.data for image in images],
            details={
                "server": server.name,
                "fields": asked.model_dump(exclude_none=True, exclude={"prompt"}),
                "failure": server.failure_of(asked, len(images)),
            },
        )
        self._known[job.id] = server.name
        return JSONResponse(self._view(server, request, job))

    # -- one job

    async def _status(self, server: Server, request: Request) -> Response:
        job = self._job(server, request)
        view = self._view(server, request, job)
        if not (server.fails_with_status and view["status"] == "failed"):
            return JSONResponse(view)
        view["error"]["code"] = status = _failure(job)[0]
        return JSONResponse(view, status_code=status)

    async def _delete(self, server: Server, request: Request) -> Response:
        job = self._job(server, request)
        view = self._view(server, request, job)
        del self._known[job.id]
        if not server.stops:
            return JSONResponse({**view, "status": "deleted"})
        if view["status"] in _ACTIVE:
            self.cancel(job)
        return JSONResponse({"id": job.id, "deleted": True, "object": "video.deleted"})

    async def _content(self, server: Server, request: Request) -> Response:
        job = self._job(server, request)
        view = self._view(server, request, job)
        if view["status"] == "failed":
            raise _Refused(*server.content_failed)
        if view["status"] != "completed":
            raise _Refused(404, server.content_pending)
        if server.variant_is_index:
            variant = request.query_params.get("variant", "0")
            if not variant.isdecimal() or int(variant) > 0:
                raise _Refused(404, f"Video variant {variant} not found")
        if server.in_cloud:
            raise _Refused(
                400,
                "Video has been uploaded to cloud storage. Please use the cloud URL: "
                f"{view['url']}",
            )
        return self.video(request, job)

    def _job(self, server: Server, request: Request) -> Job:
        job_id = request.path_params["id"]
        job = self.find(job_id) if self._known.get(job_id) == server.name else None
        if job is None:
            raise _Refused(404, _NOT_FOUND)
        return job

    # -- the list

    async def _list(self, server: Server, request: Request) -> Response:
        limit, after, order = _page_of(server, request)
        jobs = [job for job in self.jobs() if self._known.get(job.id) == server.name]
        if order == "asc":
            jobs.reverse()
        if after is not None:
            ids = [job.id for job in jobs]
            jobs = jobs[ids.index(after) + 1 :] if after in ids else []
        page = jobs if limit is None else jobs[:limit]
        views = [self._view(server, request, job) for job in page]
        document: dict[str, Any] = {"data": views, "object": "list"}
        if server.pages:
            document["first_id"] = page[0].id if page else None
            document["last_id"] = page[-1].id if page else None
            document["has_more"] = len(jobs) > len(page)
        return JSONResponse(document)

    def _view(self, server: Server, request: Request, job: Job) -> dict[str, Any]:
        """The job as its server shows it."""
        state = self.state(job)
        status = _WORDS.get(state.phase, "failed")
        is_over = self.studio.clock.sim() >= job.due_sim
        if job.details["failure"] and is_over:
            status = "failed"
        view: dict[str, Any] = {
            "id": job.id,
            "object": "video",
            "model": job.model,
            "status": status,
            "progress": 0 if status == "failed" else state.progress,
            "created_at": job.created_at,
            "size": job.size,
            "seconds": str(job.seconds),
            "quality": server.quality,
            "completed_at": None if status in _ACTIVE else self.studio.finished_at(job),
            "error": None,
        }
        if status == "failed":
            code, message = _failure(job)
            view["error"] = {"code": code, "message": message}
            if not server.fails_with_status:
                del view["error"]["code"]
        if server.echoes_prompt:
            view |= {"prompt": job.prompt, "media_type": "video/mp4", "expires_at": None}
        else:
            done_in_cloud = server.in_cloud and status == "completed"
            view |= {"url": self.link(request, job) if done_in_cloud else None, "file_path": None}
        return view


class _Refused(Exception):
    """Ends a request as FastAPI's ``HTTPException`` does; ``detail`` a text or a list."""

    def __init__(self, status: int, detail: Any) -> None:
        super().__init__(status, detail)
        self.status = status
        self.detail = detail


def _error(server: Server, refused: _Refused) -> Response:
    if not server.has_envelope:
        return JSONResponse({"detail": refused.detail}, status_code=refused.status)
    # vLLM's server has handlers of its own: what FastAPI finds wrong is a 400 there.
    is_list = isinstance(refused.detail, list)
    status = 400 if is_list else refused.status
    error = {
        "message": str(refused.detail),
        "type": "Bad Request" if status == 400 else "Error",
        "param": None,
        "code": status,
    }
    return JSONResponse({"error": error}, status_code=status)


def _failure(job: Job) -> tuple[int, str]:
    if job.details["failure"]:
        status, message = job.details["failure"]
        return int(status), str(message)
    return 500, f"Generation failed: {job.directive.error}"


def _has_form(request: Request) -> bool:
    return "multipart/form-data" in request.headers.get("content-type", "").lower()


async def _json_of(request: Request) -> Body:
    """The JSON of a request; these servers take what is none for an empty object."""
    try:
        document = json.loads(await request.body())
    except ValueError:
        document = {}
    return Body(dict(document) if isinstance(document, dict) else {})


def _checked(server: Server, body: Body) -> Any:
    try:
        asked: BaseModel = server.form.model_validate(body.fields)
    except ValidationError as error:
        if not body.is_form:
            raise _Refused(400, f"Invalid request body: {error}") from None
        found = json.loads(error.json(include_url=False))
        raise _Refused(422, [{**e, "loc": ["body", *e["loc"]]} for e in found]) from None
    return asked


def _images_of(server: Server, body: Body) -> list[Upload]:
    """The images of a form; other files are not read."""
    images = [image for name in server.images for image in body.files.get(name, [])]
    try:
        for image in images:
            image_size(image, "input_reference")
    except ServiceError:
        raise _Refused(400, "Invalid input reference.") from None
    return images


def _page_of(server: Server, request: Request) -> tuple[int | None, str | None, str]:
    query = request.query_params
    given = query.get("limit", server.default_limit)
    order = query.get("order", "desc")
    if given is not None and not (str(given).isdecimal() and 1 <= int(given) <= 100):
        wrong = {"type": "int_parsing", "loc": ["query", "limit"], "msg": "1 to 100"}
        raise _Refused(422, [wrong])
    if server.pages and order not in ("asc", "desc"):
        wrong = {"type": "literal_error", "loc": ["query", "order"], "msg": "'asc' or 'desc'"}
        raise _Refused(422, [wrong])
    return None if given is None else int(given), query.get("after"), order


UPSTREAM = OpenAIVideos
