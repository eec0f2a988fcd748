"""fal's queue: ``POST /{owner}/{app}/{path}``, then ``…/requests/{id}``, ``/status``, ``/cancel``.

As ``https://queue.fal.run`` is described by fal and read by fal_client 1.0.3. The queue takes any
JSON for a model that it has: what is wrong with it is found by the model, so the request completes
and its result is the 422. Calls are signed with a key whose public half is at
``/.well-known/jwks.json``. Unlike fal, perhaps, models refuse fields that they do not know.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.services.directives import caption
from local.services.errors import ServiceError
from local.services.jobs import Job, State
from local.services.studio import Studio
from local.services.upstreams.base import Call, Upstream
from local.services.upstreams.fal_models import MODELS, Wanted

__all__ = ["UPSTREAM", "Fal"]

_USER = "user_simulated"
_NOTHING = Wanted(1, 1280, 720, (), False)
_DOCS = "https://docs.fal.ai/errors#content_policy_violation"


class Fal(Upstream):
    """The queue, for the models that are known here."""

    name: ClassVar[str] = "fal"
    settings: ClassVar[Mapping[str, str]] = {
        "FAL_ENDPOINT": "{url}",
        "FAL_API_KEY": "{key}",
        "FAL_WEBHOOK_KEYS": "{url}/.well-known/jwks.json",
    }

    def __init__(self, studio: Studio, key: str) -> None:
        super().__init__(studio, key)
        self._signs = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(key.encode()).digest())

    def routes(self) -> list[Route]:
        """See ``Upstream.routes``."""
        at = "/{owner}/{app}/requests/{id}"
        return [
            Route("/.well-known/jwks.json", self._jwks, methods=["GET"], name="keys"),
            Route(f"{at}/status", self._status, methods=["GET"], name="status"),
            Route(f"{at}/cancel", self._cancel, methods=["PUT"], name="delete"),
            Route(at, self._result, methods=["GET"], name="content"),
            Route("/{model:path}", self._submit, methods=["POST"], name="create"),
        ]

    def calls(self, job: Job, state: State) -> Iterable[Call]:
        """See ``Upstream.calls``: one call, when the request is over."""
        if state.active or state.phase == "gone":
            return
        status, payload = self._answer(job, state)
        is_well = status < 400
        document = {
            "request_id": job.id,
            "gateway_request_id": job.id,
            "status": "OK" if is_well else "ERROR",
            "payload": payload,
            "error": None if is_well else f"Invalid status code: {status}",
        }
        body = json.dumps(document).encode()
        sent = str(int(self.studio.clock.now()))
        message = "\n".join((job.id, _USER, sent, hashlib.sha256(body).hexdigest()))
        headers = {
            "Content-Type": "application/json",
            "X-Fal-Webhook-Request-Id": job.id,
            "X-Fal-Webhook-User-Id": _USER,
            "X-Fal-Webhook-Timestamp": sent,
            "X-Fal-Webhook-Signature": self._signs.sign(message.encode()).hex(),
        }
        yield Call("completed", body, headers)

    async def _jwks(self, request: Request) -> Response:
        raw = self._signs.public_key().public_bytes_raw()
        public = urlsafe_b64encode(raw).decode().rstrip("=")
        key = {"kty": "OKP", "crv": "Ed25519", "kid": "1", "use": "sig", "x": public}
        return JSONResponse({"keys": [key]})

    async def _submit(self, request: Request) -> Response:
        path = request.path_params["model"]
        self._enter(request, path)
        if path not in MODELS:
            raise ServiceError(404, {"detail": f"Application '{path}' not found"})
        inputs = await self._inputs(request)
        problems = MODELS[path].problems(inputs)
        wanted = _NOTHING if problems else MODELS[path].wanted(inputs)
        prompt = inputs.get("prompt")
        text = prompt if isinstance(prompt, str) else ""
        owner, app = path.split("/")[:2]
        job = self.accept(
            request,
            job_id=str(uuid.uuid4()),
            model=path,
            # What is wrong is found when the model runs, and nothing is rendered.
            prompt=f"{caption(text)} [sim render=1 outcome=failed]" if problems else text,
            seconds=wanted.seconds,
            width=wanted.width,
            height=wanted.height,
            images=wanted.images,
            details={
                "app": f"{owner}/{app}",
                "base": f"{request.url.scheme}://{request.url.netloc}",
                "sound": wanted.sound,
                "problems": problems,
                "no_retry": request.headers.get("x-fal-no-retry"),
            },
            callback=request.query_params.get("fal_webhook"),
        )
        return JSONResponse({"status": "IN_QUEUE", "queue_position": 0, **self._places(job)})

    async def _status(self, request: Request) -> Response:
        job, state = self._known(request)
        places = self._places(job)
        match state.phase:
            case "queued":
                return JSONResponse({"status": "IN_QUEUE", "queue_position": 0, **places}, 202)
            case "running":
                return JSONResponse({"status": "IN_PROGRESS", "logs": None, **places}, 202)
        _, payload = self._answer(job, state)
        metrics = {"inference_time": job.render_seconds}
        over = {"status": "COMPLETED", "logs": None, "metrics": metrics, **places}
        if "error_type" in payload:
            over |= {"error": payload["detail"], "error_type": payload["error_type"]}
        return JSONResponse(over)

    async def _result(self, request: Request) -> Response:
        job, state = self._known(request)
        if state.active:
            return JSONResponse({"detail": "Request is still in progress"}, 400)
        status, payload = self._answer(job, state)
        kind = payload.get("error_type")
        headers = {"X-Fal-Request-Id": job.id} | ({"X-Fal-Error-Type": kind} if kind else {})
        return JSONResponse(payload, status, headers)

    async def _cancel(self, request: Request) -> Response:
        self._enter(request, "/".join(request.path_params[part] for part in ("owner", "app")))
        try:
            job, state = self._known(request)
        except ServiceError:
            return JSONResponse({"status": "NOT_FOUND"}, 404)
        if not state.active:
            return JSONResponse({"status": "ALREADY_COMPLETED"}, 400)
        self.cancel(job)
        return JSONResponse({"status": "CANCELLATION_REQUESTED"}, 202)

    def _answer(self, job: Job, state: State) -> tuple[int, dict[str, Any]]:
        """The status and the body with which the model, or the queue for it, answered."""
        match state.phase:
            case "completed":
                video = {
                    "url": f"{job.details['base']}{self.path(job)}",
                    "content_type": "video/mp4",
                    "file_name": "output.mp4",
                }
                return 200, {"video": video}
            case "moderated":
                flagged = {
                    "loc": ["body", "prompt"],
                    "msg": "The content could not be processed because it contained material "
                    "flagged by a content checker.",
                    "type": "content_policy_violation",
                    "url": _DOCS,
                    "input": job.prompt,
                    "categories": ["violence"],
                }
                return 422, {"detail": [flagged]}
            case "cancelled":
                return 499, _run_error("Request was cancelled", "client_cancelled")
            case "expired":
                return 504, _run_error("Request timed out", "startup_timeout")
        if job.details["problems"]:
            return 422, {"detail": job.details["problems"]}
        return 500, _run_error("The runner failed.", job.directive.error)

    def _known(self, request: Request) -> tuple[Job, State]:
        """The request that a path names, where it is not too long over.

        Raises:
            ServiceError: 401 or 404.
        """
        app = "/".join(request.path_params[part] for part in ("owner", "app"))
        self._enter(request, app)
        job = self.find(request.path_params["id"])
        if job is None or job.details["app"] != app:
            raise _gone()
        state = self.state(job)
        if not state.active and self._is_forgotten(job, state):
            raise _gone()
        return job, state

    def _is_forgotten(self, job: Job, state: State) -> bool:
        clock, kept = self.studio.clock, self.studio.settings.results_kept
        if clock.sim() <= job.due_sim + kept:
            return False
        if state.phase != "completed":
            return True
        ready = self.studio.library.ready_at(job.specs())  # its file may have taken longer
        return ready is None or clock.now() > ready + clock.real_seconds(kept)

    def _places(self, job: Job) -> dict[str, str]:
        at = f"{job.details['base']}/upstreams/{self.name}/{job.details['app']}/requests/{job.id}"
        return {
            "request_id": job.id,
            "response_url": at,
            "status_url": f"{at}/status",
            "cancel_url": f"{at}/cancel",
        }

    def _enter(self, request: Request, app: str) -> None:
        if not self.is_key(self.bearer(request, "Key")):
            why = f"Cannot access application '{app}'. Authentication is required to access it."
            raise ServiceError(401, {"detail": why})

    async def _inputs(self, request: Request) -> dict[str, Any]:
        try:
            inputs = await request.json()
        except ValueError:
            inputs = None
        if not isinstance(inputs, dict):
            raise ServiceError(400, {"detail": "Invalid JSON", "error_type": "bad_request"})
        return inputs


def _gone() -> ServiceError:
    return ServiceError(404, {"detail": "Request not found"})


def _run_error(text: str, kind: str) -> dict[str, Any]:
    return {"detail": text, "error_type": kind}


UPSTREAM = Fal
