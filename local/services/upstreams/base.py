"""What every simulated provider has in common: a desk at the studio that takes orders its own way.

A provider's module derives from ``Upstream`` and says how its protocol goes: its routes, what its
answers look like, whom it calls. Jobs, time, files, faults and what ``/_inspect`` tells are the
studio's. Prompts take the same directives as Sora's (``[sim render=30 outcome=failed]``).

The names of its routes are those of faults: ``create``, ``list``, ``status``, ``content`` and
``delete`` (a cancel is one too); the job's id in a path is ``{id}``.
"""

from __future__ import annotations

import hmac
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.services.content import padded_source, respond
from local.services.errors import ServiceError
from local.services.jobs import Job, Reference, State
from local.services.media.spec import Input
from local.services.studio import Order, Studio

__all__ = ["Call", "Upstream"]


@dataclass(frozen=True, slots=True)
class Call:
    """A call that a provider makes to ``job.details["callback"]``: once for each ``event``."""

    event: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class Upstream(ABC):
    """One simulated provider.

    Attributes:
        name: the provider's id; its routes are below ``/upstreams/{name}``.
        settings: settings of the app, with ``{url}`` (up to and with the name) and ``{key}``.
    """

    name: ClassVar[str]
    settings: ClassVar[Mapping[str, str]] = {}

    def __init__(self, studio: Studio, key: str) -> None:
        self.studio = studio
        self.key = key

    @abstractmethod
    def routes(self) -> list[Route]:
        """Its routes, with paths below its own root."""

    def calls(self, job: Job, state: State) -> Iterable[Call]:
        """What it calls the job's callback with, as things stand; each event is sent once, and
        again while it is not answered with a success."""
        return ()

    def all_routes(self) -> list[Route]:
        """Its routes, and that of its files, as they are served."""
        files = Route("/files/{id}.mp4", self._file, methods=["GET", "HEAD"], name="content")
        return [
            Route(
                f"/upstreams/{self.name}{route.path}",
                route.endpoint,
                methods=list(route.methods or ()),
                name=route.name,
            )
            for route in (files, *self.routes())
        ]

    # -- who may call

    def is_key(self, given: str | None) -> bool:
        """Whether a credential is the stack's key."""
        return given is not None and hmac.compare_digest(given.encode(), self.key.encode())

    def bearer(self, request: Request, scheme: str = "Bearer") -> str | None:
        """What follows the scheme in ``Authorization``."""
        given, _, rest = request.headers.get("authorization", "").partition(" ")
        return rest.strip() if given.lower() == scheme.lower() and rest.strip() else None

    # -- jobs

    def accept(
        self,
        request: Request,
        *,
        job_id: str,
        model: str,
        prompt: str,
        seconds: int,
        width: int,
        height: int,
        images: Iterable[bytes] = (),
        kind: str = "create",
        details: Mapping[str, Any] | None = None,
        callback: str | None = None,
    ) -> Job:
        """Store a job and begin its files.

        Args:
            images: the files that came with the request, in order.
            details: what the provider's answers repeat of the request.
            callback: whom to call about it.

        Raises:
            ServiceError: the prompt's directive is wrong; no job was made.
        """
        inputs, references = [], []
        for data in images:
            sha256 = self.studio.library.keep_input(data)
            inputs.append(Input("image", sha256))
            references.append(Reference(len(data), sha256, width, height))
        order = Order(
            api=self.name,
            kind=kind,
            deployment=model,
            model=model,
            prompt=prompt,
            seconds=seconds,
            width=width,
            height=height,
            inputs=tuple(inputs),
            references=tuple(references),
            details={**(details or {}), **({"callback": callback} if callback else {})},
        )
        return self.studio.accept(order, request, "key", job_id=job_id)

    def find(self, job_id: str) -> Job | None:
        """A job of this provider that it still knows."""
        job = self.studio.store.get(job_id)
        if job is None or job.api != self.name or self.state(job).phase == "gone":
            return None
        return job

    def jobs(self) -> Iterator[Job]:
        """Its jobs that it still knows, the newest first."""
        for job in self.studio.store.newest():
            if job.api == self.name and self.state(job).phase != "gone":
                yield job

    def state(self, job: Job) -> State:
        """Where a job stands: ``queued``, ``running``, ``completed``, ``failed``, ``moderated``,
        ``cancelled``, ``expired`` or ``gone``."""
        return self.studio.state(job)

    def cancel(self, job: Job) -> None:
        """End a job that runs as cancelled."""
        self.studio.store.cancel(job)

    def link(self, request: Request, job: Job) -> str:
        """Where the job's video can be had without a credential, as on a provider's file host."""
        return f"{request.url.scheme}://{request.url.netloc}{self.path(job)}"

    def path(self, job: Job) -> str:
        """The path of ``link``."""
        return f"/upstreams/{self.name}/files/{job.id}.mp4"

    def video(self, request: Request, job: Job) -> Response:
        """The job's video."""
        spec = job.spec()
        files = self.studio.library.files(spec)
        source = padded_source(files.video, job.directive.bytes or 0)
        return respond(request, source, "video/mp4", f"{spec.key}-video", job.directive)

    async def _file(self, request: Request) -> Response:
        job = self.find(request.path_params["id"])
        if job is None or self.state(job).phase != "completed":
            return JSONResponse({"error": "not found"}, status_code=404)
        return self.video(request, job)

    # -- bodies

    async def json(self, request: Request) -> dict[str, Any]:
        """The request's JSON object.

        Raises:
            ServiceError: 400; a provider whose answer looks different reads the body itself.
        """
        try:
            body = await request.json()
        except ValueError:
            body = None
        if not isinstance(body, dict):
            raise ServiceError(400, {"error": "the body is no JSON object"})
        return body
