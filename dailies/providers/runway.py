"""Runway's developer API: its own models, and those of others that it resells.

Sources: the OpenAPI document as the ``runwayml`` SDK 5.24 holds it (fields, statuses, costs; what a
DELETE does) and docs.dev.runwayml.com (HTTP errors, task failures, tiers). Never tried live.

- A task has no mark of ours, tasks can't be listed, and nobody is called back: a create without a
  clear answer stays unknown. That includes 502, 503 and 504: "shedding load, may retry" is what the
  documentation says of them, not that nothing was begun.
- A model router (the option ``router``) keeps a log of the tasks that it made, with their times and
  models. It carries no mark either, and nobody promises that it is whole: good for an operator who
  looks for a lost task, too weak to send anything again. So recovery is none there too.
- Over the limit of tasks at a time, a task is taken and waits (``THROTTLED``); 429 is about the
  number of requests, or of generations within a day, and nothing is begun.
- Whoever stops a task that runs pays for it; the task is gone then, so what it will cost is told
  while it runs (``estimatedCost``, the most that it may be).
- Sizes are exact: ``ratio`` is width and height in pixels. Models that take a ratio of another kind
  (hailuo3, h3_max, grok_imagine_1_5, and an image's own in kling2.5) are not for this adapter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from urllib.parse import quote

import httpx
from pydantic import Field

from dailies.catalogue.deployment import Deployment
from dailies.catalogue.limits import Part
from dailies.catalogue.rules import FieldProblem
from dailies.providers.answers import moment, number, text
from dailies.providers.base import Content, Reference, Submission
from dailies.providers.classify import NO_CREDIT, NOT_OFFERED, Answer, Call, classify_job_error
from dailies.providers.declaration import CallerOptions, Help, Options, Provider, Recovery
from dailies.providers.error_text import ErrorText
from dailies.providers.key_auth import BearerKeyAuth
from dailies.providers.outcomes import JobStatus, Kind, Outcome, UpstreamJob
from dailies.providers.shapes import aspect_ratio, resolution, shape
from dailies.providers.wire import Wire
from dailies.video.basics import Variant

__all__ = ["PROVIDER", "Runway", "RunwayOptions"]

_VERSION = "2024-11-06"

_MAX_DATA_URL = 5_000_000
"""Characters; the documentation says 5 MB of an image as a data URI."""

_STATUSES = {
    "PENDING": JobStatus.QUEUED,
    "THROTTLED": JobStatus.QUEUED,
    "RUNNING": JobStatus.RUNNING,
    "SUCCEEDED": JobStatus.COMPLETED,
    "FAILED": JobStatus.FAILED,
    "CANCELLED": JobStatus.CANCELLED,
}

_SAFETY = re.compile(r"(?:^|\.)SAFETY(?:\.|$)")
"""In ``SAFETY.INPUT.TEXT`` and ``INPUT_PREPROCESSING.SAFETY.THIRD_PARTY``."""


_OURS = (
    "model",
    "promptText",
    "promptImage",
    "references",
    "referenceImages",
    "ratio",
    "aspectRatio",
    "resolution",
    "duration",
    "seed",
    "negativePrompt",
    "audio",
)
"""What a request says itself; never the caller's own option."""


class RunwayOptions(Options):
    """``options`` of a deployment.

    Attributes:
        usd_per_credit: what a credit costs; prices are in credits.
        max_prompt_units: length of the longest prompt in UTF-16 code units, as Runway counts: an
            emoji is two.
        router: the slug of a saved model router to send to, in place of the model; for sizes that
            are usual ratios and resolutions. It should allow the one model of the deployment.
    """

    usd_per_credit: float = Field(default=0.01, gt=0)
    max_prompt_units: int = Field(default=1000, ge=1)
    router: str | None = None


