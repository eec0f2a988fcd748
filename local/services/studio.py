"""What both generations of Sora share: who may call, which deployment, and a job's making."""

from __future__ import annotations

import hmac
import uuid
from dataclasses import dataclass, field
from typing import Any, Literal

from starlette.requests import Request

from local.services.clock import Clock
from local.services.directives import (
    caption,
    parse_directive,
)
from local.services.errors import (
    BAD_API_KEY,
    BAD_BEARER,
    gateway_error,
    openai_error,
)
from local.services.identity import InvalidTokenError, Tokens, bearer_of
from local.services.jobs import Job, JobStore, Reference, State, state_of
from local.services.media.library import MediaLibrary
from local.services.media.spec import Input
from local.services.quotas import QuotaKeeper
from local.services.settings import Settings

AUDIENCE = "https://cognitiveservices.azure.com"
_API_VERSIONS = ("preview", "v1")
_KEPT_HEADERS = ("user-agent", "traceparent", "x-ms-client-request-id", "x-request-id")


@dataclass(frozen=True, slots=True)
class Order:
    """A validated request for a job."""

    api: str
    kind: str
    deployment: str
    model: str
    prompt: str
    seconds: int
    width: int
    height: int
    note: str = ""
    source_id: str | None = None
    inputs: tuple[Input, ...] = ()
    references: tuple[Reference, ...] = ()
    variants: int = 1
    details: dict[str, Any] = field(default_factory=dict)


class Studio:
    """Accepts orders and knows the state of every job."""

    def __init__(
        self,
        store: JobStore,
        clock: Clock,
        library: MediaLibrary,
        settings: Settings,
        tokens: Tokens,
        api_key: str | None,
    ) -> None:
        self.store = store
        self.clock = clock
        self.library = library
        self.settings = settings
        self._tokens = tokens
        self._api_key = api_key
        self._quotas = QuotaKeeper(store, clock, settings, self.state)

    def resume(self) -> None:
        """After a restart: make the files of jobs whose encoding was interrupted."""
        for job in self.store.all():
            if self.state(job).active and job.directive.outcome == "completed":
                self.library.begin(job.specs())

    def state(self, job: Job) -> State:
        """Where a job stands now."""
        return state_of(job, self.clock.sim(), ready=self.library.ready_at(job.specs()) is not None)

    def finished_at(self, job: Job) -> int:
        """When a job ended, in Unix seconds: its time was up and its files were there."""
        due = self.clock.real_of(job.due_sim)
        if job.directive.outcome == "completed":
            due = max(due, self.library.ready_at(job.specs()) or 0.0)
        return max(job.created_at, int(due))

    def expires_at(self, job: Job) -> int:
        """When a job and its files vanish, in Unix seconds."""
        return int(self.clock.real_of(job.expires_sim))

    def authorize(self, request: Request) -> Literal["bearer", "api-key"]:
        """Check the credential of a request, as Azure's gateway does.

        Raises:
            ServiceError: 401.
        """
        key = request.headers.get("api-key")
        bearer = bearer_of(request)
        if key is not None:
            if not self._is_key(key):
                raise gateway_error(401, "401", BAD_API_KEY)
            return "api-key"
        # The OpenAI client sends a resource's key as a bearer token.
        if bearer is not None and self._is_key(bearer):
            return "api-key"
        if bearer is None:
            raise gateway_error(401, "401", BAD_BEARER)
        try:
            self._tokens.check(bearer, AUDIENCE)
        except InvalidTokenError as exc:
            raise gateway_error(401, "401", BAD_BEARER) from exc
        return "bearer"

    def check_token(self, token: str, audience: str) -> None:
        """A token is one of the identity endpoint, for ``audience``.

        Raises:
            InvalidTokenError: it is not.
        """
        self._tokens.check(token, audience)

    def check_version(self, request: Request, *, required: bool = False) -> None:
        """``api-version`` is one that the v1 API knows.

        Raises:
            ServiceError: 400.
        """
        version = request.query_params.get("api-version")
        if (version is None and required) or version not in (None, *_API_VERSIONS):
            raise gateway_error(
                400, "BadRequest", f"API version not supported: {version or 'none given'}."
            )

    def deployment(self, name: str, api: Literal["sora-2", "sora-1"]) -> str:
        """The model behind a deployment.

        Raises:
            ServiceError: 404 for an unknown one, or one of the other API; 410 for a retired one.
        """
        model = self.settings.deployments.get(name)
        if model is None or (model == "sora") != (api == "sora-1"):
            raise openai_error(
                404,
                f"The API deployment '{name}' for this resource does not exist. If you created the "
                "deployment within the last 5 minutes, please wait a moment and try again.",
                kind="video_generation_user_error",
            )
        self.check_not_retired(name)
        return model

    def check_not_retired(self, deployment: str) -> None:
        """A retired deployment answers 410 to everything."""
        if deployment in self.settings.retired:
            model = self.settings.deployments.get(deployment, deployment)
            raise openai_error(
                410,
                f"The model '{model}' of deployment '{deployment}' has been retired and is no "
                "longer available.",
                code="model_retired",
            )

    def accept(
        self, order: Order, request: Request, authorization: str, *, job_id: str | None = None
    ) -> Job:
        """Check the quota, store the job and begin its files.

        Args:
            job_id: of providers beside Sora, which name jobs in their own ways.

        Raises:
            ServiceError: 400 or 429; no job was made.
        """
        directive = parse_directive(order.prompt)
        self._quotas.check(order.deployment, order.model)
        sim = self.clock.sim()
        unique = uuid.uuid4().hex
        if job_id is None:
            job_id = f"video_{unique}" if order.api == "sora-2" else f"task_{unique[:26]}"
        headers = {name: request.headers[name] for name in _KEPT_HEADERS if name in request.headers}
        job = Job(
            seq=0,
            id=job_id,
            created_at=int(self.clock.now()),
            created_sim=sim,
            authorization=authorization,
            directive=directive,
            caption=caption(order.prompt),
            headers=headers,
            **{name: getattr(order, name) for name in Order.__slots__},
        )
        stored = self.store.add(job)
        if directive.outcome == "completed":
            self.library.begin(stored.specs())
        return stored

    def _is_key(self, given: str) -> bool:
        expected = self._api_key
        return expected is not None and hmac.compare_digest(given.encode(), expected.encode())
