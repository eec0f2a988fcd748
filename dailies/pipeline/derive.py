"""What the provider does not give is made of the stored video: every video has the same files.

The video itself is stored before, and is complete without its pictures: what can't be had of it in
the time that it is worth is left out, and logged.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import replace

from dailies.footage.examine import examine, stills
from dailies.pipeline.looking import StoredVideo, looking_place
from dailies.pipeline.noting import noted
from dailies.pipeline.parts import Part, is_stored, made_of, part_name, with_findings, with_part
from dailies.services import Services
from dailies.telemetry.logs import log_event
from dailies.telemetry.spans import span
from dailies.video.basics import Variant
from dailies.video.errors import LimitReached, UnplayableVideo
from dailies.video.probe import Findings
from dailies.video.record import StoredFile, VideoRecord

__all__ = ["derive", "findings_of"]

_PICTURES = (Variant.THUMBNAIL, Variant.SPRITESHEET)


async def findings_of(services: Services, video_id: str, file: StoredFile) -> Findings | None:
    """What a stored video is; None when that would take too much, which is logged.

    Raises:
        UnplayableVideo: it does not decode.
        Busy: others are looked into.
    """
    async with looking_place(services):
        try:
            with span("probe_video", attributes={"dailies.video.id": video_id}):
                return await examine(StoredVideo(services.files, file), services.footage)
        except LimitReached as error:
            log_event("probe_given_up", video_id=video_id, reason=str(error))
            return None


async def derive(services: Services, record: VideoRecord, video: Part) -> VideoRecord | None:
    """The record with all that can be made of one stored video: what it is, and its pictures.

    None when nobody wants the files any more. What was made before is not made again.

    Raises:
        UnplayableVideo: an earlier version has stored it, and it does not decode.
        Busy: others are looked into; what was made until then is noted.
    """
    file = made_of(record, video).files[Variant.VIDEO]
    if made_of(record, video).findings is None:
        findings = await findings_of(services, record.id, file)
        if findings is None:
            return record  # what takes too much here would do so again
        found = findings
        changed = await noted(services, record, lambda now: with_findings(now, video, found))
        if changed is None:
            return None
        record = changed
    missing = [
        part
        for variant in _PICTURES
        if not is_stored(record, part := replace(video, variant=variant))
    ]
    return await _make(services, record, file, missing) if missing else record


async def _make(
    services: Services, record: VideoRecord, file: StoredFile, missing: list[Part]
) -> VideoRecord | None:
    async with looking_place(services):
        try:
            with span("derive_pictures", attributes={"dailies.video.id": record.id}):
                made = await stills(
                    StoredVideo(services.files, file),
                    services.footage,
                    [part.variant for part in missing],
                )
        except (LimitReached, UnplayableVideo) as error:
            # Its ends decode, so it is a video; what lies between is for its viewers to judge.
            log_event("derive_given_up", video_id=record.id, reason=str(error))
            return record
    files: dict[Part, StoredFile] = {}
    for part in missing:
        still = made[part.variant]
        files[part] = await services.files.put(
            part_name(record, part, still.content_type),
            still.data,
            content_type=still.content_type,
        )
        log_event("file_derived", video_id=record.id, variant=part.variant, bytes=files[part].bytes)
    return await noted(services, record, functools.partial(_with_all, files))


def _with_all(files: Mapping[Part, StoredFile], record: VideoRecord) -> VideoRecord:
    for part, file in files.items():
        record = with_part(record, part, file)
    return record
