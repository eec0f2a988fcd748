"""Kling's own API.

Sources: Kling's API documentation, as copies of it tell (fields, codes, callbacks), and answers
that its users published. There is no client of theirs. Never tried live.

- Who calls is proven by a token that one signs oneself, with an access key and its secret key: the
  one setting holds both, ``access:secret``.
- ``external_task_id`` is the video's id. It must be unique within an account, and a task can be
  asked for by it: that, and the list of tasks, finds a job whose answer was lost.
- What an answer means is said by its ``code``, not by the status: 429 is as well for an account in
  arrears (1101, 1102), which no waiting mends.
- Text and image have a list and a path each, and a call of theirs doesn't say which: a task is
  asked for as text first.
- A task can't be stopped. Files are kept for 30 days.
- ``mode`` is the size: ``std`` 720p, ``pro`` 1080p.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from urllib.parse import quote

from pydantic import Field

from dailies.catalogue.limits import Part
from dailies.providers.answers import number, positive, text
from dailies.providers.base import Called, Content, Found, Reference, Submission
from dailies.providers.classify import (
    ANY,
    NO_CREDIT,
    NOT_OFFERED,
    SHUT_OUT,
    Answer,
    Call,
    classify_job_error,
)
from dailies.providers.declaration import CallerOptions, Help, Options, Provider, Recovery
from dailies.providers.error_text import ErrorText, read_json
from dailies.providers.marked import MarkedJob, find_marked
from dailies.providers.outcomes import JobStatus, Kind, Outcome, UpstreamJob
from dailies.providers.refusals import GOES_ON
from dailies.providers.shapes import aspect_ratio, shape
from dailies.providers.signed_key import SignedKeyAuth
from dailies.providers.wire import Reply, Wire
from dailies.video.basics import Size, Variant

__all__ = ["PROVIDER", "Kling", "KlingOptions"]

_TEXT, _IMAGE = "text2video", "image2video"
_MODES = {"720p": "std", "1080p": "pro"}
_RATIOS = ("16:9", "9:16", "1:1")
_STATUSES = {
    "submitted": JobStatus.QUEUED,
    "processing": JobStatus.RUNNING,
    "succeed": JobStatus.COMPLETED,
    "failed": JobStatus.FAILED,
}
_RISK = r"risk control|content (?:security|safety)|sensitive|policy"


_OURS = (
    "model_name",
    "prompt",
    "negative_prompt",
    "mode",
    "aspect_ratio",
    "duration",
    "image",
    "image_tail",
    "sound",
    "callback_url",
    "external_task_id",
)
"""What a request says itself; never the caller's own option."""


class KlingOptions(Options):
    """``options`` of a deployment.

    Attributes:
        usd_per_unit: what one of the units costs that a task deducts; None where the price by
            second of the catalogue is all that is known.
    """

    usd_per_unit: float | None = Field(default=None, ge=0)