class Runway:
    """One model, as a ``VideoProvider``."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        own = wire.options
        self._options = own if isinstance(own, RunwayOptions) else RunwayOptions()
        self._url = f"{wire.url.removesuffix('/v1')}/v1"

    async def submit(self, submission: Submission) -> Outcome:
        """See ``VideoProvider.submit``."""
        refusal = self._refusal(submission)
        if refusal is not None:
            return self._wire.told(Call.CREATE, refusal)
        router = self._options.router
        path, body = _direct(submission) if router is None else _routed(submission, router)
        request = self._request("POST", f"{self._url}/{path}", body)
        return await self._wire.job(Call.CREATE, request, self._job, prompt=submission.prompt)

    async def status(self, job_id: str) -> Outcome:
        """See ``VideoProvider.status``."""
        request = self._request("GET", self._task(job_id))
        return await self._wire.job(Call.STATUS, request, self._job, job_id=job_id)

    def open_content(
        self, job_id: str, variant: Variant
    ) -> AbstractAsyncContextManager[Content | Outcome]:
        """See ``VideoProvider.open_content``. Each look at a task gives links that are fresh."""
        return self._wire.linked(self._request("GET", self._task(job_id)), _link, job_id, variant)

    async def cancel(self, job_id: str) -> Outcome:
        """See ``VideoProvider.cancel``. The task can't be asked for afterwards."""
        reply = await self._wire.call(Call.CANCEL, self._request("DELETE", self._task(job_id)))
        return reply if isinstance(reply, Outcome) else self._wire.cancelled(reply, job_id)

    def _task(self, job_id: str) -> str:
        return f"{self._url}/tasks/{quote(job_id, safe='')}"

    def _request(
        self, method: str, url: str, body: dict[str, object] | None = None
    ) -> httpx.Request:
        request = self._wire.request(method, url, json_body=body)
        request.headers["X-Runway-Version"] = _VERSION
        return request

    def _refusal(self, submission: Submission) -> Outcome | None:
        """Why the request would surely be refused, told before it is sent."""
        images = (submission.reference, submission.last_frame, *submission.references)
        if any(len(image.data_url) > _MAX_DATA_URL for image in images if image is not None):
            return Outcome(
                Kind.REFUSED,
                code="image_too_large",
                message=f"A reference image at {submission.size} is larger than the 5 MB that the "
                "provider takes. Use a smaller size, or an image with less detail.",
                param="input_reference",
            )
        return None

    def _job(self, document: object) -> UpstreamJob | None:
        """The task in an answer; the answer to a create is a task of which only the id is known."""
        task = document if isinstance(document, dict) else {}
        job_id = text(task.get("id"))
        if job_id is None:
            return None
        word = text(task.get("status"))
        status = JobStatus.QUEUED if word is None else _STATUSES.get(word, JobStatus.UNKNOWN)
        code = message = None
        if status is JobStatus.FAILED:
            code, message = _why(task)
        elif status is JobStatus.COMPLETED and _link(task) is None:
            status = JobStatus.FAILED
            code, message = "no_video", "The provider says that it is done, but gives no video."
        elif status is JobStatus.CANCELLED:
            code, message = "cancelled_upstream", "The job was cancelled at the provider."
        return UpstreamJob(
            job_id,
            status,
            progress=100 if status is JobStatus.COMPLETED else _percent(task.get("progress")),
            created_at=moment(task.get("createdAt")),
            model=_routed_to(task.get("routing")),
            failure_reason=text(task.get("failureCode")),
            error_code=code,
            error_message=message,
            cost_usd=self._cost(task, status),
        )

    def _cost(self, task: dict[str, object], status: JobStatus) -> float | None:
        """What is charged: when it has ended ``cost``, while it runs what stopping it would."""
        field = "estimatedCost" if status is JobStatus.RUNNING else "cost"
        cost = task.get(field)
        credit = number(cost.get("credits")) if isinstance(cost, dict) else None
        if credit is None or credit < 0:
            return None
        return round(credit * self._options.usd_per_credit, 6)


def _direct(submission: Submission) -> tuple[str, dict[str, object]]:
    """The path and the body that name a model; a caller's own options never change ours."""
    frames = [{"uri": image.data_url, "position": place} for place, image in _frames(submission)]
    wanted: dict[str, object] = {
        "model": submission.deployment,
        "promptText": submission.prompt,
        "ratio": f"{submission.size.width}:{submission.size.height}",
        "duration": submission.seconds,
        "promptImage": frames or None,
        "references": [{"uri": image.data_url} for image in submission.references] or None,
        **_wishes(submission),
    }
    path = "image_to_video" if frames else "text_to_video"
    return path, {**submission.options, **_given(wanted)}


