"""Replicate: predictions of hosted models, their files, list, cancel, deadline and calls.

As the source of ``replicate`` 1.0.7 and Replicate's documentation have it: 201 for a create; input
and output are removed after an hour; ``Cancel-After`` ends what has not begun as ``aborted`` and
what has as ``canceled``; calls are signed by Standard Webhooks, and sent for the events that were
asked for. Errors are problem documents as others recorded them; without ``Retry-After``, which may
be missing. An answer does not repeat ``webhook``: the documentation does not show it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from local.services.bodies import Upload, image_size
from local.services.errors import ServiceError
from local.services.jobs import Job, State
from local.services.upstreams.base import Call, Upstream
from local.services.upstreams.replicate_models import MODELS
from local.services.upstreams.replicate_requests import (
    EVENTS,
    check_body,
    deadline,
    moment,
    problem,
)

__all__ = ["UPSTREAM", "Replicate", "version_of"]

_PER_MINUTE = 600
_PAGE = 100
_MOST_BODY = 10_000_000
_WORDS = {
    "queued": "starting",
    "running": "processing",
    "completed": "succeeded",
    "cancelled": "canceled",
    "expired": "aborted",
}
_MODERATED = (
    "The input or output was flagged as sensitive. Please try again with different inputs. (E005)"
)
_CREDIT = (
    "You have insufficient credit to run this model. Go to "
    "https://replicate.com/account/billing#billing to purchase credit. Once you purchase credit, "
    "please wait a few minutes before trying again."
)


def version_of(model: str) -> str:
    """The id of a model's version."""
    return hashlib.sha256(model.encode()).hexdigest()


