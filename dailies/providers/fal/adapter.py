"""fal's queue as a ``VideoProvider``."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import Any, Literal
from urllib.parse import quote

import httpx
from pydantic import Field

from dailies.catalogue.deployment import Deployment
from dailies.catalogue.entry import Entry
from dailies.catalogue.limits import Limit, Part
from dailies.providers.answers import number, text
from dailies.providers.base import Called, Content, Submission
from dailies.providers.classify import Call
from dailies.providers.declaration import CallerOptions
from dailies.providers.error_text import read_json
from dailies.providers.fal.errors import failed_job, in_envelope, is_the_models
from dailies.providers.fal.places import FalPlaces
from dailies.providers.key_auth import HeaderKeyAuth
from dailies.providers.mapping import (
    InputNames,
    MappedOptions,
    SchemaFile,
    linked_result,
    model_inputs,
    of_model,
)
from dailies.providers.outcomes import JobStatus, Outcome, UpstreamJob
from dailies.providers.published_keys import PublishedKeys
from dailies.providers.wire import Wire
from dailies.video.basics import Variant

__all__ = ["Fal", "FalOptions", "KeyAuth", "of_routes"]

_STATES = {"IN_QUEUE": JobStatus.QUEUED, "IN_PROGRESS": JobStatus.RUNNING}
_OVER = "COMPLETED"

_NAMESPACES = {"workflows", "comfy"}
"""An app's name has a third part below these (fal_client)."""

_KEYS = (
    "https://rest.fal.ai/.well-known/jwks.json",
    "https://rest.alpha.fal.ai/.well-known/jwks.json",
)
_SIGNED = ("x-fal-webhook-request-id", "x-fal-webhook-user-id", "x-fal-webhook-timestamp")
_SIGNATURE = "x-fal-webhook-signature"
_LEEWAY = 300
"""Seconds by which the time of a call may differ from ours, as fal advises."""


class Route(Entry):
    """Another endpoint of the deployment's app.

    Attributes:
        path: below the app: ``image-to-video`` of ``owner/app/image-to-video``.
        inputs: what it calls its inputs.
        input_schema: as ``MappedOptions.input_schema``, of this endpoint.
    """

    path: str = Field(min_length=1)
    inputs: InputNames
    input_schema: SchemaFile = ""


class FalOptions(MappedOptions):
    """``options`` of a deployment.

    Attributes:
        with_image: serves requests with a first frame or a last one, where the deployment itself
            takes none.
        with_last_frame: serves those with a last frame, where ``with_image`` does not.
        with_references: serves requests with images to look like.
        reruns: fal runs a request again whose run failed.
        start_timeout: seconds after which a request that has not begun is given up.
        file_seconds: how long fal keeps the files; as the account says if not given.
        priority: ``low`` lets all requests of normal priority pass.
        webhook_keys: where fal's public keys are, in place of fal's own addresses.
    """

    result: str = "video.url"
    with_image: Route | None = None
    with_last_frame: Route | None = None
    with_references: Route | None = None
    reruns: bool = False
    start_timeout: float | None = Field(default=None, gt=1)
    file_seconds: int | None = Field(default=None, ge=3600)
    priority: Literal["normal", "low"] | None = None
    webhook_keys: str | None = None


def of_endpoints(deployment: Deployment, options: FalOptions) -> Iterator[Limit]:
    """What each endpoint has no name for beside the images that it is for: it would be left out
    unsaid. Where the deployment's own inputs don't name the sound, its row says whether there is
    any."""
    for part, route in (
        (Part.REFERENCES, options.with_references),
        (Part.LAST_FRAME, options.with_last_frame or options.with_image),
        (Part.FIRST_FRAME, options.with_image),
    ):
        if route is None or part not in deployment.promises:
            continue
        nameless = _nameless(route.inputs, sound=options.inputs.sound is not None) - {part}
        if part is Part.FIRST_FRAME:  # references and a last frame have endpoints of their own
            nameless -= {Part.REFERENCES, Part.LAST_FRAME}
        starts = part is Part.LAST_FRAME and Part.FIRST_FRAME not in nameless
        needs = (Part.FIRST_FRAME,) if starts else ()
        barred = tuple(sorted(nameless & deployment.promises))
        if barred or needs:
            yield Limit(when=part, without=barred, needs=needs)