class Kling:
    """One model, as a ``VideoProvider`` that finds its jobs and calls back."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        own = wire.options
        self._options = own if isinstance(own, KlingOptions) else KlingOptions()
        self._videos = f"{wire.url.removesuffix('/v1')}/v1/videos"

    async def submit(self, submission: Submission) -> Outcome:
        """See ``VideoProvider.submit``."""
        body = {**submission.options, **_body(submission)}
        url = f"{self._videos}/{_kind(submission)}"
        request = self._wire.request("POST", url, json_body=body)
        return await self._wire.job(Call.CREATE, request, self._read, prompt=submission.prompt)

    async def status(self, job_id: str) -> Outcome:
        """See ``VideoProvider.status``."""
        found = await self._ask(job_id)
        return found if isinstance(found, Outcome) else found[1]

    @asynccontextmanager
    async def open_content(self, job_id: str, variant: Variant) -> AsyncIterator[Content | Outcome]:
        """See ``VideoProvider.open_content``."""
        if variant is not Variant.VIDEO:
            async with self._wire.no_content(job_id, variant) as nothing:
                yield nothing
            return
        found = await self._ask(job_id)
        if isinstance(found, Outcome):
            yield found
            return
        request = self._wire.request("GET", found[0])
        async with self._wire.linked(request, _link, job_id, variant) as content:
            yield content

    async def cancel(self, job_id: str) -> Outcome:
        """See ``VideoProvider.cancel``. There is no such request: a task ends by itself."""
        return self._wire.told(Call.CANCEL, GOES_ON, job_id)

    async def find_submitted(self, submission: Submission, since: float) -> Found:
        """See ``FindsJobs.find_submitted``. Its absence is told by the list alone: how a task is
        answered that is not there isn't documented."""
        url = f"{self._videos}/{_kind(submission)}"
        request = self._wire.request("GET", f"{url}/{quote(submission.video_id, safe='')}")
        reply = await self._wire.call(Call.STATUS, request)
        if isinstance(reply, Reply) and reply.is_success:
            marked = self._marked(_data(read_json(reply.body)))
            if marked is not None and marked.mark == submission.video_id:
                return Found(Outcome(Kind.ACCEPTED), [marked.job])
        return await find_marked(
            self._wire,
            lambda page, size: self._wire.request(
                "GET", url, params={"pageNum": str(page), "pageSize": str(size)}
            ),
            self._page,
            submission=submission,
            since=since,
        )

    async def called_back(self, headers: Mapping[str, str], body: bytes) -> Called | None:
        """See ``CallsBack.called_back``: the body is the task, bare or as in an answer."""
        task = _task(read_json(body))
        task_id = text(task.get("task_id")) if task is not None else None
        if task is None or task_id is None:
            return None
        status = _STATUSES.get(text(task.get("task_status")) or "", JobStatus.UNKNOWN)
        return Called(task_id, status.is_final)

    async def _ask(self, job_id: str) -> tuple[str, Outcome] | Outcome:
        """Where a task is, and how it is doing; or why nobody can say. It is gone only when both
        lists say so."""
        refused: list[Outcome] = []
        for kind in (_TEXT, _IMAGE):
            url = f"{self._videos}/{kind}/{quote(job_id, safe='')}"
            request = self._wire.request("GET", url)
            outcome = await self._wire.job(Call.STATUS, request, self._read, job_id=job_id)
            if outcome.kind is Kind.ACCEPTED:
                return url, outcome
            refused.append(outcome)
        return next((one for one in refused if one.kind is not Kind.MISSING), refused[-1])

    def _read(self, document: object) -> UpstreamJob | None:
        """The task in an answer whose code says that all is well."""
        marked = self._marked(_data(document))
        return None if marked is None else marked.job

    def _page(self, document: object) -> Sequence[MarkedJob] | None:
        data = _data(document)
        if not isinstance(data, list):
            return None
        return [marked for item in data if (marked := self._marked(item)) is not None]

    def _marked(self, task: object) -> MarkedJob | None:
        job_id = text(task.get("task_id")) if isinstance(task, dict) else None
        if not isinstance(task, dict) or job_id is None:
            return None
        word = text(task.get("task_status"))
        status = JobStatus.QUEUED if word is None else _STATUSES.get(word, JobStatus.UNKNOWN)
        code = message = None
        if status is JobStatus.FAILED:
            code, message = _why(text(task.get("task_status_msg")) or "")
        elif status is JobStatus.COMPLETED and _link(task) is None:
            status = JobStatus.FAILED
            code, message = "no_video", "The provider says that it is done, but gives no video."
        info = task.get("task_info")
        created = positive(task.get("created_at"))
        job = UpstreamJob(
            job_id,
            status,
            progress=100 if status is JobStatus.COMPLETED else 0,
            created_at=None if created is None else created / 1000,
            error_code=code,
            error_message=message,
            cost_usd=self._cost(task.get("final_unit_deduction")),
        )
        return MarkedJob(
            job, text(info.get("external_task_id")) if isinstance(info, dict) else None
        )

    def _cost(self, deduction: object) -> float | None:
        price, units = self._options.usd_per_unit, number(deduction)
        return None if price is None or units is None or units < 0 else round(units * price, 6)


def _kind(submission: Submission) -> str:
    images = (submission.reference, submission.last_frame)
    return _IMAGE if any(image is not None for image in images) else _TEXT


def _body(submission: Submission) -> dict[str, object]:
    """The fields that are ours to say; a caller's own options never change them."""
    from_image = _kind(submission) == _IMAGE
    sound = None if submission.sound is None else "on" if submission.sound else "off"
    wanted: dict[str, object] = {
        "model_name": submission.deployment,
        "prompt": submission.prompt,
        "negative_prompt": submission.negative_prompt,
        "mode": _mode_of(submission.size),
        # With an image the video has its shape, and that is fitted to the size.
        "aspect_ratio": None if from_image else aspect_ratio(submission.size),
        "duration": str(submission.seconds),
        "image": _base64(submission.reference),
        "image_tail": _base64(submission.last_frame),
        "sound": sound,
        "callback_url": submission.callback_url,
        "external_task_id": submission.video_id or None,
    }
    return {name: value for name, value in wanted.items() if value is not None}


def _mode_of(size: Size) -> str:
    """The mode of a size.

    Raises:
        ValueError: it has none, or no aspect ratio.
    """
    ratio, lines = shape(size)
    if lines not in _MODES or ratio not in _RATIOS:
        raise ValueError(f"{size} is no size of 16:9, 9:16 or 1:1 with 720 or 1080 lines")
    return _MODES[lines]


