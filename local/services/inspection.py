"""``/_inspect``: ask what happened, order faults, move the clock. Plain HTTP, no credential."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.services.fault_middleware import RequestCounter
from local.services.faults import Faults, InvalidFaultError
from local.services.identity import IdentityEndpoint
from local.services.jobs import Job
from local.services.settings import MODELS, Settings
from local.services.sora1.wire import job_object
from local.services.sora2.wire import video_object
from local.services.storage.system_topic import SystemTopic
from local.services.studio import Studio
from local.services.topics.delivery import Deliverer
from local.services.topics.schemas import HandshakeError
from local.services.topics.store import TopicStore


class Inspection:
    """The routes under ``/_inspect``."""

    def __init__(
        self,
        studio: Studio,
        identity: IdentityEndpoint,
        faults: Faults,
        counter: RequestCounter,
        topics: TopicStore,
        deliverer: Deliverer,
        system_topic: SystemTopic | None = None,
    ) -> None:
        self._studio = studio
        self._identity = identity
        self._faults = faults
        self._counter = counter
        self._topics = topics
        self._deliverer = deliverer
        self._system_topic = system_topic

    def routes(self) -> list[Route]:
        """All of them."""
        return [
            Route("/_inspect/health", self._health, methods=["GET"]),
            Route("/_inspect/jobs", self._jobs, methods=["GET"]),
            Route("/_inspect/events", self._events, methods=["GET"]),
            Route("/_inspect/storage-events", self._storage_events, methods=["GET"]),
            Route("/_inspect/tokens", self._tokens, methods=["GET"]),
            Route("/_inspect/requests", self._requests, methods=["GET"]),
            Route("/_inspect/faults", self._list_faults, methods=["GET"]),
            Route("/_inspect/faults", self._add_fault, methods=["POST"]),
            Route("/_inspect/faults", self._clear_faults, methods=["DELETE"]),
            Route("/_inspect/clock", self._clock, methods=["GET", "POST"]),
            Route("/_inspect/settings", self._settings, methods=["GET", "PATCH"]),
            Route("/_inspect/subscriptions", self._subscriptions, methods=["GET"]),
            Route("/_inspect/subscriptions", self._subscribe, methods=["POST"]),
            Route("/_inspect/subscriptions", self._unsubscribe, methods=["DELETE"]),
        ]

    async def _health(self, _request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def _jobs(self, _request: Request) -> Response:
        return JSONResponse([self._report(job) for job in self._studio.store.all()])

    async def _events(self, _request: Request) -> Response:
        return JSONResponse(self._topics.report())

    async def _storage_events(self, _request: Request) -> Response:
        if self._system_topic is None:
            return JSONResponse([])
        report = self._system_topic.store.report()
        for entry in report:
            for delivery in entry["deliveries"]:
                # The webhook's address holds a key of the host.
                delivery["subscriber"] = delivery["subscriber"].partition("&code=")[0]
        return JSONResponse(report)

    async def _tokens(self, _request: Request) -> Response:
        return JSONResponse(self._identity.report())

    async def _requests(self, _request: Request) -> Response:
        return JSONResponse(self._counter.report())

    async def _list_faults(self, _request: Request) -> Response:
        return JSONResponse([fault.report() for fault in self._faults.remaining()])

    async def _add_fault(self, request: Request) -> Response:
        order = await _object(request)
        if isinstance(order, Response):
            return order
        try:
            fault = self._faults.add(order)
        except InvalidFaultError as exc:
            return _refusal(str(exc))
        return JSONResponse(fault.report(), status_code=201)

    async def _clear_faults(self, _request: Request) -> Response:
        self._faults.clear()
        return Response(status_code=204)

    async def _clock(self, request: Request) -> Response:
        clock = self._studio.clock
        if request.method == "POST":
            order = await _object(request)
            if isinstance(order, Response):
                return order
            seconds = order.get("advance")
            if isinstance(seconds, bool) or not isinstance(seconds, int | float) or seconds < 0:
                return _refusal("advance is a number of simulated seconds, 0 or more")
            clock.advance(float(seconds))
        return JSONResponse({"now": clock.now(), "sim": clock.sim(), "speed": clock.speed})

    async def _settings(self, request: Request) -> Response:
        settings = self._studio.settings
        if request.method == "PATCH":
            order = await _object(request)
            if isinstance(order, Response):
                return order
            problem = _change(settings, order)
            if problem is not None:
                return _refusal(problem)
        return JSONResponse(
            {
                "unlimited": settings.unlimited,
                "few_frames": settings.few_frames,
                "token_seconds": settings.token_seconds,
                "hide_prompts": settings.hide_prompts,
                "results_kept": settings.results_kept,
                "deployments": settings.deployments,
                "retired": sorted(settings.retired),
                "retires": settings.retires,
                "storage_events": settings.storage_events,
                "untold_blobs": settings.untold_blobs,
            }
        )

    async def _subscriptions(self, _request: Request) -> Response:
        return JSONResponse(self._topics.subscribers())

    async def _subscribe(self, request: Request) -> Response:
        order = await _object(request)
        if isinstance(order, Response):
            return order
        url = order.get("url")
        if not isinstance(url, str) or not url.startswith(("http://", "https://")):
            return _refusal("url is the http or https address of a webhook")
        try:
            await self._deliverer.subscribe(url)
        except HandshakeError as exc:
            return _refusal(str(exc))
        return JSONResponse({"url": url}, status_code=201)

    async def _unsubscribe(self, request: Request) -> Response:
        url = request.query_params.get("url")
        if url is None:
            return _refusal("say which one: DELETE /_inspect/subscriptions?url=…")
        self._deliverer.unsubscribe(url)
        return Response(status_code=204)

    def _report(self, job: Job) -> dict[str, Any]:
        state = self._studio.state(job)
        expired = job.deleted_sim is None and self._studio.clock.sim() >= job.expires_sim
        if state.phase == "gone":
            status = "deleted" if job.deleted_sim is not None else "expired" if expired else "gone"
        elif job.api == "sora-2":
            status = video_object(self._studio, job, state)["status"]
        elif job.api == "sora-1":
            status = job_object(self._studio, job, state)["status"]
        else:
            status = state.phase
        references = [
            {
                "bytes": item.bytes,
                "sha256": item.sha256,
                "width": item.width,
                "height": item.height,
            }
            for item in job.references
        ]
        return {
            "id": job.id,
            "api": job.api,
            "provider": job.api,
            "kind": job.kind,
            "deployment": job.deployment,
            "model": job.model,
            "prompt": job.prompt,
            "seconds": str(job.seconds),
            "size": job.size,
            "variants": job.variants,
            "reference": references[0] if references else None,
            "references": references,
            "source_id": job.source_id,
            "created_at": job.created_at,
            "created_sim": job.created_sim,
            "due_sim": job.due_sim,
            "status": status,
            "progress": state.progress,
            "authorization": job.authorization,
            "headers": job.headers,
            "details": job.details,
            "deleted": job.deleted_sim is not None,
            "expired": expired,
        }


async def _object(request: Request) -> dict[str, Any] | Response:
    try:
        order = await request.json()
    except ValueError:
        return _refusal("the body is no JSON")
    return order if isinstance(order, dict) else _refusal("the body is no JSON object")


def _refusal(message: str) -> JSONResponse:
    return JSONResponse({"error": {"message": message}}, status_code=400)


def _change(settings: Settings, order: dict[str, Any]) -> str | None:
    """Apply a change; returns what is wrong with it, and then changes nothing."""
    checks = {
        "unlimited": lambda value: isinstance(value, bool),
        "few_frames": lambda value: isinstance(value, bool),
        "hide_prompts": lambda value: isinstance(value, bool),
        "results_kept": lambda value: isinstance(value, int | float) and value > 0,
        "token_seconds": lambda value: isinstance(value, int | float) and value > 0,
        "deployments": lambda value: isinstance(value, dict) and set(value.values()) <= MODELS,
        "retired": lambda value: isinstance(value, list),
        "retires": lambda value: isinstance(value, dict) and set(value) <= MODELS,
        "storage_events": lambda value: isinstance(value, bool),
        "untold_blobs": lambda value: value is None or isinstance(value, str),
    }
    for name, value in order.items():
        if name not in checks:
            return f"unknown setting '{name}'; known: {', '.join(checks)}"
        if not checks[name](value):
            return f"'{name}' has a wrong value: {value!r}"
    for name, value in order.items():
        setattr(settings, name, set(value) if name == "retired" else value)
    return None