def _nameless(names: InputNames, *, sound: bool) -> frozenset[Part]:
    said = {
        Part.FIRST_FRAME: names.image,
        Part.LAST_FRAME: names.last_frame,
        Part.REFERENCES: names.references,
        Part.SEED: names.seed,
        Part.NEGATIVE_PROMPT: names.negative_prompt,
        Part.SOUND: names.sound if sound else "",
    }
    return frozenset(part for part, name in said.items() if name is None)


def of_routes(options: FalOptions) -> CallerOptions:
    """Which of a caller's own options go along, whichever endpoint it will be."""
    routes = (options.with_image, options.with_last_frame, options.with_references)
    found = of_model(options, *(route.inputs for route in routes if route is not None))
    return replace(found, only=None)  # each endpoint has a schema of its own


class KeyAuth(HeaderKeyAuth):
    """``Authorization: Key``, with a key of fal's."""

    prefix = "Key "


class Fal:
    """One deployment, as a ``VideoProvider`` that calls back."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._options = wire.options if isinstance(wire.options, FalOptions) else FalOptions()
        keys = self._options.webhook_keys
        self._keys = PublishedKeys(wire, (keys,) if keys else _KEYS)

    async def submit(self, submission: Submission) -> Outcome:
        """See ``VideoProvider.submit``."""
        path, options = self._route(submission)
        inputs = model_inputs(options, submission)
        callback = submission.callback_url
        request = self._wire.request(
            "POST",
            self._url(quote(path)),
            params={"fal_webhook": callback} if callback else None,
            json_body=inputs,
        )
        request.headers.update(_headers(self._options))
        reply = await self._wire.call(Call.CREATE, request, prompt=submission.prompt)
        if isinstance(reply, Outcome):
            return reply
        job = self._queued(read_json(reply.body)) if reply.is_success else None
        if job is None:
            return self._wire.classified(Call.CREATE, in_envelope(reply), prompt=submission.prompt)
        return self._wire.accepted(Call.CREATE, reply, job)

    async def status(self, job_id: str) -> Outcome:
        """See ``VideoProvider.status``."""
        places = FalPlaces.of(job_id, self._app)
        reply = await self._wire.call(Call.STATUS, self._get(places.status))
        if isinstance(reply, Outcome):
            return reply
        state = read_json(reply.body)
        word = text(state.get("status")) if isinstance(state, dict) else None
        if not reply.is_success or not isinstance(state, dict) or word is None:
            return self._wire.classified(Call.STATUS, in_envelope(reply), job_id=job_id)
        if word == _OVER:
            return await self._ended(job_id, state)
        known = _STATES.get(word, JobStatus.UNKNOWN)
        job = UpstreamJob(job_id, known, named=places.job_id)
        return self._wire.accepted(Call.STATUS, reply, job)

    def open_content(
        self, job_id: str, variant: Variant
    ) -> AbstractAsyncContextManager[Content | Outcome]:
        """See ``VideoProvider.open_content``."""
        request = self._get(FalPlaces.of(job_id, self._app).response)
        return self._wire.linked(request, self._link, job_id, variant)

    async def cancel(self, job_id: str) -> Outcome:
        """See ``VideoProvider.cancel``."""
        url = self._url(FalPlaces.of(job_id, self._app).cancel)
        reply = await self._wire.call(Call.CANCEL, self._wire.request("PUT", url))
        if isinstance(reply, Outcome):
            return reply
        document = read_json(reply.body)
        word = document.get("status") if isinstance(document, dict) else None
        if reply.is_success and word == "ALREADY_COMPLETED":
            reply = replace(reply, status=400)
        return self._wire.cancelled(reply, job_id)

    async def called_back(self, headers: Mapping[str, str], body: bytes) -> Called | None:
        """See ``CallsBack.called_back``.

        The call does not repeat the request's addresses: they are those that fal_client makes.
        """
        signed = [headers.get(name, "") for name in _SIGNED]
        sent = number(signed[-1])
        if not all(signed) or sent is None or abs(time.time() - sent) > _LEEWAY:
            return None
        message = "\n".join((*signed, hashlib.sha256(body).hexdigest())).encode()
        if not await self._keys.signed(message, headers.get(_SIGNATURE, "")):
            return None
        document = read_json(body)
        request_id = text(document.get("request_id")) if isinstance(document, dict) else None
        return Called(FalPlaces.usual(self._app, request_id).job_id) if request_id else None

    async def _ended(self, job_id: str, state: dict[str, Any]) -> Outcome:
        """What has become of a request that is over."""
        reply = await self._wire.call(
            Call.STATUS, self._get(FalPlaces.of(job_id, self._app).response)
        )
        if isinstance(reply, Outcome):
            return reply
        told = bool(state.get("error") or state.get("error_type"))
        result = read_json(reply.body) if reply.is_success else None
        if told or is_the_models(reply):
            job = failed_job(job_id, reply, state)
        elif not isinstance(result, dict):  # the queue's own trouble, which passes
            return self._wire.classified(Call.STATUS, in_envelope(reply), job_id=job_id)
        elif self._link(result) is None:
            job = UpstreamJob(
                job_id,
                JobStatus.FAILED,
                error_code="no_video",
                error_message="The provider ended the job without a video. Create it again.",
            )
        else:
            job = UpstreamJob(job_id, JobStatus.COMPLETED, progress=100)
        named = FalPlaces.of(job_id, self._app).job_id
        return self._wire.accepted(Call.STATUS, reply, replace(job, named=named))

    def _queued(self, document: object) -> UpstreamJob | None:
        fields = document if isinstance(document, dict) else {}
        request_id = text(fields.get("request_id"))
        if request_id is None:
            return None
        places = FalPlaces.told(fields, self._wire.url, FalPlaces.usual(self._app, request_id))
        return UpstreamJob(places.job_id, JobStatus.QUEUED)

    def _route(self, submission: Submission) -> tuple[str, MappedOptions]:
        """The endpoint that serves a request, and its inputs."""
        options = self._options
        route = None
        if submission.references:
            route = options.with_references
        elif submission.last_frame:
            route = options.with_last_frame or options.with_image
        elif submission.reference:
            route = options.with_image
        if route is None:
            return submission.deployment, options
        return f"{self._app}/{route.path}", options.model_copy(update={"inputs": route.inputs})

    @property
    def _app(self) -> str:
        """``owner/app``, the same for all endpoints of an app."""
        parts = self._wire.deployment.split("/")
        return "/".join(parts[: 3 if parts[0] in _NAMESPACES else 2])

    def _link(self, document: object) -> str | None:
        return linked_result(self._options, document)

    def _get(self, path: str) -> httpx.Request:
        return self._wire.request("GET", self._url(path))

    def _url(self, path: str) -> str:
        return f"{self._wire.url}/{path}"


def _headers(options: FalOptions) -> dict[str, str]:
    headers = {} if options.reruns else {"X-Fal-No-Retry": "1"}
    if options.start_timeout is not None:
        # Its newer name is X-Fal-Request-Start-Timeout; fal_client still sends this one.
        headers["X-Fal-Request-Timeout"] = str(options.start_timeout)
    if options.file_seconds is not None:
        kept = {"expiration_duration_seconds": options.file_seconds}
        headers["X-Fal-Object-Lifecycle-Preference"] = json.dumps(kept)
    if options.priority is not None:
        headers["X-Fal-Queue-Priority"] = options.priority
    return headers
