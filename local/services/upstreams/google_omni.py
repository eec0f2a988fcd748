"""Google's Interactions API, as far as Gemini Omni makes videos by it, on both surfaces.

``/v1beta/interactions`` (and ``/v1/…``) takes a key; ``/v1beta1/projects/…/interactions`` takes a
token of ``google_cloud``, and writes to its bucket. As the types of google-genai and what users
report say: an unknown id is a 400, a duration is a text with a unit, a refusal is a completed
interaction in which the model speaks, files are redirected to, and addresses to be called are taken
and never called. Interactions that do not run in the background are not played.
"""

from __future__ import annotations

import base64
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from local.services.directives import asks_for_input_moderation
from local.services.errors import ServiceError
from local.services.jobs import Job
from local.services.upstreams.base import Upstream
from local.services.upstreams.google_cloud import check_access, rpc_error
from local.services.upstreams.google_order import Order

__all__ = ["UPSTREAM", "GoogleOmni"]

_MODELS = ("gemini-omni-1.2-flash", "gemini-omni-1.1-flash")
_TOKENS_OF_A_SECOND = {360: 1931, 720: 5792, 1080: 8688, 2160: 17_376}


class GoogleOmni(Upstream):
    """The interactions of Gemini Omni."""

    name: ClassVar[str] = "google-omni"
    settings: ClassVar[Mapping[str, str]] = {
        "GEMINI_ENDPOINT": "{url}",
        "GEMINI_API_KEY": "{key}",
        "VERTEX_ENDPOINT": "{url}",
    }

    def routes(self) -> list[Route]:
        """See ``Upstream.routes``."""
        roots = ("/v1", "/v1beta", "/v1beta1/projects/{project}/locations/{location}")
        file = "files/{id}:download"
        return [
            *(route for root in roots for route in self._interactions(f"{root}/interactions")),
            Route(f"/v1/{file}", self._file_link, methods=["GET"], name="content"),
            Route(f"/v1beta/{file}", self._file_link, methods=["GET"], name="content"),
            Route(f"/download/v1beta/{file}", self._file_of, methods=["GET"], name="content"),
        ]

    def _interactions(self, path: str) -> list[Route]:
        return [
            Route(path, self._create, methods=["POST"], name="create"),
            Route(f"{path}/{{id}}", self._get, methods=["GET"], name="status"),
            Route(f"{path}/{{id}}", self._delete, methods=["DELETE"], name="delete"),
            Route(f"{path}/{{id}}/cancel", self._cancel, methods=["POST"], name="delete"),
        ]

    async def _create(self, request: Request) -> Response:
        self._enter(request)
        try:
            order = Order(await self.json(request), is_cloud="project" in request.path_params)
        except ValueError as error:
            raise _error(400, "invalid_request", str(error)) from None
        if order.model not in _MODELS:
            raise rpc_error(
                404,
                f"models/{order.model} is not found for API version v1beta, or is not supported "
                "for interactions.",
            )
        if asks_for_input_moderation(order.prompt):
            raise _error(400, "invalid_request", "The prompt was blocked by the safety filters.")
        job_id = f"v1_{uuid.uuid4().hex}"
        folder = order.form.get("gcs_uri")
        job = self.accept(
            request,
            job_id=job_id,
            model=order.model,
            prompt=order.prompt,
            seconds=order.seconds,
            width=order.width,
            height=order.height,
            images=order.images,
            details={
                "inline": order.form.get("delivery", "inline") == "inline",
                "gcs": folder and f"{folder.rstrip('/')}/{job_id}/video.mp4",
                "labels": order.body.get("labels"),
                "webhook_config": order.body.get("webhook_config"),
            },
        )
        return JSONResponse(self._interaction(request, job))

    async def _get(self, request: Request) -> Response:
        return JSONResponse(self._interaction(request, self._known(request)))

    async def _cancel(self, request: Request) -> Response:
        job = self._known(request)
        if self.state(job).phase not in ("queued", "running"):
            raise _error(
                400, "failed_precondition", "Only interactions in progress can be cancelled."
            )
        self.cancel(job)
        return JSONResponse(self._interaction(request, self._known(request)))

    async def _delete(self, request: Request) -> Response:
        self.studio.store.delete(self._known(request))
        return JSONResponse({})

    async def _file_link(self, request: Request) -> Response:
        """The way to a file; the place that it leads to wants the key as well."""
        self._file_job(request)
        path = f"/upstreams/{self.name}/download/v1beta/files/{request.path_params['id']}:download"
        return RedirectResponse(f"{path}?alt=media", status_code=302)

    async def _file_of(self, request: Request) -> Response:
        return self.video(request, self._file_job(request))

    def _file_job(self, request: Request) -> Job:
        self._enter(request)
        job = self.find(f"v1_{request.path_params['id']}")
        if job is None or self.state(job).phase != "completed":
            raise rpc_error(404, "Requested entity was not found.")
        return job

    def _enter(self, request: Request) -> None:
        if "project" in request.path_params:
            check_access(self, request)
            return
        given = request.headers.get("x-goog-api-key")
        if given is None:
            raise rpc_error(
                403,
                "Method doesn't allow unregistered callers (callers without established identity).",
            )
        if not self.is_key(given):
            raise rpc_error(
                400, "API key not valid. Please pass a valid API key.", reason="API_KEY_INVALID"
            )

    def _known(self, request: Request) -> Job:
        self._enter(request)
        job = self.find(request.path_params["id"])
        if job is None or bool(job.details["gcs"]) != ("project" in request.path_params):
            raise _error(
                400, "invalid_request", f"Interaction {request.path_params['id']} not found."
            )
        return job

    def _interaction(self, request: Request, job: Job) -> dict[str, Any]:
        phase = self.state(job).phase
        document: dict[str, Any] = {
            "id": job.id,
            "object": "interaction",
            "model": job.model,
            "service_tier": "standard",
            "created": _iso(job.created_at),
            "updated": _iso(job.created_at),
        }
        for name in ("labels", "webhook_config"):
            if job.details[name]:
                document[name] = job.details[name]
        match phase:
            case "queued" | "running":
                return {**document, "status": "in_progress"}
            case "completed":
                output = self._video_block(request, job)
            case "moderated":
                said = "I can't make this video: it may violate the safety guidelines."
                output = {"type": "text", "text": said}
            case "failed":
                error = {"code": job.directive.error, "message": "The model failed to answer."}
                return {**document, "status": "failed", "errors": [error]}
            case "cancelled":
                return {**document, "status": "cancelled"}
            case _:
                return {**document, "status": "incomplete"}
        tokens = job.seconds * _TOKENS_OF_A_SECOND[min(job.width, job.height)]
        return {
            **document,
            "status": "completed",
            "updated": _iso(self.studio.finished_at(job)),
            "steps": [
                {"type": "thought", "signature": "c2lnbmF0dXJl"},
                {"type": "model_output", "content": [output]},
            ],
            "usage": {
                "total_output_tokens": tokens,
                "output_tokens_by_modality": [{"modality": output["type"], "tokens": tokens}],
            },
        }

    def _video_block(self, request: Request, job: Job) -> dict[str, Any]:
        block = {"type": "video", "mime_type": "video/mp4"}
        if job.details["inline"]:
            data = self.studio.library.files(job.spec()).video.read_bytes()
            return {**block, "data": base64.b64encode(data).decode("ascii")}
        if job.details["gcs"]:
            return {**block, "uri": job.details["gcs"]}
        place = f"{request.url.scheme}://{request.url.netloc}/upstreams/{self.name}"
        return {**block, "uri": f"{place}/v1beta/files/{job.id[3:]}:download?alt=media"}


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _error(status: int, code: str, message: str) -> ServiceError:
    """An error in the form of the Interactions API."""
    return ServiceError(status, {"error": {"code": code, "message": message}})


UPSTREAM = GoogleOmni
