"""xAI's Grok Imagine: videos by the REST API at ``https://api.x.ai/v1``.

Sources: xAI's guides "Video Generation" and "Persisting Generated Output", and the messages of its
own client (xai-sdk 1.21, which speaks gRPC: the REST answers are those messages as JSON). Nothing
here was tried against the living service; what only others tell is marked "reported".

- ``POST /videos/generations`` answers ``{"request_id": …}``. There is no key that makes a second
  sending harmless, no list of jobs, no call back and no cancel.
- ``GET /videos/{request_id}`` answers 202, with or without a body, while the job is pending; then
  ``status`` is ``done``, ``failed`` or ``expired``. ``done`` with ``respect_moderation: false`` has
  no video, and is charged all the same (reported).
- ``usage.cost_in_usd_ticks`` is what the job costs, in 1e-10 US dollars.
- ``video.url`` is for a day, at ``vidgen.x.ai``; it wants no credential.
- ``storage_options.filename`` names a copy among the account's files, which expires with the link.
  It is our mark: an operator finds a lost job's video by the video's id.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from urllib.parse import quote

import httpx

from dailies.catalogue.deployment import Deployment
from dailies.catalogue.limits import Limit, Part
from dailies.providers.answers import number, text
from dailies.providers.base import Content, Reference, Submission
from dailies.providers.classify import ANY, NO_CREDIT, SHUT_OUT, Answer, Call, classify_job_error
from dailies.providers.declaration import CallerOptions, Help, Options, Provider, Recovery
from dailies.providers.error_text import ErrorText, read_json
from dailies.providers.key_auth import BearerKeyAuth
from dailies.providers.outcomes import JobStatus, Kind, Outcome, UpstreamJob
from dailies.providers.refusals import GOES_ON
from dailies.providers.shapes import aspect_ratio, resolution, shape
from dailies.providers.wire import Wire
from dailies.video.basics import Variant

__all__ = ["PROVIDER", "Xai", "XaiOptions", "parse_job"]

_KEPT_SECONDS = 86_400
_USD_PER_TICK = 1e-10
_LARGEST_GUIDED = 720
"""Lines: a video guided by more than a first frame has no more."""

_EXTRAS = frozenset({"keyframes", "reference_audios"})
"""What callers may ask of this provider alone, in its own words."""

_STATUSES = {
    "pending": JobStatus.RUNNING,
    "done": JobStatus.COMPLETED,
    "failed": JobStatus.FAILED,
    "expired": JobStatus.EXPIRED,
}
_EXPIRED = "The provider gave the job up, or no longer keeps it. Create the video again."
_NO_VIDEO = "The provider says that the job is done, and gives no video. Create it again."


_MODERATED = r"moderation|usage guidelines|SAFETY_CHECK"
_OUT_OF_CREDIT = r"\bcredits\b|spending[ _-]limit"
_BAD_KEY = r"(?:incorrect|invalid) api key"

# fmt: off
_ANSWERS = (
    # With the credit used up, or a limit on spending reached: 402, 403 or 429, by the kind of the
    # account (reported); the first is everybody's.
    Answer(ANY, {403, 429}, _OUT_OF_CREDIT, Kind.REFUSED, "no_credit",
           NO_CREDIT),
    # A key that is wrong is a 400 here; only a missing one is a 401.
    Answer(ANY, {400}, _BAD_KEY, Kind.UNAUTHORISED, "invalid_credential", SHUT_OUT),
    Answer(ANY, {400}, r"Zero Data Retention", Kind.UNAUTHORISED, "zero_data_retention", SHUT_OUT),
    # 403 is also what a prompt that breaks the rules gets (reported).
    Answer(frozenset({Call.CREATE}), {400, 403, 422}, _MODERATED, Kind.REFUSED,
           "moderation_blocked",
           "The provider's moderation blocked the request. Change the prompt or the images; the "
           "same request would be blocked again."),
)
_HELPS = (
    Help("no_credit",
         remedy="Buy credit, or raise the limit on spending, of the xAI team whose key deployment "
         "'{deployment}' uses (console.x.ai > Billing)."),
    Help("invalid_credential",
         remedy="The provider at {endpoint} refused the key. Check that XAI_API_KEY is a key of "
         "console.x.ai, whole and not revoked."),
    Help("access_denied",
         remedy="The key of deployment '{deployment}' may not make videos. Check its endpoints and "
         "models on console.x.ai > API keys, and that the team is not blocked."),
    Help("zero_data_retention",
         remedy="The xAI team of deployment '{deployment}' keeps no data, and xAI makes videos for "
         "such teams only into a signed URL of theirs. Use a key of another team."),
)
# fmt: on


class XaiOptions(Options):
    """``options`` of a deployment.

    Attributes:
        keep_copy: keep a copy of the video among the account's files for a day, under the video's
            id; off where the account's storage is not to be used.
    """

    keep_copy: bool = True


class Xai:
    """One deployment, as a ``VideoProvider``."""

    def __init__(self, wire: Wire) -> None:
        options = wire.options if isinstance(wire.options, XaiOptions) else XaiOptions()
        self._wire = wire
        self._keep_copy = options.keep_copy

    async def submit(self, submission: Submission) -> Outcome:
        """See ``VideoProvider.submit``."""
        url = f"{self._wire.url}/videos/generations"
        request = self._wire.request("POST", url, json_body=self._creation(submission))
        return await self._wire.job(Call.CREATE, request, _created, prompt=submission.prompt)

    async def status(self, job_id: str) -> Outcome:
        """See ``VideoProvider.status``."""
        reply = await self._wire.call(Call.STATUS, self._status_request(job_id))
        if isinstance(reply, Outcome):
            return reply
        document = read_json(reply.body)
        if reply.status == httpx.codes.ACCEPTED and not isinstance(document, dict):
            document = {"status": "pending"}
        job = parse_job(document) if reply.is_success else None
        if job is None:
            return self._wire.classified(Call.STATUS, reply, job_id=job_id)
        return self._wire.accepted(Call.STATUS, reply, replace(job, id=job_id))

    def open_content(
        self, job_id: str, variant: Variant
    ) -> AbstractAsyncContextManager[Content | Outcome]:
        """See ``VideoProvider.open_content``."""
        return self._wire.linked(self._status_request(job_id), _link, job_id, variant)

    async def cancel(self, job_id: str) -> Outcome:
        """See ``VideoProvider.cancel``. There is no such call: the job goes on."""
        return self._wire.told(Call.CANCEL, GOES_ON, job_id)

    def _status_request(self, job_id: str) -> httpx.Request:
        return self._wire.request("GET", f"{self._wire.url}/videos/{quote(job_id, safe='')}")

    def _creation(self, submission: Submission) -> dict[str, object]:
        """The body that creates a job."""
        body: dict[str, object] = {
            "model": submission.deployment,
            "prompt": submission.prompt,
            "duration": submission.seconds,
            "aspect_ratio": aspect_ratio(submission.size),
            "resolution": resolution(submission.size),
        }
        if submission.reference is not None:
            body["image"] = _image(submission.reference)
        if submission.last_frame is not None:
            body["last_frame"] = _image(submission.last_frame)
        if submission.references:
            body["reference_images"] = [_image(image) for image in submission.references]
        if submission.sound is not None:
            body["generate_audio"] = submission.sound
        if submission.video_id:
            body["user"] = submission.video_id
        if submission.video_id and self._keep_copy:
            body["storage_options"] = {
                "filename": f"{submission.video_id}.mp4",
                "expires_after": _KEPT_SECONDS,
            }
        return {**body, **submission.options}


def parse_job(document: object) -> UpstreamJob | None:
    """The job in the answer to a status request, which does not name it; None when it is none."""
    if not isinstance(document, dict):
        return None
    video = document.get("video")
    film = video if isinstance(video, dict) else {}
    word = text(document.get("status"))
    if word is None and film:  # early answers had no status once there was a video
        word = "done"
    status = _STATUSES.get((word or "").lower(), JobStatus.UNKNOWN)
    job = UpstreamJob(
        id="",
        status=status,
        progress=_percent(document.get("progress")),
        model=text(document.get("model")),
        cost_usd=_cost(document.get("usage")),
    )
    match status:
        case JobStatus.COMPLETED if film.get("respect_moderation") is False:
            blocked = ErrorText(code="output_moderation")
            return _failed(job, blocked, "respect_moderation")
        case JobStatus.COMPLETED if text(film.get("url")) is None:
            return replace(
                job, status=JobStatus.FAILED, error_code="no_video", error_message=_NO_VIDEO
            )
        case JobStatus.COMPLETED:
            return replace(job, progress=100)
        case JobStatus.EXPIRED:
            return replace(job, error_code="expired", error_message=_EXPIRED)
        case JobStatus.FAILED:
            error = document.get("error")
            why = ErrorText.of(error) if isinstance(error, dict) else ErrorText()
            if re.search(_MODERATED, why.words, re.IGNORECASE):  # its code tells nothing of it
                why = replace(why, type="moderation")
            return _failed(job, why, why.code or None)
    return job


def _failed(job: UpstreamJob, error: ErrorText, reason: str | None) -> UpstreamJob:
    code, message = classify_job_error(error)
    return replace(
        job,
        status=JobStatus.FAILED,
        failure_reason=reason,
        error_code=code,
        error_message=message,
    )


def _created(document: object) -> UpstreamJob | None:
    job_id = text(document.get("request_id")) if isinstance(document, dict) else None
    return None if job_id is None else UpstreamJob(job_id, JobStatus.QUEUED)


def _link(document: object) -> str | None:
    """The link to the video in the answer to a status request."""
    job = parse_job(document)
    if not isinstance(document, dict) or job is None or job.status is not JobStatus.COMPLETED:
        return None
    return text(document["video"].get("url"))


def _guided(deployment: Deployment, _: XaiOptions) -> Iterator[Limit]:
    """With a last frame, reference images or keyframes it makes 480 or 720 lines only."""
    small = tuple(s for s in deployment.sizes if min(s.width, s.height) <= _LARGEST_GUIDED)
    if small != deployment.sizes:
        for part in (Part.LAST_FRAME, Part.REFERENCES, Part.OPTIONS):
            yield Limit(when=part, sizes=small)


def _image(reference: Reference) -> dict[str, str]:
    return {"url": reference.data_url}


def _percent(value: object) -> int:
    percent = number(value)
    return 0 if percent is None else round(min(max(percent, 0), 100))


def _cost(usage: object) -> float | None:
    """US dollars; None when the provider does not tell."""
    ticks = number(usage.get("cost_in_usd_ticks")) if isinstance(usage, dict) else None
    return None if ticks is None or ticks < 0 else round(ticks * _USD_PER_TICK, 6)


PROVIDER = Provider(
    id="xai",
    adapter=Xai,
    recovery=Recovery.NONE,
    options=XaiOptions,
    sends=(Part.FIRST_FRAME, Part.LAST_FRAME, Part.REFERENCES, Part.SOUND),
    caller_options=CallerOptions(only=_EXTRAS),
    limits=_guided,
    says_size=shape,
    key_auth=BearerKeyAuth,
    hosts=(".x.ai",),
    kept_seconds=_KEPT_SECONDS,
    answers=_ANSWERS,
    helps=_HELPS,
)
