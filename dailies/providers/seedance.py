"""ByteDance's Seedance, at BytePlus ModelArk or Volcengine Ark, which speak one protocol.

Sources: ``byteplus-python-sdk-v2`` 3.0.63 (fields, paths, statuses), ModelArk's documentation of
the video generation API and of error codes, answers that its users published. Never tried live.

- A create is answered by an id alone. It can't be repeated, but tasks of the last seven days can be
  listed, and repeat ``safety_identifier``: ours is the video's id.
- A task calls ``callback_url`` with itself whenever its status changes; nothing is signed.
- Only a task that waits is cancelled; the same request deletes one that has ended.
- Only what was made is charged, by tokens: ``usage.completion_tokens``.
- Images are the first and last frame, or references; never both.
- Links to videos are good for 24 hours.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Annotated
from urllib.parse import quote

from pydantic import Field

from dailies.catalogue.limits import FRAMES_OR_REFERENCES, Part
from dailies.providers.answers import number, positive, text
from dailies.providers.base import Called, Content, Found, Reference, Submission
from dailies.providers.classify import NO_CREDIT, NOT_OFFERED, Answer, Call, classify_job_error
from dailies.providers.declaration import CallerOptions, Help, Options, Provider, Recovery
from dailies.providers.error_text import ErrorText, read_json
from dailies.providers.key_auth import BearerKeyAuth
from dailies.providers.marked import MarkedJob, find_marked
from dailies.providers.outcomes import JobStatus, Kind, Outcome, UpstreamJob
from dailies.providers.shapes import aspect_ratio, resolution, shape
from dailies.providers.wire import Wire
from dailies.video.basics import Variant

__all__ = ["PROVIDER", "Seedance", "SeedanceOptions"]

_STATUSES = {
    "queued": JobStatus.QUEUED,
    "running": JobStatus.RUNNING,
    "succeeded": JobStatus.COMPLETED,
    "failed": JobStatus.FAILED,
    "cancelled": JobStatus.CANCELLED,
    "expired": JobStatus.EXPIRED,
}
_ENDINGS = {
    JobStatus.CANCELLED: ("cancelled_upstream", "The job was cancelled at the provider."),
    JobStatus.EXPIRED: (
        "expired",
        "The provider gave the job up: it was not done within the time that it gives to a job.",
    ),
}
_MODERATED = r"SensitiveContentDetected|RiskDetection"
"""``InputTextSensitiveContentDetected``, ``OutputVideoSensitiveContentDetected.PolicyViolation``,
``InputImageRiskDetection``: the part before it says what was looked at."""


_OURS = (
    "model",
    "content",
    "resolution",
    "ratio",
    "duration",
    "frames",  # a length, too
    "generate_audio",
    "seed",
    "callback_url",
    "safety_identifier",
)
"""What a request says itself; never the caller's own option."""


class SeedanceOptions(Options):
    """``options`` of a deployment.

    Attributes:
        usd_per_million_tokens: the price of a video's tokens, by ``480p``, ``720p``, … or
            ``default``, by which its cost is told; without one, the catalogue's price by second is.
    """

    usd_per_million_tokens: Mapping[str, Annotated[float, Field(ge=0)]] = {}


