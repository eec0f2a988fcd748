"""What Google's video APIs have in common: options, errors, files in Cloud Storage.

Sources: google-genai 3.6.1 (types, ``errors``), Google's error model (AIP-193: ``google.rpc.Code``,
``ErrorInfo``, ``RetryInfo``), the JSON API of Cloud Storage, and messages that users of the Gemini
API quoted in public. Never tried live.
"""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import quote

import httpx
from pydantic import Field

from dailies.catalogue.rules import Credential
from dailies.providers.classify import ANY, NO_CREDIT, SHUT_OUT, Answer, Call, classify_job_error
from dailies.providers.declaration import Help
from dailies.providers.error_text import ErrorText
from dailies.providers.google_auth import Address, FederationOptions
from dailies.providers.outcomes import Kind, Outcome
from dailies.providers.wire import Wire
from dailies.video.basics import Size

__all__ = [
    "ANSWERS",
    "HELPS",
    "NO_VIDEO",
    "CloudOptions",
    "Prefix",
    "Project",
    "blocked",
    "is_safety",
    "job_failure",
    "shape",
    "stored_file",
    "video_prefix",
]

Project = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.:-]{1,61}[a-z0-9]$")]
Prefix = Annotated[
    str, Field(pattern=r"^gs://[a-z0-9][a-z0-9._-]{1,220}[a-z0-9](?:/[A-Za-z0-9._/-]+)?$")
]

_LINES = {(640, 360): "360p", (1280, 720): "720p", (1920, 1080): "1080p", (3840, 2160): "4k"}
"""Resolutions of landscapes; portraits have the same, lying on their side."""

_SAFETY = (
    r"\bsafety\b(?!_)|usage guidelines|responsible.?ai|\bRAI\b|PROHIBITED_CONTENT|"
    r"prohibited (?:use|content)|content polic|sensitive words|"
    r"(?:prompt|input|output|response|content) (?:was|were|is|has been) (?:blocked|filtered)"
)
_BAD_KEY = r"API_KEY_INVALID|API_KEY_EXPIRED|API key (?:not valid|expired|not found)"
_NO_MONEY = (
    r"BILLING_DISABLED|billing (?:account|is disabled|to be enabled|not enabled|has not)|"
    r"enable billing|credits? (?:are|is|have been|has been) (?:depleted|exhausted)|prepay|"
    r"spending (?:cap|limit)|limit: 0\b(?!\.)"
)
_NOT_FOUND = (
    r"not.?found|does not exist|no such|(?:invalid|unknown) (?:interaction|operation)|"
    r"(?:interaction|operation)(?:[ _-]id)? .{0,80}(?:invalid|unknown|not valid)"
)
_GONE = r"no longer (?:available|supported)|(?:has been|was|is) (?:retired|shut ?down|discontinued)"
_BLOCKED = (
    "moderation_blocked",
    "The provider's safety filters blocked the video{codes}. Change the prompt or the images; the "
    "same request would be blocked again.",
)
NO_VIDEO = (
    "no_video",
    "The provider ended the job without a video: its model answered in words, or not at all. "
    "Change the prompt.",
)

