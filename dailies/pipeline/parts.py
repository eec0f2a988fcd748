"""The files that a finished job leaves, and where each is kept.

A job that made several videos has them as ``video-1.mp4``, ``thumbnail-1.jpg`` and so on; one video
is ``video.mp4``, whatever provider made it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from dailies.catalogue import Deployment
from dailies.video.basics import Variant
from dailies.video.probe import Findings
from dailies.video.record import GeneratedVideo, StoredFile, VideoRecord

__all__ = [
    "Part",
    "is_stored",
    "made_of",
    "part_name",
    "parts_of",
    "videos_of",
    "with_findings",
    "with_part",
]

_SUFFIXES = {"video/mp4": "mp4", "image/webp": "webp", "image/jpeg": "jpg", "image/png": "png"}
_USUAL = {Variant.VIDEO: "mp4", Variant.THUMBNAIL: "webp", Variant.SPRITESHEET: "jpg"}


@dataclass(frozen=True, slots=True)
class Part:
    """A file to archive.

    Attributes:
        source_id: the upstream job that has it, or one of its generations.
        generation: the place of that generation, from 0; None for jobs that have none.
    """

    source_id: str
    variant: Variant
    generation: int | None = None


def parts_of(record: VideoRecord, job_id: str, deployment: Deployment) -> list[Part]:
    """All files that the job may have left, the videos before their pictures."""
    return [
        replace(video, variant=variant)
        for variant in deployment.files
        for video in videos_of(record, job_id)
    ]


def videos_of(record: VideoRecord, job_id: str) -> list[Part]:
    """The videos that the job has left."""
    if not record.generations:
        return [Part(job_id, Variant.VIDEO)]
    return [
        Part(generation.id, Variant.VIDEO, place)
        for place, generation in enumerate(record.generations)
    ]


def made_of(record: VideoRecord, part: Part) -> VideoRecord | GeneratedVideo:
    """Where the record keeps what it knows of a part's video."""
    return record if part.generation is None else record.generations[part.generation]


def is_stored(record: VideoRecord, part: Part) -> bool:
    """Whether the record names the file already."""
    return part.variant in made_of(record, part).files


def part_name(record: VideoRecord, part: Part, media: str) -> str:
    """The blob of a file of that media type."""
    several = part.generation is not None and len(record.generations) > 1
    number = f"-{(part.generation or 0) + 1}" if several else ""
    suffix = _SUFFIXES.get(media, _USUAL[part.variant])
    return f"{record.id}/{part.variant.value}{number}.{suffix}"


def with_part(record: VideoRecord, part: Part, file: StoredFile) -> VideoRecord:
    """The record with the stored file in it; the first generation's are the video's own."""
    generations = list(record.generations)
    files = record.files
    if part.generation is not None:
        made = generations[part.generation]
        made = made.model_copy(update={"files": {**made.files, part.variant: file}})
        generations[part.generation] = made
    if not part.generation:
        files = {**files, part.variant: file}
    return record.model_copy(update={"files": files, "generations": tuple(generations)})


def with_findings(record: VideoRecord, part: Part, findings: Findings) -> VideoRecord:
    """The record with what was found in a part's video; the first generation's is its own."""
    generations = list(record.generations)
    if part.generation is not None:
        made = generations[part.generation]
        generations[part.generation] = made.model_copy(update={"findings": findings})
    changes: dict[str, Any] = {"generations": tuple(generations)}
    if not part.generation:
        changes["findings"] = findings
    return record.model_copy(update=changes)