def _base64(image: Reference | None) -> str | None:
    """The bare letters: a ``data:`` in front is refused."""
    return None if image is None else b64encode(image.data).decode("ascii")


def _data(document: object) -> object:
    """What an answer holds, if its code is 0."""
    if not isinstance(document, dict) or document.get("code") not in (0, "0"):
        return None
    return document.get("data")


def _task(document: object) -> dict[str, object] | None:
    """A task, bare or as ``data`` of an answer."""
    if not isinstance(document, dict):
        return None
    inner = document.get("data")
    return inner if isinstance(inner, dict) else document


def _link(document: object) -> str | None:
    task = _task(document) or {}
    result = task.get("task_result")
    videos = result.get("videos") if isinstance(result, dict) else None
    first = videos[0] if isinstance(videos, list) and videos else None
    return text(first.get("url")) if isinstance(first, dict) else None


def _why(message: str) -> tuple[str, str]:
    """Why a task failed: only words tell, such as "Failure to pass the risk control system"."""
    if re.search(_RISK, message, re.IGNORECASE):
        return classify_job_error(ErrorText(type="moderation"))
    return classify_job_error(ErrorText(message=message))


# fmt: off
_CREATE = frozenset({Call.CREATE})
_ALL = range(200, 600)
_4XX = range(400, 500)
_ANSWERS = (
    # Unique within an account: a task that has it must be of the same video.
    Answer(_CREATE, _4XX, r"external_?task_?id", Kind.UNKNOWN, "unknown_outcome",
           "The provider complains of the id of the request; it may have taken it before."),
    Answer(_CREATE, _ALL, r"\A110[12]\b", Kind.REFUSED, "no_credit",
           NO_CREDIT),
    Answer(_CREATE, _ALL, r"\A130[01]\b", Kind.REFUSED, "moderation_blocked",
           "The provider's moderation blocked the request. Change the prompt or the reference "
           "image; the same request would be blocked again."),
    Answer(_CREATE, _ALL, r"\A(?:1103|1203)\b", Kind.REFUSED, "deployment_not_found",
           NOT_OFFERED,
           remedy="Kling does not offer '{deployment}' to this account. Check the name in the "
           "catalogue and the account's resource packs."),
    Answer(ANY, _ALL, r"\A1100\b", Kind.UNAUTHORISED, "account_exception", SHUT_OUT,
           remedy="Kling has a complaint about the account of deployment '{deployment}' (1100): "
           "look at it in Kling's console."),
    Answer(ANY, _ALL, r"\A1304\b", Kind.UNAUTHORISED, "network_blocked", SHUT_OUT,
           remedy="Kling takes no calls from the app's address (1304): add it to the account's "
           "list of allowed addresses."),
    Answer(ANY, _ALL, r"\A1303\b", Kind.THROTTLED, "concurrency_limit",
           "The provider runs as many jobs as it may. Try again when one is done."),
    Answer(ANY, _ALL, r"\A1302\b", Kind.THROTTLED, "rate_limit",
           "The provider takes no more requests for the moment. Try again later."),
    Answer(frozenset({Call.STATUS}), _4XX, r"\A120[0-3]\b", Kind.MISSING, "job_not_found",
           "The provider does not know this job: it vanished or expired."),
)
_HELPS = (
    Help("no_credit", "Buy a resource pack for the account of deployment '{deployment}', or pay "
         "what is due, in Kling's console."),
    Help("invalid_credential", "Kling refused the token for '{deployment}'. KLING_API_KEY must be "
         "the access key and its secret key with a colon between, and the clock must be right."),
    Help("concurrency_limit", "If this lasts, set the deployment's quota 'concurrent' to what the "
         "account's resource pack allows."),
)
# fmt: on

PROVIDER = Provider(
    id="kling",
    adapter=Kling,
    recovery=Recovery.LISTED,
    options=KlingOptions,
    sends=(Part.FIRST_FRAME, Part.LAST_FRAME, Part.NEGATIVE_PROMPT, Part.SOUND),
    says_size=_mode_of,
    caller_options=CallerOptions(own=_OURS),
    key_auth=SignedKeyAuth,
    # p1.a.kwimgs.com in the documentation; v15-kling.klingai.com and v1-fdl.kechuangai.com in
    # answers. All are Kuaishou's.
    hosts=(".klingai.com", ".kechuangai.com", ".a.kwimgs.com"),
    kept_seconds=30 * 86_400,
    answers=_ANSWERS,
    helps=_HELPS,
)
