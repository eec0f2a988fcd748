"""Luma's Ray 3.2, by the Luma Agents API at ``https://agents.lumalabs.ai/v1``.

Sources: Luma's own client (luma-agents 0.5) and its guides "Video generation", "Error handling" and
"Rate limits". Nothing here was tried against the living service; where its files are is a guess
from "presigned S3 URLs".

- ``POST /generations`` answers 201 with the generation. There is no key that makes a second sending
  harmless, no list, no call back and no cancel. ``user_id`` is our mark: the account's usage is
  told by it, so an operator sees whether a lost job was charged.
- ``GET /generations/{id}`` gives ``state`` and, once completed, ``output`` with a link for an hour;
  each call gives a fresh one.
- A start and an end frame are for five seconds only. Keyframes, pinned to places at 24 a second, do
  the same for ten.
- Errors are ``{"detail": "…"}``; a failed generation has ``failure_code`` and ``failure_reason``.
"""

from __future__ import annotations

from base64 import b64encode
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from urllib.parse import quote

import httpx

from dailies.catalogue.limits import Part
from dailies.providers.answers import moment, text
from dailies.providers.base import Content, Reference, Submission
from dailies.providers.classify import NO_CREDIT, NOT_OFFERED, Answer, Call, classify_job_error
from dailies.providers.declaration import CallerOptions, Help, Provider, Recovery
from dailies.providers.error_text import ErrorText
from dailies.providers.key_auth import BearerKeyAuth
from dailies.providers.outcomes import JobStatus, Kind, Outcome, UpstreamJob
from dailies.providers.refusals import GOES_ON
from dailies.providers.shapes import aspect_ratio, resolution, shape
from dailies.providers.wire import Wire
from dailies.video.basics import Variant

__all__ = ["PROVIDER", "Luma", "moment", "parse_job"]

_FRAMES_A_SECOND = 24
_LONGEST_WITH_ENDS = 5
"""Seconds of a video with ``start_frame`` or ``end_frame``."""

_EXTRAS = frozenset({"loop"})
"""What callers may ask of this provider alone; what costs more than the catalogue says is not."""

_STATES = {
    "queued": JobStatus.QUEUED,
    "processing": JobStatus.RUNNING,
    "completed": JobStatus.COMPLETED,
    "failed": JobStatus.FAILED,
}
_NO_VIDEO = "The provider says that the job is done, and gives no video. Create it again."


# fmt: off
_ANSWERS = (
    # Also of models that the account may not use: Luma does not tell the two apart.
    Answer(frozenset({Call.CREATE}), {400}, r"(?m)^Unknown model:", Kind.REFUSED,
           "deployment_not_found", NOT_OFFERED),
)
_HELPS = (
    Help("no_credit",
         remedy="Add credit to the Luma account whose key deployment '{deployment}' uses "
         "(platform.lumalabs.ai)."),
    Help("deployment_not_found",
         remedy="Luma has no '{deployment}', or not for this account. Check the deployment's name "
         "in the catalogue."),
    Help("invalid_credential",
         remedy="The provider at {endpoint} refused the key. Check that LUMA_API_KEY is a key of "
         "platform.lumalabs.ai (it begins with luma-api-), neither revoked nor expired."),
    Help("access_denied",
         remedy="Luma has suspended or deactivated the account whose key deployment '{deployment}' "
         "uses. Ask Luma's support."),
)
# fmt: on


