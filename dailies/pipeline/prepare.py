"""Bring images to what the model wants: the reference image, and those for a frame of choice."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeVar

from dailies.engine import Step, VideoRef, done, stop
from dailies.inputs.fitting import Fitted, fit
from dailies.inputs.headers import ImageFormat, ImageInfo, check
from dailies.pipeline.remove import discard_if_unwanted
from dailies.services import Services
from dailies.video.basics import Size, VideoError
from dailies.video.errors import UnusableReference
from dailies.video.record import InpaintItem, StoredFile, VideoRecord

__all__ = ["prepare_reference"]

T = TypeVar("T")
_KNOWN_TO_PROVIDERS = (ImageFormat.JPEG, ImageFormat.PNG, ImageFormat.WEBP)
_MOST_CUT_PIXELS = 16_000_000
"""Of an image that the provider cuts: more would be in memory several times while it is made."""


async def prepare_reference(services: Services, video: VideoRef) -> Step:
    """Fit the images and store them, the reference image as ``reference.png``.

    Stops with ``invalid_reference`` codes when one can't be used.
    """
    record = await services.records.get(video["owner"], video["id"])
    if record is None or record.is_final:
        return done()
    try:
        await _prepare_reference(services, record)
        for place, item in enumerate(record.request.inpaint):
            await _prepare_item(services, record, place, item)
    except UnusableReference as error:
        return stop(VideoError(error.code, error.message))
    return done()


async def _prepare_reference(services: Services, record: VideoRecord) -> None:
    reference = record.request.reference
    if reference is None:
        return
    if reference.fitted is not None:
        # An execution before this one may have died before it came to it.
        await services.files.delete(reference.original)
        return
    size, mode = record.request.size, reference.fit
    most = services.settings.max_reference_pixels
    fitted = await _decoded(
        services,
        reference.original,
        lambda data: fit(data, size=size, mode=mode, max_pixels=most),
    )
    if fitted is None:
        # Another execution of this step may have fitted it, and removed it, in the meantime.
        if await _is_fitted(services, record):
            return
        raise _gone()
    name = f"{record.id}/reference.png"
    file = await services.files.put(name, fitted.data, content_type=fitted.content_type)
    changed = await services.records.update(
        record.owner, record.id, lambda current: _with_fitted(current, file)
    )
    if not await discard_if_unwanted(services, record.id, changed):
        await services.files.delete(reference.original)


async def _prepare_item(
    services: Services, record: VideoRecord, place: int, item: InpaintItem
) -> None:
    """Bring an image to the video's size; one with crop bounds, which count on its own size, is
    only made what the provider can read and cut: upright, and of a format that it knows."""
    if item.original is not None:
        await services.files.delete(item.original)
    if item.file is None or item.fit is None or item.prepared:
        return
    mode, is_cut, video = item.fit, item.crop is not None, record.request.size
    most = services.settings.max_reference_pixels

    def prepare(data: bytes) -> Fitted | ImageInfo:
        info = check(data, max_pixels=most)
        if is_cut and info.orientation == 1 and info.format in _KNOWN_TO_PROVIDERS:
            return info
        size = _bounded(info.upright, video) if is_cut else video
        return fit(data, size=size, mode=mode, max_pixels=most)

    file = item.file
    made = await _decoded(services, file.blob, prepare)
    if made is None:
        if await _is_prepared(services, record, place):
            return
        raise _gone()
    if isinstance(made, Fitted):
        name = f"{record.id}/input-{place + 1}.fitted.png"
        file = await services.files.put(name, made.data, content_type=made.content_type)
    replaced = None if file.blob == item.file.blob else item.file.blob
    ready = item.model_copy(update={"file": file, "original": replaced, "prepared": True})
    changed = await services.records.update(
        record.owner, record.id, lambda current: _with_item(current, place, ready)
    )
    if not await discard_if_unwanted(services, record.id, changed) and replaced is not None:
        await services.files.delete(replaced)


def _bounded(upright: Size, video: Size) -> Size:
    """The image's own shape, at most four times as wide and high as the video."""
    pixels = upright.width * upright.height
    scale = min(
        1.0,
        4 * max(video.width, video.height) / max(upright.width, upright.height),
        math.sqrt(_MOST_CUT_PIXELS / pixels),
    )
    return Size(max(1, round(upright.width * scale)), max(1, round(upright.height * scale)))


def _gone() -> UnusableReference:
    return UnusableReference("The reference image is gone from storage. Send it again.")


async def _decoded(services: Services, name: str, work: Callable[[bytes], T]) -> T | None:
    """What ``work`` makes of a stored picture; None when it is not there.

    Decoding is work for a processor, and takes memory: not on the loop that all other functions
    share, and not for several at once.
    """
    async with services.pictures.place():
        data = await services.files.read(name, max_bytes=services.settings.max_reference_bytes)
        return None if data is None else await services.pictures.run(lambda: work(data))


def _with_item(record: VideoRecord, place: int, item: InpaintItem) -> VideoRecord:
    items = list(record.request.inpaint)
    if items[place].prepared:
        return record
    items[place] = item
    request = record.request.model_copy(update={"inpaint": tuple(items)})
    return record.model_copy(update={"request": request})


async def _is_fitted(services: Services, record: VideoRecord) -> bool:
    now = await services.records.get(record.owner, record.id)
    reference = now.request.reference if now is not None else None
    return reference is not None and reference.fitted is not None


async def _is_prepared(services: Services, record: VideoRecord, place: int) -> bool:
    now = await services.records.get(record.owner, record.id)
    return now is not None and now.request.inpaint[place].prepared


def _with_fitted(record: VideoRecord, file: StoredFile) -> VideoRecord:
    request = record.request
    if request.reference is None:
        return record
    reference = request.reference.model_copy(
        update={"fitted": file.blob, "content_type": file.content_type, "file": file}
    )
    return record.model_copy(
        update={"request": request.model_copy(update={"reference": reference})}
    )
