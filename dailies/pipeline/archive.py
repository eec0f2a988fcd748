"""Stream the finished files from the provider into Blob Storage, then write the manifest."""

from __future__ import annotations

from dailies.engine import Step, VideoRef, done, stop, wait
from dailies.inputs.mp4_stream import whole_mp4
from dailies.pipeline import metrics
from dailies.pipeline.endings import answer_fields
from dailies.pipeline.manifest import manifest_of
from dailies.pipeline.parts import Part, is_stored, part_name, parts_of, with_part
from dailies.pipeline.remove import discard_if_unwanted
from dailies.pipeline.work import JobWork, is_overdue, load_job
from dailies.providers.base import VideoProvider
from dailies.providers.classify import kept_words
from dailies.providers.outcomes import Kind, Outcome
from dailies.services import Services
from dailies.telemetry.logs import log_event
from dailies.video.basics import Variant, VideoError
from dailies.video.errors import IntegrityError
from dailies.video.record import StoredFile, VideoRecord
from dailies.video.spans import file_span, note_file

__all__ = ["archive_video"]

_MEDIA = {Variant.VIDEO: "video/", Variant.THUMBNAIL: "image/", Variant.SPRITESHEET: "image/"}
# A file that was just said to be there may need a moment; a paid render is not given up at once.
_TRIES_FOR_MISSING = 4
_GONE = frozenset({Kind.MISSING, Kind.RETIRED})
_WITHHELD = frozenset({"moderation_blocked", "content_filter"})
# A picture that can't be had after so many tries doesn't hold up the video itself.
_TRIES_FOR_PICTURES = 5
# Answers about a picture that another try does not change; its video is stored and complete.
_NO_SUCH_FILE = frozenset({Kind.MISSING, Kind.REFUSED, Kind.RETIRED})


async def archive_video(services: Services, video: VideoRef) -> Step:
    """Store every variant of every generation that exists, and ``manifest.json``.

    Files that were stored before are not fetched again. Bytes pass through in blocks of 4 MiB; a
    body that is short, too long or of another kind, or half a video, is never stored.
    """
    work = await load_job(services, video)
    if not isinstance(work, JobWork):
        return work
    record = work.record
    attempt = video.get("attempt", 0)
    for part in parts_of(record, work.job_id, work.deployment):
        if is_stored(record, part):
            continue
        with file_span(record.id, part.variant) as span:
            result = await _store_part(services, record, work.provider, part)
            if isinstance(result, StoredFile):
                note_file(span, result)
                metrics.file_archived(record, part.variant, result)
        if isinstance(result, Outcome):
            _log_failure(record, part, result)
        if isinstance(result, StoredFile):
            noted = await _note_file(services, record, part, result)
            if noted is None:
                return done()
            record = noted
        elif part.variant is Variant.VIDEO:
            return _try_again(services, work, result, attempt)
        elif result.kind in _NO_SUCH_FILE or attempt >= _TRIES_FOR_PICTURES:
            log_event("variant_missing", video_id=record.id, variant=part.variant, code=result.code)
        else:
            return wait(max(_pause(services, attempt), result.retry_after or 0))
    await services.files.put_json(f"{record.id}/manifest.json", await manifest_of(services, record))
    now = await services.records.get(record.owner, record.id)
    await discard_if_unwanted(services, record.id, now)
    return done()


async def _store_part(
    services: Services, record: VideoRecord, adapter: VideoProvider, part: Part
) -> StoredFile | Outcome:
    variant = part.variant
    async with adapter.open_content(part.source_id, variant) as content:
        if isinstance(content, Outcome):
            return content
        media = content.content_type.partition(";")[0].strip().lower()
        if not media.startswith(_MEDIA[variant]):
            return Outcome(
                Kind.TRANSIENT, code="bad_content", message=f"{media or 'nothing'} instead of files"
            )
        try:
            chunks = content.chunks if variant is not Variant.VIDEO else whole_mp4(content.chunks)
            stored = await services.files.store(
                part_name(record, part, media),
                chunks,
                content_type=media,
                length=content.length,
            )
        except IntegrityError as error:
            log_event("archive_broken_off", video_id=record.id, variant=variant, reason=str(error))
            return Outcome(Kind.TRANSIENT, code="bad_content", message=str(error))
    log_event("file_stored", video_id=record.id, variant=variant, bytes=stored.bytes)
    return stored


def _log_failure(record: VideoRecord, part: Part, outcome: Outcome) -> None:
    log_event(
        "fetch_failed",
        video_id=record.id,
        variant=part.variant,
        **answer_fields(outcome, record.request.prompt),
    )


async def _note_file(
    services: Services, record: VideoRecord, part: Part, file: StoredFile
) -> VideoRecord | None:
    """The record with the file in it; None when nobody wants the file any more."""
    changed = await services.records.update(
        record.owner,
        record.id,
        lambda current: current if current.is_final else with_part(current, part, file),
    )
    return None if await discard_if_unwanted(services, record.id, changed) else changed


def _try_again(services: Services, work: JobWork, outcome: Outcome, attempt: int) -> Step:
    """The render is complete and paid for: whatever the answer, it is asked for again while the
    provider may have it. Only what is gone, or withheld for what it shows, is given up."""
    record, kept = work.record, work.deployment.kept_seconds
    if outcome.kind in _GONE and (attempt >= _TRIES_FOR_MISSING or _expired(services, record)):
        why = "" if kept is None else f": it keeps files for {kept_words(kept)}"
        return stop(
            VideoError(
                "expired",
                f"The render was complete, but the provider's copy is gone{why}. Create the video "
                "again.",
            )
        )
    if outcome.code in _WITHHELD:
        return stop(VideoError(outcome.code or "", outcome.message or "It is withheld."))
    if is_overdue(services, record):
        return stop(
            VideoError(
                "archive_failed",
                f"The finished video could not be fetched from the provider ({outcome.code}). "
                "Create the video again.",
            )
        )
    return wait(max(_pause(services, attempt), outcome.retry_after or 0))


def _pause(services: Services, attempt: int) -> float:
    return float(services.settings.retry_seconds * 2 ** min(attempt, 4))


def _expired(services: Services, record: VideoRecord) -> bool:
    expires = record.upstream_expires_at
    return expires is not None and services.clock() >= expires
