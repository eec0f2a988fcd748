"""What a create starts from: ``input_reference``, as a file or as a URL."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dailies.api.bodies import Upload
from dailies.api.given import Given
from dailies.catalogue import Model
from dailies.inputs.examine import BytesSource, InputSource, digest
from dailies.inputs.headers import check_file
from dailies.intake.accept import GivenInput, GivenReference
from dailies.net.fetching import ReferenceFetcher
from dailies.protocols.frame_inputs import read_frame_input
from dailies.protocols.requests import fit_mode, missing, wrong_type
from dailies.settings import Settings
from dailies.video.basics import Size
from dailies.video.errors import InvalidRequest, TooLarge, UnusableReference
from dailies.video.record import ReferenceFile

__all__ = ["find_input", "read_input", "read_reference", "refusal"]

_PARAM = "input_reference"


async def find_input(given: Given, fetcher: ReferenceFetcher) -> InputSource | None:
    """What a create starts from: a file, or ``{"image_url": …}`` with an https or a data URL; of
    the latter, the body's reader has made a file.

    Raises:
        InvalidRequest: it is neither, or can't be fetched.
        TooLarge: it has too many bytes.
    """
    value = given.fields.get(_PARAM)
    if value is None:
        return None
    if isinstance(value, Upload):
        return given.body.take(value)
    url = _image_url(value)
    if isinstance(url, Upload):
        return given.body.take(url)
    return BytesSource(await fetcher.load(url))


async def read_input(
    source: InputSource, fields: Mapping[str, Any], settings: Settings, model: Model
) -> tuple[list[GivenInput], Size]:
    """An image or a video for a frame of choice, and its size in pixels.

    Raises:
        InvalidRequest: it can't be used, or the model takes nothing of its kind.
        TooLarge: it has too many bytes.
    """
    try:
        given, size = await read_frame_input(
            fields, source, settings, model, digest=await digest(source)
        )
    except UnusableReference as error:
        raise refusal(error, f"Invalid '{_PARAM}': {error.message}", param=_PARAM) from None
    return [given], size


async def read_reference(
    source: InputSource, fields: Mapping[str, Any], settings: Settings
) -> tuple[GivenReference, Size]:
    """The reference image and the size in pixels that viewers show it in.

    Raises:
        InvalidRequest: it is no image that can be used.
        TooLarge: it has too many bytes.
    """
    most = settings.max_reference_bytes
    if source.length > most:
        raise TooLarge(
            f"The file '{_PARAM}' is larger than {most:,} bytes. Send a smaller one.",
            param=_PARAM,
            code="file_too_large",
        )
    try:
        info = await check_file(source, max_pixels=settings.max_reference_pixels)
    except UnusableReference as error:
        raise refusal(error, f"Invalid '{_PARAM}': {error.message}", param=_PARAM) from None
    file = ReferenceFile(content_type=f"image/{info.format.value}", fit=fit_mode(fields))
    return GivenReference(file, source.length, source.open, await digest(source)), info.upright


def refusal(error: UnusableReference, message: str, *, param: str) -> InvalidRequest | TooLarge:
    """The answer to a file that can't be used."""
    kind = TooLarge if error.code in ("image_too_large", "video_too_large") else InvalidRequest
    return kind(message, param=param, code=error.code)


def _image_url(value: Any) -> str | Upload:
    if not isinstance(value, dict):
        raise wrong_type(_PARAM, "a file", value)
    url = value.get("image_url")
    if isinstance(url, dict):
        # As other endpoints of OpenAI nest it.
        url = url.get("url")
    if url is None and value.get("file_id") is not None:
        raise InvalidRequest(
            f"Invalid '{_PARAM}': files can't be named by 'file_id' here. Send the image as "
            'a file of a multipart form, or as {"image_url": …} with an https or a data URL.',
            param=_PARAM,
            code="unsupported_file_id",
        )
    if url is None:
        raise missing(f"{_PARAM}.image_url")
    if not isinstance(url, str | Upload):
        raise wrong_type(f"{_PARAM}.image_url", "a string", url)
    return url
