"""What a create starts from: ``input_reference``, as a file or as a URL."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dailies.api.bodies import Body, Upload
from dailies.catalogue import Model
from dailies.errors import InvalidRequest, TooLarge, UnusableReference
from dailies.frame_inputs import read_frame_input
from dailies.intake import GivenInput, GivenReference
from dailies.records import ReferenceFile
from dailies.references.fetching import ReferenceFetcher
from dailies.references.headers import check
from dailies.references.inputs import BytesSource, digest
from dailies.requests import fit_mode, missing, wrong_type
from dailies.settings import Settings
from dailies.videos import Size

__all__ = ["read_input", "read_reference", "reference_bytes"]


async def reference_bytes(body: Body, fetcher: ReferenceFetcher) -> bytes | None:
    """What a create starts from: a file, or ``{"image_url": …}`` with an https or a data URL.

    Raises:
        InvalidRequest: it is neither, or can't be fetched.
        TooLarge: it has too many bytes.
    """
    value = body.fields.get("input_reference")
    if value is None:
        return None
    return value.data if isinstance(value, Upload) else await fetcher.load(_image_url(value))


async def read_input(
    data: bytes, fields: Mapping[str, Any], settings: Settings, model: Model
) -> tuple[list[GivenInput], Size]:
    """An image or a video for a frame of choice, and its size in pixels.

    Raises:
        InvalidRequest: it can't be used, or the model takes nothing of its kind.
    """
    source = BytesSource(data)
    try:
        given, size = await read_frame_input(
            fields, source, settings, model, digest=await digest(source)
        )
    except UnusableReference as error:
        raise _unusable(error) from None
    return [given], size


def _unusable(error: UnusableReference) -> InvalidRequest:
    return InvalidRequest(
        f"Invalid 'input_reference': {error.message}", param="input_reference", code=error.code
    )


def read_reference(
    data: bytes, fields: Mapping[str, Any], settings: Settings
) -> tuple[GivenReference, Size]:
    """The reference image and the size in pixels that viewers show it in.

    Raises:
        InvalidRequest: it is no image that can be used.
        TooLarge: it has too many bytes.
    """
    most = settings.max_reference_bytes
    if len(data) > most:
        raise TooLarge(
            f"The file 'input_reference' is larger than {most:,} bytes. Send a smaller one.",
            param="input_reference",
            code="file_too_large",
        )
    try:
        info = check(data, max_pixels=settings.max_reference_pixels)
    except UnusableReference as error:
        raise _unusable(error) from None
    content_type = f"image/{info.format.value}"
    file = ReferenceFile(content_type=content_type, fit=fit_mode(fields))
    return GivenReference(data, content_type, file), info.upright


def _image_url(value: Any) -> str:
    if not isinstance(value, dict):
        raise wrong_type("input_reference", "a file", value)
    url = value.get("image_url")
    if isinstance(url, dict):
        # As other endpoints of OpenAI nest it.
        url = url.get("url")
    if url is None and value.get("file_id") is not None:
        raise InvalidRequest(
            "Invalid 'input_reference': files can't be named by 'file_id' here. Send the image as "
            'a file of a multipart form, or as {"image_url": …} with an https or a data URL.',
            param="input_reference",
            code="unsupported_file_id",
        )
    if url is None:
        raise missing("input_reference.image_url")
    if not isinstance(url, str):
        raise wrong_type("input_reference.image_url", "a string", url)
    return url