def _routed(submission: Submission, router: str) -> tuple[str, dict[str, object]]:
    """The path and the body that leave the model to a router."""
    images = [*_frames(submission), *(("reference", image) for image in submission.references)]
    wanted: dict[str, object] = {
        "promptText": submission.prompt,
        "aspectRatio": aspect_ratio(submission.size),
        "resolution": resolution(submission.size),
        "duration": submission.seconds,
        "referenceImages": [{"role": role, "uri": image.data_url} for role, image in images]
        or None,
        **_wishes(submission),
    }
    asked = {**submission.options, **_given(wanted)}
    return "generate/video", {"configId": router, "input": asked}


def _check_sizes(deployment: Deployment, options: RunwayOptions) -> Iterator[FieldProblem]:
    for size in deployment.sizes if options.router is not None else ():
        try:
            shape(size)
        except ValueError as error:
            yield FieldProblem("sizes", f"{error} that a router is asked for; name another")


def _wishes(submission: Submission) -> dict[str, object]:
    """What is called the same in both."""
    return {
        "seed": submission.seed,
        "negativePrompt": submission.negative_prompt,
        "audio": submission.sound,
    }


def _given(wanted: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in wanted.items() if value is not None}


def _frames(submission: Submission) -> list[tuple[str, Reference]]:
    frames = (("first", submission.reference), ("last", submission.last_frame))
    return [(place, image) for place, image in frames if image is not None]


def _why(task: dict[str, object]) -> tuple[str, str]:
    """Why a task failed. The third part of a ``SAFETY`` code may be wrong, so it is not told."""
    failure_code = text(task.get("failureCode")) or ""
    if _SAFETY.search(failure_code):
        what = "output_moderation" if "SAFETY.OUTPUT" in failure_code else "input_moderation"
        return classify_job_error(ErrorText(code=what))
    message = text(task.get("failure")) or ""
    return classify_job_error(ErrorText(code=failure_code, message=message))


def _link(document: object) -> str | None:
    output = document.get("output") if isinstance(document, dict) else None
    return text(output[0]) if isinstance(output, list) and output else None


def _routed_to(routing: object) -> str | None:
    return text(routing.get("model")) if isinstance(routing, dict) else None


def _percent(value: object) -> int:
    """The SDK has a number between 0 and 1."""
    share = number(value)
    return 0 if share is None else round(100 * min(max(share, 0), 1))


# fmt: off
_ANSWERS = (
    # The status and the words are those that clients report; the documentation has only 400.
    Answer(frozenset({Call.CREATE}), range(400, 500), r"not (?:have )?enough credits",
           Kind.REFUSED, "no_credit", NO_CREDIT),
    Answer(frozenset({Call.CREATE}), {400, 403}, r"model variant .* not available",
           Kind.REFUSED, "deployment_not_found", NOT_OFFERED,
           remedy="Runway does not offer '{deployment}' to this organization. Check the name in "
           "the catalogue and the organization's models."),
)
_HELPS = (
    Help("no_credit", "Buy credits for the organization at dev.runwayml.com, or turn on that they "
         "are bought by themselves."),
    Help("invalid_credential", "Runway refused the key of deployment '{deployment}'. Set "
         "RUNWAY_API_KEY to a key of the developer portal (key_...); keys of the app are others."),
    Help("rate_limit", "Runway's tier limits how many generations of '{deployment}' may be made "
         "within a day (GET /v1/organization tells); buy credits to reach the next tier."),
)
# fmt: on

PROVIDER = Provider(
    id="runway",
    adapter=Runway,
    recovery=Recovery.NONE,
    options=RunwayOptions,
    sends=(
        Part.FIRST_FRAME,
        Part.LAST_FRAME,
        Part.REFERENCES,
        Part.SEED,
        Part.NEGATIVE_PROMPT,
        Part.SOUND,
    ),
    caller_options=CallerOptions(own=_OURS),
    prompt_units=lambda options: options.max_prompt_units,
    check=_check_sizes,
    key_auth=BearerKeyAuth,
    # All that its answers were seen to name; others of that domain belong to anybody.
    hosts=("dnznrvs05pmza.cloudfront.net", "d2jqrm6oza8nb6.cloudfront.net"),
    answers=_ANSWERS,
    helps=_HELPS,
)