class Replicate(Upstream):
    """The simulated Replicate. A prompt with ``no credit`` finds the account empty."""

    name = "replicate"
    settings: ClassVar[Mapping[str, str]] = {
        "REPLICATE_ENDPOINT": "{url}",
        "REPLICATE_API_KEY": "{key}",
    }

    def routes(self) -> list[Route]:
        """See ``Upstream.routes``."""
        model = "/v1/models/{owner}/{model}/predictions"
        return [
            Route(model, self._create, methods=["POST"], name="create"),
            Route("/v1/predictions", self._create, methods=["POST"], name="create"),
            Route("/v1/predictions", self._list, methods=["GET"], name="list"),
            Route("/v1/predictions/{id}", self._get, methods=["GET"], name="status"),
            Route("/v1/predictions/{id}/cancel", self._cancel, methods=["POST"], name="delete"),
            Route("/v1/files", self._keep, methods=["POST"], name="upload"),
            Route("/v1/files/{file}", self._kept, methods=["GET"], name="uploaded"),
            Route("/v1/webhooks/default/secret", self._secret, methods=["GET"], name="secret"),
        ]

    def calls(self, job: Job, state: State) -> Iterator[Call]:
        """See ``Upstream.calls``."""
        word = self._word(job, state)
        ended = word not in ("starting", "processing")
        due = {"start": ended or word == "processing", "completed": ended}
        for event in job.details["events"]:
            if due.get(event):
                body = json.dumps(self._prediction(job, job.details["base"])).encode()
                yield Call(event, body, self._signed(f"msg_{job.id}_{event}", body))

    # -- routes

    async def _create(self, request: Request) -> JSONResponse:
        self._authorize(request)
        raw = await request.body()
        if len(raw) > _MOST_BODY:
            raise problem(400, "", "Failed to parse request body as JSON: EOF")
        body = await self._object(request)
        name = self._model(request, body)
        model = MODELS[name]
        check_body(body, model)
        prompt = str(body["input"]["prompt"])
        if "no credit" in prompt:
            raise problem(402, "Insufficient credit", _CREDIT)
        self._check_rate()
        pictures = [self._picture(link) for link in model.files(body["input"])]
        first = image_size(Upload("image", "image/png", pictures[0]), "image") if pictures else None
        film = model.film(body["input"], first)
        job = self.accept(
            request,
            job_id=base64.b32encode(uuid.uuid4().bytes).decode().rstrip("=").lower(),
            model=name,
            prompt=prompt,
            seconds=film.seconds,
            width=film.width,
            height=film.height,
            images=pictures,
            details={
                "input": model.without_files(body["input"]),
                "events": body.get("webhook_events_filter") or list(EVENTS),
                "cancel_after": deadline(request),
                "sound": film.sound,
                "base": _base(request),
            },
            callback=body.get("webhook"),
        )
        return JSONResponse(self._prediction(job, _base(request)), 201)

    async def _get(self, request: Request) -> JSONResponse:
        self._authorize(request)
        return JSONResponse(self._prediction(self._job(request), _base(request)))

    async def _cancel(self, request: Request) -> JSONResponse:
        self._authorize(request)
        job = self._job(request)
        if self._word(job, self.state(job)) in ("starting", "processing"):
            self.cancel(job)
        return JSONResponse(self._prediction(self._job(request), _base(request)))

    async def _list(self, request: Request) -> JSONResponse:
        self._authorize(request)
        query = request.query_params
        after, before = moment(query.get("created_after")), moment(query.get("created_before"))
        jobs = [
            job
            for job in self.jobs()
            if (after is None or job.created_at >= after)
            and (before is None or job.created_at < before)
        ]
        start = int(base64.urlsafe_b64decode(query["cursor"])) if "cursor" in query else 0
        # Places are counted from the oldest, so that new jobs do not shift the pages.
        last = len(jobs) - start if start else 0
        page, rest = jobs[last : last + _PAGE], len(jobs) - last - _PAGE
        following = None
        if rest > 0:
            cursor = base64.urlsafe_b64encode(str(rest).encode()).decode()
            url = request.url.include_query_params(cursor=cursor)
            following = str(url)
        results = [self._prediction(job, _base(request)) for job in page]
        return JSONResponse({"previous": None, "next": following, "results": results})

    async def _keep(self, request: Request) -> JSONResponse:
        self._authorize(request)
        form = await request.form()
        content = form.get("content")
        if content is None or isinstance(content, str):
            raise problem(400, "Bad request", "Missing content")
        data = await content.read()
        digest = self.studio.library.keep_input(data)
        file = {
            "id": digest,
            "name": content.filename or "file",
            "content_type": content.content_type or "application/octet-stream",
            "size": len(data),
            "etag": digest[:32],
            "checksums": {"sha256": digest},
            "metadata": {},
            "created_at": _told(self.studio.clock.now()),
            "expires_at": _told(self.studio.clock.now() + 86_400),
            "urls": {"get": f"{_base(request)}/v1/files/{digest}"},
        }
        return JSONResponse(file, 201)

    async def _kept(self, request: Request) -> JSONResponse:
        self._authorize(request)
        digest = request.path_params["file"]
        self._picture(f"{_base(request)}/v1/files/{digest}")
        return JSONResponse({"id": digest, "urls": {"get": str(request.url)}})

    async def _secret(self, request: Request) -> JSONResponse:
        self._authorize(request)
        return JSONResponse({"key": f"whsec_{base64.b64encode(self._signing_key()).decode()}"})

    # -- what they need

    def _authorize(self, request: Request) -> None:
        if not self.is_key(self.bearer(request)):
            raise problem(401, "Unauthenticated", "You did not pass a valid authentication token")

    async def _object(self, request: Request) -> dict[str, Any]:
        try:
            return await self.json(request)
        except ServiceError:
            raise problem(400, "", "Failed to parse request body as JSON") from None

    def _model(self, request: Request, body: Mapping[str, Any]) -> str:
        """The name of the model that is asked for."""
        if "owner" in request.path_params:
            name = f"{request.path_params['owner']}/{request.path_params['model']}"
            if name not in MODELS:
                raise problem(404, "Not found", "The requested resource could not be found.")
            return name
        asked = str(body.get("version", "")).rpartition(":")[2]
        name = next((name for name in MODELS if asked in (name, version_of(name))), "")
        if not name:
            raise problem(
                422,
                "Invalid version or not permitted",
                "The specified version does not exist (or perhaps you don't have permission to "
                "use it?)",
            )
        return name

    def _check_rate(self) -> None:
        if self.studio.settings.unlimited:
            return
        now = self.studio.clock.sim()
        recent = [job for job in self.jobs() if now - job.created_sim < 60.0]
        if len(recent) >= _PER_MINUTE:
            wait = self.studio.clock.real_seconds(recent[_PER_MINUTE - 1].created_sim + 60.0 - now)
            seconds = max(1, round(wait))
            raise problem(429, "", f"Request was throttled. Your rate limit resets in ~{seconds}s.")

    def _picture(self, link: str) -> bytes:
        """The bytes behind a link to a picture: in itself, or uploaded here."""
        try:
            if link.startswith("data:"):
                data = base64.b64decode(link.partition(";base64,")[2], validate=True)
            else:
                data = self.studio.library.input_path(link.rpartition("/")[2]).read_bytes()
            image_size(Upload("image", "image/png", data), "image")
        except (ValueError, OSError, ServiceError):
            raise problem(422, "Input validation failed", "- input: not a picture\n") from None
        return data

    def _job(self, request: Request) -> Job:
        job = self.find(request.path_params["id"])
        if job is None:
            raise problem(404, "Not found", "Prediction not found")
        return job

    def _word(self, job: Job, state: State) -> str:
        # What is due before its deadline is not cut off, however long its encoding takes here.
        last = job.created_sim + job.details["cancel_after"]
        is_longer = job.due_sim > last or job.directive.outcome == "stuck"
        if state.active and is_longer and self.studio.clock.sim() > last:
            return "aborted" if state.phase == "queued" else "canceled"
        return _WORDS.get(state.phase, "failed")

    def _prediction(self, job: Job, base: str) -> dict[str, Any]:
        state = self.state(job)
        word = self._word(job, state)
        ended = word not in ("starting", "processing")
        kept = self.studio.settings.results_kept
        removed = ended and self.studio.clock.sim() - job.due_sim > kept
        failure = _MODERATED if state.phase == "moderated" else f"Failed: {job.directive.error}"
        url = f"{base}/v1/predictions/{job.id}"
        output = f"{base.removesuffix(f'/upstreams/{self.name}')}{self.path(job)}"
        return {
            "id": job.id,
            "model": job.model,
            "version": version_of(job.model),
            "input": {} if removed else job.details["input"],
            "output": output if word == "succeeded" and not removed else None,
            "logs": "" if removed else f"{state.progress:3}%|####      | {state.progress}/100",
            "error": failure if word == "failed" else None,
            "status": word,
            "source": "api",
            "data_removed": removed,
            "created_at": _told(job.created_at),
            "started_at": None if word in ("starting", "aborted") else _told(job.created_at),
            "completed_at": _told(self.studio.finished_at(job)) if ended else None,
            "metrics": {"predict_time": job.render_seconds} if word == "succeeded" else {},
            "urls": {"get": url, "cancel": f"{url}/cancel"},
        }

    def _signing_key(self) -> bytes:
        return hashlib.sha256(f"webhooks {self.key}".encode()).digest()

    def _signed(self, call_id: str, body: bytes) -> dict[str, str]:
        sent = str(round(self.studio.clock.now()))
        digest = hmac.digest(self._signing_key(), f"{call_id}.{sent}.".encode() + body, "sha256")
        return {
            "content-type": "application/json",
            "webhook-id": call_id,
            "webhook-timestamp": sent,
            "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
        }


def _base(request: Request) -> str:
    """The root of the service's own URLs, up to and with its name."""
    path = request.url.path.partition("/v1/")[0]
    return f"{request.url.scheme}://{request.url.netloc}{path}"


def _told(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat().replace("+00:00", "Z")


UPSTREAM = Replicate
