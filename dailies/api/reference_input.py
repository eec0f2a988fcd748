"""What a create starts from: ``input_reference``, as a file or as a URL."""

from __future__ import annotations

from dailies.api.bodies import Upload
from dailies.api.given import Given
from dailies.inputs.examine import BytesSource, InputSource, digest
from dailies.inputs.mp4 import looks_like_mp4
from dailies.intake.accept import GivenInput
from dailies.net.fetching import ReferenceFetcher
from dailies.protocols.inputs import read_input, takes_frames
from dailies.protocols.wish import Plan
from dailies.settings import Settings
from dailies.video.errors import InvalidRequest, TooLarge, UnusableReference
from dailies.video.request import VideoRequest

__all__ = ["find_input", "read_reference", "refusal"]

_PARAM = "input_reference"


async def find_input(
    given: Given, reference: InputSource | str, fetcher: ReferenceFetcher
) -> InputSource:
    """What a create starts from: a file of the body, or what an https URL holds.

    Raises:
        InvalidRequest: it can't be fetched.
        TooLarge: it has too many bytes.
    """
    if isinstance(reference, str):
        return BytesSource(await fetcher.load(reference))
    return given.body.take(reference) if isinstance(reference, Upload) else reference


async def read_reference(
    plan: Plan, source: InputSource, settings: Settings
) -> tuple[VideoRequest, GivenInput]:
    """What is asked for, with what it starts from.

    Raises:
        InvalidRequest: it can't be used, or the model takes nothing of its kind.
        TooLarge: it has too many bytes.
    """
    most = settings.max_reference_bytes
    is_image = not takes_frames(plan.model) and not looks_like_mp4(await source.read(0, 16))
    if is_image and source.length > most:
        raise TooLarge(
            f"The file '{_PARAM}' is larger than {most:,} bytes. Send a smaller one.",
            param=_PARAM,
            code="file_too_large",
        )
    try:
        return await read_input(plan, source, settings, await digest(source))
    except UnusableReference as error:
        raise refusal(error, f"Invalid '{_PARAM}': {error.message}", param=_PARAM) from None


def refusal(error: UnusableReference, message: str, *, param: str) -> InvalidRequest | TooLarge:
    """The answer to a file that can't be used."""
    kind = TooLarge if error.code in ("image_too_large", "video_too_large") else InvalidRequest
    return kind(message, param=param, code=error.code)
