"""Another Dailies, as its callers see it: the videos protocol, with creates that have a key.

Its own tests are in ``tests/integration/api``; here is what a provider of this one needs of it: the
same key and body give the same video, the same key and another body a conflict, and a file is a
redirect to a storage that takes no credential.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from local.services.bodies import Body, read_body
from local.services.errors import missing_parameter, openai_error
from local.services.jobs import Job
from local.services.sora2.moderation import check_moderation
from local.services.upstreams.base import Upstream

__all__ = ["UPSTREAM", "OtherDailies"]

_WORDS = {"queued": "queued", "running": "in_progress", "completed": "completed"}
_CODES = {"moderated": "moderation_blocked", "cancelled": "cancelled", "expired": "expired"}


class OtherDailies(Upstream):
    """``/v1/videos`` and what is below it."""

    name: ClassVar[str] = "other-dailies"
    settings: ClassVar[Mapping[str, str]] = {
        "OTHER_DAILIES_ENDPOINT": "{url}",
        "OTHER_DAILIES_API_KEY": "{key}",
    }

    def routes(self) -> list[Route]:
        """See ``Upstream.routes``."""
        return [
            Route("/v1/videos", self._create, methods=["POST"], name="create"),
            Route("/v1/videos/{id}", self._retrieve, methods=["GET"], name="status"),
            Route("/v1/videos/{id}", self._delete, methods=["DELETE"], name="delete"),
            Route("/v1/videos/{id}/content", self._content, methods=["GET"], name="content"),
        ]

    async def _create(self, request: Request) -> Response:
        self._enter(request)
        body = await read_body(request)
        asked = _digest(body)
        key = request.headers.get("idempotency-key")
        if (known := self._of_key(key)) is not None:
            if known.details["body"] != asked:
                raise openai_error(
                    409,
                    "This Idempotency-Key was used before with another request.",
                    code="idempotency_key_reused",
                )
            return JSONResponse(self._view(known), headers={"Idempotent-Replayed": "true"})
        prompt, model = (self._text(body.fields, name) for name in ("prompt", "model"))
        check_moderation(prompt)
        width, _, height = str(body.fields.get("size", "720x1280")).partition("x")
        job = self.accept(
            request,
            job_id=f"video_{uuid.uuid4().hex}",
            model=model,
            prompt=prompt,
            seconds=int(body.fields.get("seconds", "4")),
            width=int(width),
            height=int(height),
            images=[file.data for file in body.files.get("input_reference", [])],
            details={"key": key, "body": asked},
        )
        return JSONResponse(self._view(job))

    async def _retrieve(self, request: Request) -> Response:
        self._enter(request)
        return JSONResponse(self._view(self._find(request)))

    async def _delete(self, request: Request) -> Response:
        self._enter(request)
        job = self._find(request)
        if self.state(job).active:
            self.cancel(job)
        else:
            self.studio.store.delete(job)
        return JSONResponse({"id": job.id, "object": "video.deleted", "deleted": True})

    async def _content(self, request: Request) -> Response:
        self._enter(request)
        job = self._find(request)
        if self.state(job).phase != "completed":
            raise openai_error(404, "The video is not ready.", code="video_not_ready")
        if request.query_params.get("variant", "video") != "video":
            raise openai_error(404, "There is no such file.", code="variant_not_found")
        return RedirectResponse(self.link(request, job), status_code=302)

    def _enter(self, request: Request) -> None:
        if not self.is_key(request.headers.get("api-key") or self.bearer(request)):
            raise openai_error(401, "Incorrect API key provided.", code="invalid_api_key")

    def _of_key(self, key: str | None) -> Job | None:
        return next((job for job in self.jobs() if key and job.details["key"] == key), None)

    def _find(self, request: Request) -> Job:
        job = self.find(request.path_params["id"])
        if job is None:
            raise openai_error(404, "There is no such video.", code="video_not_found")
        return job

    @staticmethod
    def _text(fields: Mapping[str, Any], name: str) -> str:
        value = fields.get(name)
        if not isinstance(value, str) or not value:
            raise missing_parameter(name)
        return value

    def _view(self, job: Job) -> dict[str, Any]:
        state = self.state(job)
        status = _WORDS.get(state.phase, "failed")
        code = _CODES.get(state.phase, job.directive.error)
        failed = status == "failed"
        return {
            "id": job.id,
            "object": "video",
            "model": job.model,
            "status": status,
            "progress": state.progress,
            "created_at": job.created_at,
            "completed_at": self.studio.finished_at(job) if status == "completed" else None,
            "seconds": str(job.seconds),
            "size": job.size,
            "prompt": job.prompt,
            "error": {"code": code, "message": "The provider could not."} if failed else None,
        }


UPSTREAM = OtherDailies


def _digest(body: Body) -> str:
    """Equal for requests that ask for the same: a form has another boundary each time."""
    files = {
        name: [hashlib.sha256(file.data).hexdigest() for file in files]
        for name, files in body.files.items()
    }
    document = json.dumps([body.fields, files], sort_keys=True)
    return hashlib.sha256(document.encode()).hexdigest()
