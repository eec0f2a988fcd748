"""``manifest.json``: what was asked for, what was made of it, and every file that is kept."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from dailies.pipeline.costs import cost_of
from dailies.services import Services
from dailies.video.basics import Variant
from dailies.video.probe import Findings
from dailies.video.record import VideoRecord
from dailies.video.request import Role, StoredFile, VideoRequest

__all__ = ["manifest_of", "rfc3339"]

_ROLES: dict[Role, str | int] = {
    Role.FIRST: "reference",
    Role.LAST: "last_frame",
    Role.REFERENCE: "input_reference",
    Role.FRAME: "frame",
}


async def manifest_of(services: Services, record: VideoRecord) -> dict[str, Any]:
    """The manifest of a video whose files are stored. Its times are those of RFC 3339.

    ``files`` are what the provider made and what was derived of it, ``probe`` and
    ``content_credentials`` what the video was found to be, ``inputs`` what it starts from, as it
    was sent: the image ``reference`` that is its first frame, its ``last_frame``, what it is to
    look like (``input_reference``), or what appears at a ``frame``.
    """
    deployment = services.catalogue.deployment(record.submit.deployment or "")
    cost = cost_of(services, record)
    return {
        "id": record.id,
        "owner": record.owner,
        "request": _request(record.request),
        "source": record.source.model_dump(mode="json"),
        "provider": {
            "name": deployment.provider if deployment else None,
            "deployment": record.submit.deployment,
            "job_id": record.submit.job_id,
        },
        "way": [attempt.model_dump(mode="json") for attempt in record.submit.way],
        "timings": {
            "created_at": rfc3339(record.created_at),
            "submitted_at": rfc3339(record.submit.submitted_at),
            "rendered_at": rfc3339(record.rendered_at),
            "archived_at": rfc3339(services.clock()),
        },
        "files": _files(record.files),
        **_findings(record.findings),
        **_generations(record),
        "inputs": await _inputs(services, record),
        "cost_usd": cost.usd,
        "cost_is_estimate": cost.is_estimate,
        "traceparent": record.traceparent,
    }


def _request(request: VideoRequest) -> dict[str, Any]:
    """The request as manifests have it, which know frames and a source by other names."""
    document = request.model_dump(mode="json", exclude={"inputs"})
    frames = [
        item.model_dump(mode="json", exclude={"role"}) for item in request.inputs_of(Role.FRAME)
    ]
    source = request.source_file
    return {**document, "source_file": source.blob if source else None, "inpaint": frames}


def _files(files: Mapping[Variant, StoredFile]) -> dict[str, Any]:
    return {variant.value: file.model_dump(mode="json") for variant, file in files.items()}


def _generations(record: VideoRecord) -> dict[str, Any]:
    """All that the job made of the prompt, where it may make several."""
    if not record.generations:
        return {}
    made = [
        {"id": made.id, "files": _files(made.files), **_findings(made.findings)}
        for made in record.generations
    ]
    return {"generations": made}


def _findings(findings: Findings | None) -> dict[str, Any]:
    """What the video is, and who signed it; null where nobody knows."""
    known = findings.model_dump(mode="json") if findings else {}
    return {name: known.get(name) for name in ("probe", "content_credentials")}


async def _inputs(services: Services, record: VideoRecord) -> list[dict[str, Any]]:
    inputs: list[dict[str, Any]] = []
    for item in record.request.inputs:
        if item.role is Role.SOURCE or item.file is None or item.needs_preparing:
            continue
        file = item.file if item.file.etag else await _described(services, item.file)
        if file is None:
            continue
        place = {"role": _ROLES[item.role]}
        if item.role is Role.FRAME:
            place["frame_index"] = item.frame_index
        inputs.append({**place, **file.model_dump(mode="json")})
    return inputs


async def _described(services: Services, file: StoredFile) -> StoredFile | None:
    """A file of which the record has no more than the name; None when it is not there."""
    found = await services.files.describe(file.blob)
    if found is None:
        return None
    return StoredFile(
        blob=found.name,
        content_type=found.content_type,
        bytes=found.bytes,
        sha256=found.metadata.get("sha256", ""),
        etag=found.etag,
    )


def rfc3339(at: float | None) -> str | None:
    """``2026-11-21T05:00:12.345Z`` of Unix seconds (RFC 3339); None where there is no time."""
    if at is None:
        return None
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
