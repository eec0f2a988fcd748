"""Bring the images that a video starts from to what its model wants."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeVar

from dailies.engine import Step, VideoRef, done, stop
from dailies.inputs.fitting import LARGEST_PICTURE, Fitted, fit
from dailies.inputs.headers import ImageFormat, ImageInfo, check
from dailies.pipeline.remove import discard_if_unwanted
from dailies.services import Services
from dailies.video.basics import Size, VideoError
from dailies.video.errors import UnusableReference
from dailies.video.framing import FitMode
from dailies.video.record import VideoRecord
from dailies.video.request import Input, Role

__all__ = ["brought_to_size", "prepare_reference"]

T = TypeVar("T")
_KNOWN_TO_PROVIDERS = (ImageFormat.JPEG, ImageFormat.PNG, ImageFormat.WEBP)
_MOST_CUT_PIXELS = 16_000_000
"""Of an image that the provider cuts: more would be in memory several times while it is made."""
_LONGEST_SIDE = 2048
"""Pixels of an image that the video is to look like, which travels inside the request."""

_LOOKED_AT = Size(64, 64)


async def prepare_reference(services: Services, video: VideoRef) -> Step:
    """Fit the images and store them, the first frame as ``reference.png`` (or ``.jpg``).

    Stops with ``invalid_reference`` codes when one can't be used.
    """
    record = await services.records.get(video["owner"], video["id"])
    if record is None or record.is_final:
        return done()
    try:
        for place in range(len(record.request.inputs)):
            await _prepare(services, record, place)
    except UnusableReference as error:
        return stop(VideoError(error.code, error.message))
    return done()


async def _prepare(services: Services, record: VideoRecord, place: int) -> None:
    """Bring an image to size and store it, in place of the one that was given."""
    item, video = record.request.inputs[place], record.request.size
    if item.original is not None:
        # An execution before this one may have died before it came to it.
        await services.files.delete(item.original)
    given = item.file
    if given is None or item.fit is None or item.prepared:
        return
    most = services.settings.max_reference_pixels
    made = await _decoded(
        services, given.blob, lambda data: brought_to_size(data, item, video, max_pixels=most)
    )
    if made is None:
        # Another execution of this step may have prepared it, and removed it, in the meantime.
        now = await services.records.get(record.owner, record.id, anew=True)
        if now is not None and now.request.inputs[place].prepared:
            return
        raise UnusableReference("The reference image is gone from storage. Send it again.")
    file, replaced = given, None
    if isinstance(made, Fitted):
        is_first = item.role is Role.FIRST
        kind = "png" if made.content_type == "image/png" else "jpg"
        name = f"reference.{kind}" if is_first else f"input-{place + 1}.fitted.{kind}"
        replaced = given.blob
        file = await services.files.put(
            f"{record.id}/{name}", made.data, content_type=made.content_type
        )
    ready = item.model_copy(update={"file": file, "original": replaced, "prepared": True})
    changed = await services.records.update(
        record.owner, record.id, lambda current: _with_input(current, place, ready)
    )
    if not await discard_if_unwanted(services, record.id, changed) and replaced is not None:
        await services.files.delete(replaced)


def brought_to_size(
    data: bytes, item: Input, video: Size, *, max_pixels: int
) -> Fitted | ImageInfo:
    """An image, brought to the video's size; one with crop bounds, which count on its own size, or
    that the video is only to look like, keeps its shape: it is made upright, and of a format that
    providers know. What is known of it where it can stay as it is.

    Raises:
        UnusableReference: it can't be decoded, or has too many pixels.
    """
    mode, is_cut = item.fit or FitMode.COVER, item.crop is not None
    info = check(data, max_pixels=max_pixels)
    within = is_cut or max(info.upright.width, info.upright.height) <= _LONGEST_SIDE
    is_small = is_cut or len(data) <= LARGEST_PICTURE  # a cut one is no part of a JSON body
    is_ready = is_small and info.orientation == 1 and info.format in _KNOWN_TO_PROVIDERS
    keeps_shape = is_cut or item.role is Role.REFERENCE
    if keeps_shape and within and is_ready:
        # A provider that looks less closely would be paid for what a damaged one leads to.
        fit(data, size=_LOOKED_AT, mode=mode, max_pixels=max_pixels)
        return info
    size = video
    if keeps_shape:
        size = _bounded(info.upright, video) if is_cut else _scaled(info.upright)
    return fit(data, size=size, mode=mode, max_pixels=max_pixels)


def _with_input(record: VideoRecord, place: int, item: Input) -> VideoRecord:
    items = list(record.request.inputs)
    if items[place].prepared:
        return record
    items[place] = item
    request = record.request.model_copy(update={"inputs": tuple(items)})
    return record.model_copy(update={"request": request})


def _scaled(upright: Size) -> Size:
    """The image's own shape, its longer side at most ``_LONGEST_SIDE``."""
    scale = min(1.0, _LONGEST_SIDE / max(upright.width, upright.height))
    return Size(max(1, round(upright.width * scale)), max(1, round(upright.height * scale)))


def _bounded(upright: Size, video: Size) -> Size:
    """The image's own shape, at most four times as wide and high as the video."""
    pixels = upright.width * upright.height
    scale = min(
        1.0,
        4 * max(video.width, video.height) / max(upright.width, upright.height),
        math.sqrt(_MOST_CUT_PIXELS / pixels),
    )
    return Size(max(1, round(upright.width * scale)), max(1, round(upright.height * scale)))


async def _decoded(services: Services, name: str, work: Callable[[bytes], T]) -> T | None:
    """What ``work`` makes of a stored picture; None when it is not there.

    Decoding is work for a processor, and takes memory: not on the loop that all other functions
    share, and not for several at once.
    """
    async with services.pictures.place():
        data = await services.files.read(name, max_bytes=services.settings.max_reference_bytes)
        return None if data is None else await services.pictures.run(lambda: work(data))
