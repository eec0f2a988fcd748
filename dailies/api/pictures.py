"""The pictures and clips of a create: at hand in its body, or fetched, then looked at."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from dailies.api.bodies import Body, Upload
from dailies.api.given import in_callers_words
from dailies.intake.accept import GivenInput
from dailies.net.fetching import ReferenceFetcher
from dailies.protocols.inputs import Found, read_inputs, refusal, takes_frames
from dailies.protocols.openai.bodies import REFERENCE
from dailies.protocols.pictures import Picture
from dailies.protocols.wish import Plan
from dailies.settings import Settings
from dailies.video.errors import InvalidRequest, TooLarge, UnusableReference
from dailies.video.record import VideoRequest

__all__ = ["find_all", "read_all"]

# Of all images that a request names by URL; each has a limit of its own.
_LONGEST_FETCH_SECONDS = 60.0


async def find_all(
    body: Body, pictures: Sequence[Picture], fetcher: ReferenceFetcher
) -> list[Found]:
    """What a create is made of: files of the body, or what https URLs hold.

    Raises:
        InvalidRequest: one can't be fetched, or all of them not in time.
        TooLarge: one has too many bytes.
    """
    try:
        async with asyncio.timeout(_LONGEST_FETCH_SECONDS):
            return [await _find(body, picture, fetcher) for picture in pictures]
    except TimeoutError:
        raise InvalidRequest(
            f"The images did not come within {_LONGEST_FETCH_SECONDS:g} seconds. Send them as "
            "files, or fewer of them.",
            param=pictures[-1].param,
            code="image_url_unreachable",
        ) from None


async def _find(body: Body, picture: Picture, fetcher: ReferenceFetcher) -> Found:
    source = picture.source
    if isinstance(source, str):
        with in_callers_words({REFERENCE: picture.param}):
            data = await fetcher.load(source)
        source = await body.keep(data)
    elif isinstance(source, Upload):
        body.take(source)
    return Found(picture.role, source, picture.param)


async def read_all(
    plan: Plan, found: Sequence[Found], settings: Settings
) -> tuple[VideoRequest, Sequence[GivenInput]]:
    """What is asked for, with what it is made of.

    Raises:
        InvalidRequest: one of the files can't be used, or the model takes nothing of its kind.
        TooLarge: one has too many bytes.
    """
    try:
        return await read_inputs(plan, found, settings)
    except UnusableReference as error:
        param = error.param or REFERENCE
        if error.code == "image_too_large" and not takes_frames(plan.model):
            most = settings.max_reference_bytes
            if any(each.param == param and each.source.length > most for each in found):
                raise TooLarge(
                    f"The file '{param}' is larger than {most:,} bytes. Send a smaller one.",
                    param=param,
                    code="file_too_large",
                ) from None
        raise refusal(error, f"Invalid '{param}': {error.message}", param=param) from None
