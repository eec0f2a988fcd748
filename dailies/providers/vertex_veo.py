"""Google's Veo on Vertex AI: long-running predictions that write to a bucket.

Google may have retired these models by the time that this is read: the catalogue's rows are off by
default. A job is an operation; its id is the operation's full name. Nothing lists operations of
predictions, and a running one can't be stopped. One that is done without a video was filtered.

Sources: google-genai 3.6.1 (``models._GenerateVideosConfig_to_vertex``, ``operations``) and
Google's reference of the video API, which asks for ``generateAudio`` with every model since Veo 3.
Never tried live.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from typing import Any, cast

import httpx

from dailies.catalogue.limits import FRAMES_OR_REFERENCES, Part
from dailies.providers.answers import text, whole
from dailies.providers.base import Content, Reference, Submission
from dailies.providers.classify import Call
from dailies.providers.declaration import CallerOptions, Provider, Recovery
from dailies.providers.download import inline_content
from dailies.providers.google import (
    ANSWERS,
    HELPS,
    NO_VIDEO,
    CloudOptions,
    blocked,
    job_failure,
    shape,
    stored_file,
    video_prefix,
)
from dailies.providers.google_auth import federated
from dailies.providers.outcomes import JobStatus, Kind, Outcome, UpstreamJob
from dailies.providers.refusals import GOES_ON
from dailies.providers.wire import Wire
from dailies.video.basics import Operation, Variant

__all__ = ["PROVIDER", "VertexVeo", "parse_operation"]

_OPERATION = re.compile(r"(projects(?:/[A-Za-z0-9._:-]+){7})/operations/[A-Za-z0-9._-]+")
_OWN_OPTIONS = ("compressionQuality", "enhancePrompt", "personGeneration", "resizeMode")
"""Parameters that a caller may choose; what costs money or says where files go is never theirs."""

_NOT_OFFERED = Outcome(
    Kind.REFUSED,
    code="unsupported_operation",
    message="This provider's videos can't be remixed, edited or extended here. Create a new one.",
)
_NO_OPERATION = Outcome(
    Kind.MISSING,
    code="job_not_found",
    message="The provider does not know this job: it vanished or expired.",
)


class VertexVeo:
    """One deployment, as a ``VideoProvider``."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._options = options = cast(CloudOptions, wire.options)  # the declaration says so
        self._root = f"{wire.url}/v1"
        self._models = (
            f"projects/{options.project}/locations/{options.location}/publishers/google/models"
        )

    async def submit(self, submission: Submission) -> Outcome:
        """See ``VideoProvider.submit``."""
        if submission.operation is not Operation.CREATE:
            return _NOT_OFFERED
        request = self._wire.request(
            "POST",
            f"{self._root}/{self._models}/{submission.deployment}:predictLongRunning",
            json_body={
                "instances": [_instance(submission)],
                "parameters": self._parameters(submission, *shape(submission.size)),
                "labels": {"dailies_video": submission.video_id},
            },
        )
        return await self._wire.job(Call.CREATE, request, parse_operation, prompt=submission.prompt)

    async def status(self, job_id: str) -> Outcome:
        """See ``VideoProvider.status``."""
        request = self._look(job_id)
        if request is None:
            return self._wire.told(Call.STATUS, _NO_OPERATION, job_id)
        return await self._wire.job(Call.STATUS, request, parse_operation, job_id=job_id)

    def open_content(
        self, job_id: str, variant: Variant
    ) -> AbstractAsyncContextManager[Content | Outcome]:
        """See ``VideoProvider.open_content``."""
        request = self._look(job_id)
        if variant is not Variant.VIDEO or request is None:
            return self._wire.no_content(job_id, variant)
        return self._wire.named(request, self._file, job_id, variant)

    async def cancel(self, job_id: str) -> Outcome:
        """See ``VideoProvider.cancel``: nothing can be stopped, and files are the operator's."""
        return self._wire.told(Call.CANCEL, GOES_ON, job_id)

    def _parameters(self, submission: Submission, ratio: str, lines: str) -> dict[str, Any]:
        wanted = {
            "sampleCount": 1,
            "durationSeconds": submission.seconds,
            "aspectRatio": ratio,
            "resolution": lines,
            "generateAudio": submission.sound is not False,
            "storageUri": video_prefix(self._options, submission.video_id),
            "seed": submission.seed,
            "negativePrompt": submission.negative_prompt,
        }
        return {
            **submission.options,
            **{name: value for name, value in wanted.items() if value is not None},
        }

    def _look(self, job_id: str) -> httpx.Request | None:
        """The request for an operation; None when that is no name of one."""
        found = _OPERATION.fullmatch(job_id)
        if found is None or ".." in job_id:
            return None
        url = f"{self._root}/{found[1]}:fetchPredictOperation"
        return self._wire.request("POST", url, json_body={"operationName": job_id})

    def _file(self, document: object) -> httpx.Request | Content | Outcome | None:
        video = next(_videos(document), None)
        if video is None:
            return None
        if (uri := text(video.get("gcsUri"))) is not None:
            return stored_file(self._wire, self._options, uri)
        data = text(video.get("bytesBase64Encoded"))
        return None if data is None else inline_content(data, "video/mp4")


