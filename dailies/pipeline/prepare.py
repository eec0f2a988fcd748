"""Bring the reference image to the exact size that the model wants."""

from __future__ import annotations

import asyncio

from dailies.errors import UnusableReference
from dailies.pipeline.steps import Step, VideoRef, done, stop
from dailies.records import VideoRecord
from dailies.references.fitting import fit
from dailies.services import Services
from dailies.videos import VideoError

__all__ = ["prepare_reference"]


async def prepare_reference(services: Services, video: VideoRef) -> Step:
    """Fit the image and store it as ``reference.png``.

    Stops with ``invalid_reference`` codes when the image can't be used.
    """
    record = await services.records.get(video["owner"], video["id"])
    if record is None or record.is_final or record.request.reference is None:
        return done()
    if record.request.reference.fitted is not None:
        return done()
    original = await services.files.read(
        record.request.reference.original, max_bytes=services.settings.max_reference_bytes
    )
    if original is None:
        # Another execution of this step may have fitted it, and removed it, in the meantime.
        if await _is_fitted(services, record):
            return done()
        return stop(
            VideoError("invalid_reference", "The reference image is gone from storage. Send again.")
        )
    try:
        # Decoding is work for a processor: not on the loop that all other functions share.
        fitted = await asyncio.to_thread(
            fit,
            original,
            size=record.request.size,
            mode=record.request.reference.fit,
            max_pixels=services.settings.max_reference_pixels,
        )
    except UnusableReference as error:
        return stop(VideoError(error.code, error.message))
    name = f"{record.id}/reference.png"
    await services.files.put(name, fitted.data, content_type=fitted.content_type)
    await services.records.update(
        record.owner, record.id, lambda current: _with_fitted(current, name)
    )
    await services.files.delete(record.request.reference.original)
    return done()


async def _is_fitted(services: Services, record: VideoRecord) -> bool:
    now = await services.records.get(record.owner, record.id)
    reference = now.request.reference if now is not None else None
    return reference is not None and reference.fitted is not None


def _with_fitted(record: VideoRecord, name: str) -> VideoRecord:
    request = record.request
    if request.reference is None:
        return record
    reference = request.reference.model_copy(update={"fitted": name, "content_type": "image/png"})
    return record.model_copy(
        update={"request": request.model_copy(update={"reference": reference})}
    )
