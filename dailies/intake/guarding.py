"""Before anything is recorded or spent: what the guards say of a request and its pictures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dailies.footage.examine import samples
from dailies.guards.base import Refused, Sent, Shown, Subject, Unsaid
from dailies.guards.panel import About, Show
from dailies.guards.pictures import small_picture
from dailies.inputs.examine import InputSource, digest
from dailies.owners.key import Key
from dailies.services import Services
from dailies.video.errors import (
    InvalidRequest,
    LimitReached,
    Unavailable,
    UnplayableVideo,
    UnusableReference,
)
from dailies.video.guarding import GuardRules
from dailies.video.request import Input, InputKind, VideoRequest

__all__ = ["REFUSED", "UNAVAILABLE", "check_character", "check_request"]

REFUSED = "content_filter"
UNAVAILABLE = "guardrail_unavailable"
_OF_A_CLIP = 4
"""Pictures that are looked at of a clip that came with a request."""
_PICTURE, _CLIP = "input_reference", "video"
"""The fields that they are in: of a create, and of a character."""
_RETRY_AFTER = 15
_WANTED_LESS = "negative_prompt"
"""Of an option of this name: like our own, it names what is not to be seen."""

Given = Sequence[tuple[Input, str, InputSource]]
"""Inputs with their media types and contents."""


async def check_request(
    services: Services, *, owner: str, key: Key | None, request: VideoRequest, inputs: Given
) -> GuardRules:
    """The rules that hold for the video, once the guards let its request pass.

    Raises:
        InvalidRequest: a guard refuses it (``content_filter``), or a picture can't be looked at.
        Unavailable: a guard could not say; nothing was recorded.
    """
    rules = services.guards.rules_for(None if key is None else key.limits.guards)

    async def show(pictures: bool) -> Subject:
        sent = [
            Sent(item.role, media_type, await digest(source)) for item, media_type, source in inputs
        ]
        seen: list[bytes] = []
        for item, _, source in inputs if pictures else ():
            seen += await _pictures(services, item.type, source, _PICTURE)
        return Subject(
            owner,
            request.model,
            request,
            texts=tuple(_texts(request)),
            sent=sent,
            pictures=seen,
        )

    await _check(services, rules, show, About(owner, request.model), param=_PICTURE)
    return rules


async def check_character(
    services: Services, *, owner: str, key: Key | None, model: str, name: str, clip: InputSource
) -> None:
    """Let the guards look at a clip, and at the name, of a character that is to be kept.

    Raises:
        InvalidRequest: a guard refuses it (``content_filter``), or the clip can't be looked at.
        Unavailable: a guard could not say; nothing was sent to a provider.
    """
    rules = services.guards.rules_for(None if key is None else key.limits.guards)

    async def show(pictures: bool) -> Subject:
        sent = Sent("character", "video/mp4", await digest(clip))
        seen = await _pictures(services, InputKind.VIDEO, clip, _CLIP) if pictures else []
        return Subject(owner, model, character=name, texts=(name,), sent=[sent], pictures=seen)

    await _check(services, rules, show, About(owner, model), param=_CLIP)


async def _check(
    services: Services, rules: GuardRules, show: Show, about: About, *, param: str
) -> None:
    verdict = await services.guards.judge(rules, show, about)
    if isinstance(verdict, Refused):
        raise _refusal(verdict, param)
    if isinstance(verdict, Unsaid):
        raise Unavailable(
            "The content filter does not answer at the moment, and nothing is made without it. "
            "Nothing was accepted or charged. Send the request again, with the same "
            "Idempotency-Key if you gave one.",
            retry_after=_RETRY_AFTER,
            code=UNAVAILABLE,
        )


def _refusal(verdict: Refused, pictures: str) -> InvalidRequest:
    is_text = verdict.shown is Shown.PROMPT
    text, param = ("name", "name") if pictures == _CLIP else ("prompt", "prompt")
    what, param = (text, param) if is_text else ("image or video", pictures)
    return InvalidRequest(
        f"The {what} was refused by this service's content filter ({verdict.category}). Nothing "
        "was made or charged. Change it and send the request again.",
        param=param,
        code=REFUSED,
    )


def _texts(request: VideoRequest) -> Iterator[str]:
    """What may come to be seen: the prompt, and the texts among the options for the provider.

    What is *not* wanted is not looked at: it is where people write the names of harms.
    """
    yield request.prompt
    options = "\n".join(_strings(request.provider_options))
    if options:
        yield options


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, each in value.items():
            if name != _WANTED_LESS:
                yield from _strings(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _strings(each)


async def _pictures(
    services: Services, kind: InputKind, source: InputSource, param: str
) -> list[bytes]:
    """What is looked at of an input.

    Raises:
        InvalidRequest: it can't be decoded, so nothing could be made of it either.
    """
    try:
        if kind is InputKind.IMAGE:
            return [await _picture(services, source)]
        async with services.footage.place():
            return await samples(source, services.footage, _OF_A_CLIP)
    except UnusableReference as error:
        raise InvalidRequest(error.message, param=param, code=error.code) from None
    except (UnplayableVideo, LimitReached) as error:
        raise InvalidRequest(
            f"The video can't be looked at by the content filter: {error}. Save it anew, as "
            "MP4 with H.264.",
            param=param,
            code="invalid_video",
        ) from None


async def _picture(services: Services, source: InputSource) -> bytes:
    """An image made small, in the thread for that, and held whole only while it has a place."""
    pixels = services.settings.max_reference_pixels
    async with services.pictures.place():
        data = b"".join([chunk async for chunk in source.open()])
        return await services.pictures.run(lambda: small_picture(data, max_pixels=pixels))