def parse_operation(document: object) -> UpstreamJob | None:
    """The job in a JSON document; None when it has no name.

    An operation has no status but whether it is ``done``, with an ``error`` or a ``response``.
    """
    name = text(document.get("name")) if isinstance(document, dict) else None
    if name is None or not isinstance(document, dict):
        return None
    if document.get("done") is not True:
        return UpstreamJob(name, JobStatus.RUNNING)
    if document.get("error"):
        code, message = job_failure(document["error"])
    elif next(_videos(document), None) is not None:
        return UpstreamJob(name, JobStatus.COMPLETED, progress=100)
    else:
        code, message = _filtered(document.get("response"))
    return UpstreamJob(name, JobStatus.FAILED, error_code=code, error_message=message)


def _filtered(response: object) -> tuple[str, str]:
    """Why an operation made no video."""
    if not isinstance(response, dict) or not whole(response.get("raiMediaFilteredCount")):
        return NO_VIDEO
    reasons = response.get("raiMediaFilteredReasons")
    words = reasons if isinstance(reasons, list) else []
    return blocked(" ".join(filter(None, map(text, words))))


def _videos(document: object) -> Iterator[dict[str, Any]]:
    response = document.get("response") if isinstance(document, dict) else None
    videos = response.get("videos") if isinstance(response, dict) else None
    for video in videos if isinstance(videos, list) else ():
        if isinstance(video, dict) and any(
            text(video.get(name)) for name in ("gcsUri", "bytesBase64Encoded")
        ):
            yield video


def _instance(submission: Submission) -> dict[str, Any]:
    instance: dict[str, Any] = {"prompt": submission.prompt}
    if submission.reference is not None:
        instance["image"] = _image(submission.reference)
    if submission.last_frame is not None:
        instance["lastFrame"] = _image(submission.last_frame)
    if submission.references:
        instance["referenceImages"] = [
            {"image": _image(item), "referenceType": "asset"} for item in submission.references
        ]
    return instance


def _image(image: Reference) -> dict[str, str]:
    return {
        "bytesBase64Encoded": b64encode(image.data).decode("ascii"),
        "mimeType": image.content_type,
    }


PROVIDER = Provider(
    id="vertex-veo",
    adapter=VertexVeo,
    recovery=Recovery.NONE,
    options=CloudOptions,
    sends=(
        Part.FIRST_FRAME,
        Part.LAST_FRAME,
        Part.REFERENCES,
        Part.SEED,
        Part.NEGATIVE_PROMPT,
        Part.SOUND,
    ),
    limits=lambda *_: FRAMES_OR_REFERENCES,
    says_size=shape,
    caller_options=CallerOptions(only=_OWN_OPTIONS),
    auth=federated,
    answers=ANSWERS,
    helps=HELPS,
)
