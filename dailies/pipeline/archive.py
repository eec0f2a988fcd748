"""Stream the finished files from the provider into Blob Storage, make what it does not give, then
write the manifest."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

from dailies.engine import Step, VideoRef, done, stop, wait
from dailies.inputs.mp4_stream import whole_mp4
from dailies.pipeline import metrics
from dailies.pipeline.derive import derive, findings_of
from dailies.pipeline.endings import answer_fields
from dailies.pipeline.manifest import manifest_of
from dailies.pipeline.noting import noted
from dailies.pipeline.parts import (
    Part,
    is_stored,
    part_name,
    parts_of,
    videos_of,
    with_findings,
    with_part,
)
from dailies.pipeline.work import JobWork, is_overdue, load_job
from dailies.providers.base import VideoProvider
from dailies.providers.classify import kept_words
from dailies.providers.outcomes import Kind, Outcome
from dailies.services import Services
from dailies.telemetry.logs import log_event
from dailies.video.basics import Variant, VideoError
from dailies.video.errors import Busy, IntegrityError, UnplayableVideo
from dailies.video.probe import Findings
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
# What came whole and does not decode may do so when it is fetched again; it is paid for.
_UNPLAYABLE = "unplayable_video"
_TRIES_FOR_UNPLAYABLE = 2


@dataclass(frozen=True, slots=True)
class _Stored:
    """A part that is in storage, and what was found in it."""

    part: Part
    file: StoredFile
    findings: Findings | None = None

    def note(self, record: VideoRecord) -> VideoRecord:
        """The record with it."""
        record = with_part(record, self.part, self.file)
        return record if self.findings is None else with_findings(record, self.part, self.findings)


async def archive_video(services: Services, video: VideoRef) -> Step:
    """Store every variant of every generation, and ``manifest.json``.

    Files that were stored before are not fetched again. Bytes pass through in blocks of 4 MiB; a
    body that is short, too long or of another kind, or half a video, is never stored, and one that
    does not decode is never the video's. Pictures that the provider does not give are made.
    """
    work = await load_job(services, video)
    if not isinstance(work, JobWork):
        return work
    record = work.record
    attempt = video.get("attempt", 0)
    pictures: list[_Stored] = []
    again: Step | None = None
    for part in parts_of(record, work.job_id, work.deployment):
        if is_stored(record, part):
            continue
        with file_span(record.id, part.variant) as span:
            result = await _store_part(services, record, work.provider, part)
            if isinstance(result, _Stored):
                note_file(span, result.file)
                metrics.file_archived(record, part.variant, result.file)
        if isinstance(result, Outcome):
            _log_failure(record, part, result)
        if isinstance(result, _Stored) and part.variant is Variant.VIDEO:
            changed = await noted(services, record, result.note)
            if changed is None:
                return done()
            record = changed
        elif isinstance(result, _Stored):
            pictures.append(result)  # little to fetch again: the record is written once for all
        elif part.variant is Variant.VIDEO:
            step = _try_again(services, work, result, attempt)
            if step["kind"] == "stop":
                await _drop_unnamed(services, record, part)
            return step
        elif result.kind in _NO_SUCH_FILE or attempt >= _TRIES_FOR_PICTURES:
            log_event("variant_missing", video_id=record.id, variant=part.variant, code=result.code)
        else:
            again = wait(max(_pause(services, attempt), result.retry_after or 0))
            break
    if pictures:
        changed = await noted(services, record, functools.partial(_with_all, pictures))
        if changed is None:
            return done()
        record = changed
    if again is not None:
        return again
    derived = await _derived(services, record, work.job_id, attempt)
    if not isinstance(derived, VideoRecord):
        return derived
    record = derived
    await services.files.put_json(f"{record.id}/manifest.json", await manifest_of(services, record))
    return done()


def _with_all(pictures: Sequence[_Stored], record: VideoRecord) -> VideoRecord:
    for picture in pictures:
        record = picture.note(record)
    return record


async def _store_part(
    services: Services, record: VideoRecord, adapter: VideoProvider, part: Part
) -> _Stored | Outcome:
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
    if variant is not Variant.VIDEO:
        return _Stored(part, stored)
    try:
        return _Stored(part, stored, await findings_of(services, record.id, stored))
    except UnplayableVideo as error:
        return Outcome(Kind.TRANSIENT, code=_UNPLAYABLE, message=str(error))
    except Busy:
        return _Stored(part, stored)  # it is looked into when all is stored


async def _derived(
    services: Services, record: VideoRecord, job_id: str, attempt: int
) -> VideoRecord | Step:
    """The record with what is made of its videos; or what the step comes to."""
    for video in videos_of(record, job_id):
        try:
            changed = await derive(services, record, video)
        except UnplayableVideo as error:
            return stop(_unplayable(str(error)))
        except Busy:
            if attempt < _TRIES_FOR_PICTURES:
                return wait(_pause(services, attempt))
            log_event("derive_given_up", video_id=record.id, reason="no thread came free in time")
            return record
        if changed is None:
            return done()
        record = changed
    return record


async def _drop_unnamed(services: Services, record: VideoRecord, part: Part) -> None:
    """Delete what was stored of a video that is given up, unless another execution has named it."""
    now = await services.records.get(record.owner, record.id, anew=True)
    if now is None or not is_stored(now, part):
        await services.files.delete(part_name(record, part, "video/mp4"))


def _log_failure(record: VideoRecord, part: Part, outcome: Outcome) -> None:
    log_event(
        "fetch_failed",
        video_id=record.id,
        variant=part.variant,
        **answer_fields(outcome, record.request.prompt),
    )


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
    if outcome.code == _UNPLAYABLE and (
        attempt >= _TRIES_FOR_UNPLAYABLE or is_overdue(services, record)
    ):
        return stop(_unplayable(outcome.message or ""))
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


def _unplayable(reason: str) -> VideoError:
    return VideoError(
        _UNPLAYABLE,
        f"The provider's file can't be played: {reason}. Create the video again.",
    )


def _pause(services: Services, attempt: int) -> float:
    return float(services.settings.retry_seconds * 2 ** min(attempt, 4))


def _expired(services: Services, record: VideoRecord) -> bool:
    expires = record.upstream_expires_at
    return expires is not None and services.clock() >= expires