# fmt: off
ANSWERS = (
    Answer(ANY, {400, 401, 403}, _BAD_KEY, Kind.UNAUTHORISED, "invalid_credential", SHUT_OUT,
           remedy="The provider at {endpoint} refused the credential. Check the key of deployment "
           "'{deployment}' in the catalogue."),
    Answer(frozenset({Call.CREATE}), {400, 402, 403, 429}, _NO_MONEY, Kind.REFUSED,
           "no_credit", NO_CREDIT,
           remedy="Google bills nobody for '{deployment}', or no more: check billing and spending "
           "limits of the project."),
    # The message of every exceeded quota has "check your plan and billing details" in it.
    Answer(ANY, {429}, r"RESOURCE_EXHAUSTED|quota", Kind.THROTTLED, "rate_limit",
           "The provider takes no more requests for the moment (429). Try again later.",
           remedy="If this lasts, ask Google for more quota of '{deployment}'."),
    Answer(frozenset({Call.CREATE}), {400, 403, 422}, _SAFETY, Kind.REFUSED, "moderation_blocked",
           "The provider's safety filters blocked the request. Change the prompt or the images; "
           "the same request would be blocked again."),
    Answer(frozenset({Call.CREATE}), {400, 404, 410}, _GONE, Kind.RETIRED, "model_retired",
           "The provider has retired the model ({status}). Use another model.",
           remedy="Google has retired '{deployment}': name another model in the catalogue."),
    # An id that is not known is a 400 of the Interactions API.
    Answer(frozenset({Call.STATUS}), {400}, _NOT_FOUND, Kind.MISSING, "job_not_found",
           "The provider does not know this job: it vanished or expired."),
    Answer(frozenset({Call.CANCEL}), {400}, _NOT_FOUND, Kind.ACCEPTED, None, None),
)
HELPS = (
    Help("invalid_credential", credential=Credential.API_KEY,
         remedy="Google refused the key of deployment '{deployment}' at {endpoint}. Make one in "
         "Google AI Studio for a project that is billed."),
    Help("access_denied", credential=Credential.ENTRA,
         remedy="Google denied access to '{deployment}' or to its bucket. Enable the Vertex AI API "
         "in the project, and give the federated identity or the service account the roles "
         "'Vertex AI User' and, on the bucket, 'Storage Object User'."),
)
# fmt: on


class CloudOptions(FederationOptions):
    """``options`` of a deployment on Google Cloud.

    Attributes:
        project: its id.
        location: a region, or ``global``.
        gcs_prefix: ``gs://bucket`` or a folder in it; each video gets one of its own there, which
            Google writes and nobody deletes: give the bucket a rule for its objects' life.
        storage_endpoint: the JSON API of Cloud Storage; it gets the credential as well.
    """

    project: Project
    location: str = Field(default="global", pattern=r"^[a-z0-9-]{2,40}$")
    gcs_prefix: Prefix
    storage_endpoint: Address = "https://storage.googleapis.com"


def shape(size: Size) -> tuple[str, str]:
    """The aspect ratio and the resolution of a size: the models make no others.

    Raises:
        ValueError: it is none of 16:9 or 9:16 with 360, 720, 1080 or 2160 lines.
    """
    for (long, short), lines in _LINES.items():
        if (size.width, size.height) == (long, short):
            return "16:9", lines
        if (size.width, size.height) == (short, long):
            return "9:16", lines
    raise ValueError(f"{size} is no size of 16:9 or 9:16 with 360, 720, 1080 or 2160 lines")


def video_prefix(options: CloudOptions, video_id: str) -> str:
    """The folder of one video: ``gs://bucket/folder/video_…/``."""
    return f"{options.gcs_prefix.rstrip('/')}/{video_id}/"


def stored_file(wire: Wire, options: CloudOptions, uri: str) -> httpx.Request | Outcome:
    """The request for a file in Cloud Storage, if it is below the deployment's own prefix."""
    own = f"{options.gcs_prefix.rstrip('/')}/"
    if not uri.startswith(own):
        return Outcome(
            Kind.UNKNOWN,
            code="untrusted_link",
            message="The provider says that the file is outside this service's storage.",
        )
    bucket, _, name = uri.removeprefix("gs://").partition("/")
    url = f"{options.storage_endpoint}/storage/v1/b/{quote(bucket)}/o/{quote(name, safe='')}"
    return wire.request("GET", url, params={"alt": "media"})


def job_failure(error: object) -> tuple[str, str]:
    """The code and message of a job that failed, from an error in it (google.rpc.Status)."""
    text = ErrorText.of(error) if isinstance(error, dict) else ErrorText()
    return blocked(text.message) if is_safety(text) else classify_job_error(text)


def is_safety(error: ErrorText) -> bool:
    """Whether Google's filters are what it speaks of."""
    return re.search(_SAFETY, error.words, re.IGNORECASE) is not None


def blocked(reasons: str) -> tuple[str, str]:
    """The code and message of a video that the filters blocked; the support codes in ``reasons``
    are told, and nothing else of them: they may repeat the prompt."""
    found = re.search(r"support codes?:?\s*([0-9]{4,12}(?:[, ]+[0-9]{4,12}){0,4})", reasons, re.I)
    code, message = _BLOCKED
    return code, message.format(codes=f" (support codes: {found[1]})" if found else "")