class Seedance:
    """One model, as a ``VideoProvider`` that finds its jobs and calls back."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        own = wire.options
        self._options = own if isinstance(own, SeedanceOptions) else SeedanceOptions()
        self._tasks = f"{wire.url.removesuffix('/api/v3')}/api/v3/contents/generations/tasks"

    async def submit(self, submission: Submission) -> Outcome:
        """See ``VideoProvider.submit``."""
        body = {**submission.options, **_body(submission)}
        request = self._wire.request("POST", self._tasks, json_body=body)
        return await self._wire.job(Call.CREATE, request, self._job, prompt=submission.prompt)

    async def status(self, job_id: str) -> Outcome:
        """See ``VideoProvider.status``."""
        request = self._wire.request("GET", self._url(job_id))
        return await self._wire.job(Call.STATUS, request, self._job, job_id=job_id)

    def open_content(
        self, job_id: str, variant: Variant
    ) -> AbstractAsyncContextManager[Content | Outcome]:
        """See ``VideoProvider.open_content``."""
        request = self._wire.request("GET", self._url(job_id))
        return self._wire.linked(request, _link, job_id, variant)

    async def cancel(self, job_id: str) -> Outcome:
        """See ``VideoProvider.cancel``. A task that runs goes on."""
        reply = await self._wire.call(Call.CANCEL, self._wire.request("DELETE", self._url(job_id)))
        return reply if isinstance(reply, Outcome) else self._wire.cancelled(reply, job_id)

    async def find_submitted(self, submission: Submission, since: float) -> Found:
        """See ``FindsJobs.find_submitted``."""
        return await find_marked(
            self._wire,
            lambda page, size: self._wire.request(
                "GET", self._tasks, params={"page_num": str(page), "page_size": str(size)}
            ),
            self._page,
            submission=submission,
            since=since,
        )

    async def called_back(self, headers: Mapping[str, str], body: bytes) -> Called | None:
        """See ``CallsBack.called_back``: the body is the task."""
        job = self._job(read_json(body))
        return None if job is None else Called(job.id, job.status.is_final)

    def _url(self, job_id: str) -> str:
        return f"{self._tasks}/{quote(job_id, safe='')}"

    def _page(self, document: object) -> Sequence[MarkedJob] | None:
        items = document.get("items") if isinstance(document, dict) else None
        if items is None and isinstance(document, dict) and document.get("total") == 0:
            return ()
        if not isinstance(items, list):
            return None
        return [
            MarkedJob(job, text(item.get("safety_identifier")))
            for item in items
            if isinstance(item, dict) and (job := self._job(item)) is not None
        ]

    def _job(self, document: object) -> UpstreamJob | None:
        """The task in an answer; the answer to a create has nothing but its id."""
        task = document if isinstance(document, dict) else {}
        job_id = text(task.get("id"))
        if job_id is None:
            return None
        word = text(task.get("status"))
        status = JobStatus.QUEUED if word is None else _STATUSES.get(word, JobStatus.UNKNOWN)
        code, message = _ENDINGS.get(status, (None, None))
        if status is JobStatus.FAILED:
            code, message = _why(task.get("error"))
        elif status is JobStatus.COMPLETED and _link(task) is None:
            status = JobStatus.FAILED
            code, message = "no_video", "The provider says that it is done, but gives no video."
        return UpstreamJob(
            job_id,
            status,
            progress=100 if status is JobStatus.COMPLETED else 0,
            created_at=positive(task.get("created_at")),
            model=text(task.get("model")),
            error_code=code,
            error_message=message,
            cost_usd=self._cost(task),
        )

    def _cost(self, task: dict[str, object]) -> float | None:
        prices = self._options.usd_per_million_tokens
        price = prices.get(text(task.get("resolution")) or "", prices.get("default"))
        usage = task.get("usage")
        tokens = number(usage.get("completion_tokens")) if isinstance(usage, dict) else None
        if price is None or tokens is None or tokens <= 0:
            return None
        return round(tokens * price / 1_000_000, 6)


def _body(submission: Submission) -> dict[str, object]:
    """The fields that are ours to say; a caller's own options never change them."""
    images: list[tuple[str, Reference | None]] = [
        ("first_frame", submission.reference),
        ("last_frame", submission.last_frame),
        *(("reference_image", image) for image in submission.references),
    ]
    content: list[dict[str, object]] = [{"type": "text", "text": submission.prompt}]
    content += [
        {"type": "image_url", "image_url": {"url": image.data_url}, "role": role}
        for role, image in images
        if image is not None
    ]
    wanted: dict[str, object] = {
        "model": submission.deployment,
        "content": content,
        "resolution": resolution(submission.size),
        "ratio": aspect_ratio(submission.size),
        "duration": submission.seconds,
        "generate_audio": submission.sound,
        "seed": submission.seed,
        "callback_url": submission.callback_url,
        "safety_identifier": submission.video_id or None,
    }
    return {name: value for name, value in wanted.items() if value is not None}


def _why(error: object) -> tuple[str, str]:
    """Why a task failed."""
    told = ErrorText.of(error) if isinstance(error, dict) else ErrorText()
    if re.search(_MODERATED, told.code):
        what = "output_moderation" if told.code.startswith("Output") else "input_moderation"
        return classify_job_error(ErrorText(code=what))
    return classify_job_error(told)


def _link(document: object) -> str | None:
    content = document.get("content") if isinstance(document, dict) else None
    return text(content.get("video_url")) if isinstance(content, dict) else None


# fmt: off
_CREATE = frozenset({Call.CREATE})
_4XX = range(400, 500)
_ANSWERS = (
    Answer(_CREATE, _4XX, _MODERATED, Kind.REFUSED, "moderation_blocked",
           "The provider's moderation blocked the request. Change the prompt or the reference "
           "image; the same request would be blocked again."),
    Answer(_CREATE, _4XX, r"AccountOverdue|ServiceOverdue", Kind.REFUSED, "no_credit", NO_CREDIT),
    Answer(_CREATE, {429}, r"queue", Kind.THROTTLED, "concurrency_limit",
           "The provider has as many jobs waiting as it takes. Try again when one is done."),
    # Of a free trial, and the limit that one sets oneself: neither passes by waiting.
    Answer(_CREATE, {429}, r"QuotaExceeded|SetLimitExceeded", Kind.REFUSED, "no_credit",
           NO_CREDIT),
    Answer(_CREATE, _4XX, r"InvalidEndpoint|ModelNotOpen|ServiceNotOpen|UnsupportedModel",
           Kind.REFUSED, "deployment_not_found", NOT_OFFERED,
           remedy="'{deployment}' is not open to this account at {endpoint}. Activate the model in "
           "ModelArk's console (Model activation), or name an inference endpoint (ep-...)."),
)
_HELPS = (
    Help("no_credit", "Pay what is due, or lift the account's limits (free trial, safe experience "
         "mode) in ModelArk's console, for the key of deployment '{deployment}'."),
    Help("invalid_credential", "ModelArk refused the key of deployment '{deployment}'. Set "
         "ARK_API_KEY to an API key of the region of {endpoint}."),
)
# fmt: on

PROVIDER = Provider(
    id="seedance",
    adapter=Seedance,
    recovery=Recovery.LISTED,
    options=SeedanceOptions,
    sends=(Part.FIRST_FRAME, Part.LAST_FRAME, Part.REFERENCES, Part.SEED, Part.SOUND),
    limits=lambda *_: FRAMES_OR_REFERENCES,
    says_size=shape,
    caller_options=CallerOptions(own=_OURS),
    key_auth=BearerKeyAuth,
    # Buckets whose names have changed, by region: ark-content-generation-….tos-….volces.com
    hosts=(".volces.com", ".bytepluses.com"),
    kept_seconds=86_400,
    answers=_ANSWERS,
    helps=_HELPS,
)