class Luma:
    """One deployment, as a ``VideoProvider``."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    async def submit(self, submission: Submission) -> Outcome:
        """See ``VideoProvider.submit``."""
        url = f"{self._wire.url}/generations"
        request = self._wire.request("POST", url, json_body=_creation(submission))
        return await self._wire.job(Call.CREATE, request, parse_job, prompt=submission.prompt)

    async def status(self, job_id: str) -> Outcome:
        """See ``VideoProvider.status``."""
        request = self._status_request(job_id)
        return await self._wire.job(Call.STATUS, request, parse_job, job_id=job_id)

    def open_content(
        self, job_id: str, variant: Variant
    ) -> AbstractAsyncContextManager[Content | Outcome]:
        """See ``VideoProvider.open_content``."""
        return self._wire.linked(self._status_request(job_id), _link, job_id, variant)

    async def cancel(self, job_id: str) -> Outcome:
        """See ``VideoProvider.cancel``. There is no such call: the job goes on."""
        return self._wire.told(Call.CANCEL, GOES_ON, job_id)

    def _status_request(self, job_id: str) -> httpx.Request:
        return self._wire.request("GET", f"{self._wire.url}/generations/{quote(job_id, safe='')}")


def parse_job(document: object) -> UpstreamJob | None:
    """The job in a generation; None when it has no id."""
    job_id = text(document.get("id")) if isinstance(document, dict) else None
    if not isinstance(document, dict) or job_id is None:
        return None
    status = _STATES.get((text(document.get("state")) or "").lower(), JobStatus.UNKNOWN)
    job = UpstreamJob(
        id=job_id,
        status=status,
        created_at=moment(document.get("created_at")),
        model=text(document.get("model")),
    )
    match status:
        case JobStatus.COMPLETED if _output(document) is None:
            return replace(
                job, status=JobStatus.FAILED, error_code="no_video", error_message=_NO_VIDEO
            )
        case JobStatus.COMPLETED:
            return replace(job, progress=100)
        case JobStatus.FAILED:
            reason = text(document.get("failure_code"))
            code, message = _why(reason or "", text(document.get("failure_reason")) or "")
            return replace(job, failure_reason=reason, error_code=code, error_message=message)
    return job


def _why(code: str, reason: str) -> tuple[str, str]:
    """The code and message of a failed job."""
    if code == "budget_exhausted":
        return "no_credit", NO_CREDIT
    kind = "moderation" if code == "content_moderated" else ""
    return classify_job_error(ErrorText(code=code, message=reason, type=kind))


def _creation(submission: Submission) -> dict[str, object]:
    """The body that creates a job."""
    video: dict[str, object] = {
        "duration": f"{submission.seconds}s",
        "resolution": resolution(submission.size),
        **_frames(submission),
        **submission.options,
    }
    body: dict[str, object] = {
        "type": "video",
        "model": submission.deployment,
        "prompt": submission.prompt,
        "aspect_ratio": aspect_ratio(submission.size),
        "video": video,
    }
    if submission.video_id:
        body["user_id"] = submission.video_id
    return body


def _frames(submission: Submission) -> dict[str, object]:
    """The first and the last frame, as a video of this length takes them."""
    last = submission.seconds * _FRAMES_A_SECOND
    pinned = [
        (name, place, _image(image))
        for name, place, image in (
            ("start_frame", 0, submission.reference),
            ("end_frame", last, submission.last_frame),
        )
        if image is not None
    ]
    if not pinned or submission.seconds <= _LONGEST_WITH_ENDS:
        return {name: image for name, _, image in pinned}
    return {
        "keyframes": [image for _, _, image in pinned],
        "keyframe_indexes": [place for _, place, _ in pinned],
    }


def _image(reference: Reference) -> dict[str, str]:
    return {"data": b64encode(reference.data).decode("ascii"), "media_type": reference.content_type}


def _output(document: object) -> str | None:
    """The link to the video of a generation; beside it there may be files of other kinds."""
    output = document.get("output") if isinstance(document, dict) else None
    for item in output if isinstance(output, list) else ():
        if isinstance(item, dict) and item.get("type") == "video":
            return text(item.get("url"))
    return None


def _link(document: object) -> str | None:
    job = parse_job(document)
    is_done = job is not None and job.status is JobStatus.COMPLETED
    return _output(document) if is_done else None


PROVIDER = Provider(
    id="luma",
    adapter=Luma,
    recovery=Recovery.NONE,
    sends=(Part.FIRST_FRAME, Part.LAST_FRAME),
    says_size=shape,
    key_auth=BearerKeyAuth,
    caller_options=CallerOptions(only=_EXTRAS),
    hosts=(".lumalabs.ai", ".cdn-luma.com", ".amazonaws.com"),
    answers=_ANSWERS,
    helps=_HELPS,
)
