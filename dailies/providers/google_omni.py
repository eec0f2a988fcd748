"""Google's Gemini Omni: videos by the Interactions API.

On two surfaces, by a deployment's options: the Gemini Developer API with a key, and Google Cloud
(``surface: vertex``) with the app's identity, where videos are written to a bucket. An interaction
that runs in the background is a job. One that is completed and holds no video is a refusal in
words. Nothing lists interactions, and calls to addresses of ours were reported not to come
(google-gemini/cookbook#1297), so an unknown outcome of a create stays one.

Sources: google-genai 3.6.1 (``_gaos``: paths, fields, statuses), its ``files.download`` for the
path of files; it asks ``v1`` where Google's texts and users ask ``v1beta``, as here. From secondary
texts: the duration's form (``8s``), that an unknown id is answered by 400, that files may be
redirected to. Never tried live.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Literal, Self, cast
from urllib.parse import quote

import httpx
from pydantic import ValidationError, model_validator
from pydantic_core import InitErrorDetails

from dailies.catalogue.limits import Part
from dailies.catalogue.rules import Credential
from dailies.providers.answers import text
from dailies.providers.base import Content, Reference, Submission
from dailies.providers.classify import Call
from dailies.providers.declaration import CallerOptions, Provider, Recovery
from dailies.providers.download import inline_content
from dailies.providers.google import (
    ANSWERS,
    HELPS,
    CloudOptions,
    Prefix,
    Project,
    shape,
    stored_file,
    video_prefix,
)
from dailies.providers.google_auth import GoogleKeyAuth, ProviderName, Scope, federated
from dailies.providers.google_interaction import parse_interaction, video_of
from dailies.providers.outcomes import Kind, Outcome
from dailies.providers.wire import Wire
from dailies.video.basics import Operation, Variant

__all__ = ["PROVIDER", "GoogleOmni", "OmniOptions"]

_REVISION = "2026-05-20"
"""Of the API: answers have ``steps``. google-genai names it for its live connections, and users of
Google Cloud report it; without it, an older form might be answered."""

_MOST_IMAGE_BYTES = 20 * 1024**2
"""Of all images of a request. Answers were seen to repeat them, as base64: beyond what is read of
one, nobody would know what became of the job."""

_NEEDED = ("project", "gcs_prefix", "workload_identity_provider", "subject_scope")

_NOT_OFFERED = Outcome(
    Kind.REFUSED,
    code="unsupported_operation",
    message="This provider's videos can't be remixed, edited or extended here. Create a new one.",
)


_TOO_LARGE = Outcome(
    Kind.REFUSED,
    code="images_too_large",
    message="The images are more than 20 MiB together. Send fewer or smaller ones.",
)


class OmniOptions(CloudOptions):
    """``options`` of a deployment; with ``surface: vertex`` those of ``CloudOptions`` as well."""

    surface: Literal["developer", "vertex"] = "developer"
    project: Project = ""
    gcs_prefix: Prefix = ""
    workload_identity_provider: ProviderName = ""
    subject_scope: Scope = ""

    @property
    def is_cloud(self) -> bool:
        return self.surface == "vertex"

    @model_validator(mode="after")
    def _complete(self) -> Self:
        lacking = [name for name in _NEEDED if self.is_cloud and not getattr(self, name)]
        if lacking:
            raise ValidationError.from_exception_data(
                type(self).__name__, [_missing(name) for name in lacking], hide_input=True
            )
        return self


def _missing(name: str) -> InitErrorDetails:
    return InitErrorDetails(type="missing", loc=(name,), input=None)


class GoogleOmni:
    """One deployment, as a ``VideoProvider``."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._options = options = cast(OmniOptions, wire.options)  # the declaration says so
        self._root = f"{wire.url}/v1beta"
        if options.is_cloud:
            place = f"projects/{options.project}/locations/{options.location}"
            self._root = f"{wire.url}/v1beta1/{place}"

    async def submit(self, submission: Submission) -> Outcome:
        """See ``VideoProvider.submit``."""
        if submission.operation is not Operation.CREATE:
            return _NOT_OFFERED
        images = _images(submission)
        if sum(len(image.data) for image in images) > _MOST_IMAGE_BYTES:
            return _TOO_LARGE
        body = self._creation(submission, images, *shape(submission.size))
        request = self._request("POST", "interactions", json_body=body)
        return await self._wire.job(
            Call.CREATE, request, parse_interaction, prompt=submission.prompt
        )

    async def status(self, job_id: str) -> Outcome:
        """See ``VideoProvider.status``."""
        request = self._request("GET", f"interactions/{quote(job_id, safe='')}")
        return await self._wire.job(Call.STATUS, request, parse_interaction, job_id=job_id)

    def open_content(
        self, job_id: str, variant: Variant
    ) -> AbstractAsyncContextManager[Content | Outcome]:
        """See ``VideoProvider.open_content``."""
        if variant is not Variant.VIDEO:
            return self._wire.no_content(job_id, variant)
        request = self._request("GET", f"interactions/{quote(job_id, safe='')}")
        return self._wire.named(request, self._file, job_id, variant)

    async def cancel(self, job_id: str) -> Outcome:
        """See ``VideoProvider.cancel``: what is done can't be cancelled, only deleted."""
        path = f"interactions/{quote(job_id, safe='')}"
        reply = await self._wire.call(Call.CANCEL, self._request("POST", f"{path}/cancel"))
        if isinstance(reply, Outcome):
            return reply
        outcome = self._wire.cancelled(reply, job_id)
        if outcome.kind is not Kind.REFUSED:
            return outcome
        seen = await self.status(job_id)
        if seen.job is None or not seen.job.status.is_final:
            return outcome
        reply = await self._wire.call(Call.CANCEL, self._request("DELETE", path))
        return reply if isinstance(reply, Outcome) else self._wire.cancelled(reply, job_id)

    def _creation(
        self, submission: Submission, images: Sequence[Reference], ratio: str, lines: str
    ) -> dict[str, Any]:
        task = "image_to_video" if images else "text_to_video"
        form = {
            "type": "video",
            "aspect_ratio": ratio,
            "resolution": lines,
            "duration": f"{submission.seconds}s",
            "delivery": "uri",
        }
        config: dict[str, Any] = {
            "video_config": {"task": "reference_to_video" if submission.references else task}
        }
        if submission.seed is not None:
            config["seed"] = submission.seed
        body: dict[str, Any] = {
            "model": submission.deployment,
            "background": True,
            "store": True,
            "input": [{"type": "text", "text": submission.prompt}, *map(_image, images)],
            "response_format": form,
            "generation_config": config,
        }
        if self._options.is_cloud:
            form["gcs_uri"] = video_prefix(self._options, submission.video_id)
            body["labels"] = {"dailies_video": submission.video_id}
        return body

    def _request(
        self, method: str, path: str, json_body: dict[str, Any] | None = None
    ) -> httpx.Request:
        request = self._wire.request(method, f"{self._root}/{path}", json_body=json_body)
        request.headers["Api-Revision"] = _REVISION
        return request

    def _file(self, document: object) -> httpx.Request | Content | Outcome | None:
        video = video_of(document)
        uri, data = (text(video.get(name)) if video else None for name in ("uri", "data"))
        if uri is None:
            kind = text(video.get("mime_type")) if video else None
            return None if data is None else inline_content(data, kind or "video/mp4")
        if uri.startswith("gs://"):
            return stored_file(self._wire, self._options, uri)
        # The key is for our own endpoint alone, whatever host the answer names.
        name = quote(uri.partition("/files/")[2].partition("?")[0].partition(":")[0], safe="")
        if not name:
            return Outcome(
                Kind.UNKNOWN, code="untrusted_link", message="The link to the file names none."
            )
        url = f"{self._root}/files/{name}:download"
        return self._wire.request("GET", url, params={"alt": "media"})


def _images(submission: Submission) -> tuple[Reference, ...]:
    """The first frame, then what it is to look like."""
    first = () if submission.reference is None else (submission.reference,)
    return (*first, *submission.references)


def _image(image: Reference) -> dict[str, str]:
    return {
        "type": "image",
        "data": b64encode(image.data).decode("ascii"),
        "mime_type": image.content_type,
    }


def _ways(options: OmniOptions) -> tuple[Credential, ...]:
    return (Credential.ENTRA,) if options.is_cloud else (Credential.API_KEY,)


PROVIDER = Provider(
    id="google-omni",
    adapter=GoogleOmni,
    recovery=Recovery.NONE,
    options=OmniOptions,
    sends=(Part.FIRST_FRAME, Part.REFERENCES, Part.SEED),
    says_size=shape,
    caller_options=CallerOptions(only=()),
    key_auth=GoogleKeyAuth,
    auth=federated,
    ways=_ways,
    hosts=("storage.googleapis.com", ".googleusercontent.com"),
    answers=ANSWERS,
    helps=HELPS,
)
