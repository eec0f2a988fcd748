"""The requests that create something in OpenAI's videos protocol, and how servers differ."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

import httpx

from dailies.net.multipart import FormFile, StreamedForm
from dailies.providers.base import Reference, SourceFile, Submission
from dailies.video.basics import Operation

__all__ = ["AZURE_SORA_2", "Creations", "Dialect"]


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a server deviates from Azure's form of the protocol.

    Attributes:
        path: what comes between the endpoint and ``/videos``.
        multipart_only: creates must be multipart, also without a file.
        integer_seconds: ``seconds`` in JSON is a number, not a string.
        sends_variant: ``variant`` may be sent; if not, there is only the video.
    """

    path: str = "/openai/v1"
    multipart_only: bool = False
    integer_seconds: bool = False
    sends_variant: bool = True


AZURE_SORA_2 = Dialect()


class Creations:
    """Builds requests for one server; sends nothing."""

    def __init__(self, client: httpx.AsyncClient, videos: str, dialect: Dialect) -> None:
        """``videos`` is the address of the collection."""
        self._client = client
        self._videos = videos
        self._dialect = dialect

    def request(self, submission: Submission) -> httpx.Request:
        """The request that creates a job."""
        if submission.source_file is not None:
            return self._from_file(submission, submission.source_file)
        prompt: dict[str, object] = {"prompt": submission.prompt}
        source: dict[str, object] = {"video": {"id": submission.source_job_id}}
        match submission.operation:
            case Operation.REMIX:
                job = quote(submission.source_job_id or "", safe="")
                return self._json(f"{self._videos}/{job}/remix", prompt)
            case Operation.EDIT:
                return self._json(f"{self._videos}/edits", prompt | source)
            case Operation.EXTEND:
                seconds = {"seconds": self._seconds(submission)}
                return self._json(f"{self._videos}/extensions", {**prompt, **seconds, **source})
            case Operation.CREATE:
                return self._plain(submission)

    def character(self, name: str, clip: SourceFile) -> httpx.Request:
        """The request that keeps a clip under a name."""
        return self._form("characters", {"name": name}, "character.mp4", clip)

    def _plain(self, submission: Submission) -> httpx.Request:
        fields = {
            "model": submission.deployment,
            "prompt": submission.prompt,
            "size": str(submission.size),
        }
        if submission.reference is None and not self._dialect.multipart_only:
            return self._json(self._videos, {**fields, "seconds": self._seconds(submission)})
        fields["seconds"] = str(submission.seconds)
        # A field of a form is a file without a name to httpx; half a surrogate pair is no UTF-8.
        files: list[tuple[str, tuple[str | None, bytes] | tuple[str, bytes, str]]] = [
            (name, (None, value.encode("utf-8", "replace"))) for name, value in fields.items()
        ]
        if submission.reference is not None:
            files.append(("input_reference", _file(submission.reference)))
        return self._client.build_request("POST", self._videos, files=files)

    def _from_file(self, submission: Submission, source: SourceFile) -> httpx.Request:
        """An edit or extension of a file. There is no remix of one: an edit is its successor."""
        fields = {"prompt": submission.prompt}
        operation = "edits"
        if submission.operation is Operation.EXTEND:
            fields["seconds"] = str(submission.seconds)
            operation = "extensions"
        return self._form(operation, fields, "video.mp4", source)

    def _form(
        self, path: str, fields: Mapping[str, str], filename: str, source: SourceFile
    ) -> httpx.Request:
        file = FormFile("video", filename, source.content_type, source.length, source.open)
        form = StreamedForm(fields, [file])
        return self._client.build_request(
            "POST", f"{self._videos}/{path}", content=form, headers=form.headers
        )

    def _json(self, url: str, document: Mapping[str, object]) -> httpx.Request:
        return self._client.build_request(
            "POST",
            url,
            content=json.dumps(document).encode("ascii"),
            headers={"Content-Type": "application/json"},
        )

    def _seconds(self, submission: Submission) -> str | int:
        return submission.seconds if self._dialect.integer_seconds else str(submission.seconds)


def _file(reference: Reference) -> tuple[str, bytes, str]:
    extension = reference.content_type.partition("/")[2].replace("jpeg", "jpg") or "bin"
    return (f"reference.{extension}", reference.data, reference.content_type)
