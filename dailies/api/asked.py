"""What the body of a create asks for: the request for a video, and the inputs that it names."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import Request

from dailies.api.bodies import Body
from dailies.api.context import Context
from dailies.api.form_arrays import with_arrays
from dailies.api.given import Given, in_callers_words, read_given
from dailies.api.lookup import find
from dailies.api.pictures import find_all, read_all
from dailies.api.sending import idempotency_key
from dailies.catalogue import Catalogue
from dailies.intake.accept import GivenInput
from dailies.protocols.inputs import check_frame_fields
from dailies.protocols.openai.bodies import CreateVideo, RemixByCreate, RemixVideo
from dailies.protocols.openai.derivations import derive, derive_again
from dailies.protocols.openai.synonyms import wish_of, wish_of_derived
from dailies.protocols.vocabulary import CREATE, REMIX_BY_CREATE, SOURCE
from dailies.protocols.wish import plan
from dailies.stores.rows import hash_key
from dailies.video.basics import Operation
from dailies.video.record import VideoRequest
from dailies.video.request import Role

__all__ = ["asked_for", "derived", "warn_untold"]


async def asked_for(
    context: Context, request: Request, body: Body, owner: str
) -> tuple[Given, VideoRequest, Sequence[GivenInput]]:
    """What the body of a create asks for, and what the video is to be made of.

    Raises:
        RequestError: something in it is wrong.
    """
    if body.fields.get(SOURCE) not in (None, ""):
        given = read_given(body, REMIX_BY_CREATE)
        remix = RemixByCreate.read(body.fields)
        video_id = remix.remix_video_id
        asked = await derived(
            context, request, owner, Operation.REMIX, remix, video_id, param=SOURCE
        )
        return given, asked, ()
    given = read_given(with_arrays(body, CREATE.arrays), CREATE)
    return given, *(await _plain(context, given))


async def _plain(context: Context, given: Given) -> tuple[VideoRequest, Sequence[GivenInput]]:
    """The request for a video of a prompt, with the images or the video that it is made of."""
    services = context.services
    body = CreateVideo.read(given.body.fields)
    wish = wish_of(body, services.catalogue)
    roles = [picture.role for picture in body.pictures]
    with in_callers_words(wish.names):
        # Before anything is fetched, what is wrong with the rest.
        planned = plan(
            services.catalogue,
            wish,
            with_image=Role.FIRST in roles,
            last_frame=Role.LAST in roles,
            references=roles.count(Role.REFERENCE),
        )
        check_frame_fields(wish, planned.model, has_input=Role.FIRST in roles)
        _warn_unused(given, body)
        found = await find_all(given.body, body.pictures, services.fetcher)
        return await read_all(planned, found, services.settings)


def _warn_unused(given: Given, body: CreateVideo) -> None:
    """Tell of fields that are about others which are not there."""
    if body.fit is not None and not any(p.role is not Role.REFERENCE for p in body.pictures):
        given.warn_unused("fit", "It is about an image, and there is no 'input_reference'.")
    if body.seconds_fit is not None and (body.seconds or body.duration or body.n_seconds) is None:
        given.warn_unused("seconds_fit", "It is about a length, and there is no 'seconds'.")


def warn_untold(given: Given, asked: VideoRequest, catalogue: Catalogue) -> None:
    """Tell of a ``safety_identifier`` that some who may make the video take no such thing as."""
    if asked.safety_identifier is None:
        return
    chosen = catalogue.deployment(asked.deployment or "")
    may = [chosen] if chosen is not None else catalogue.resolve(asked.model).deployments
    telling = [deployment for deployment in may if deployment.takes_safety_identifier]
    if len(telling) < len(may):
        who = "Not every provider" if telling else "No provider"
        given.warn_untold("safety_identifier", f"{who} of the model '{asked.model}' takes one.")


async def derived(
    context: Context,
    request: Request,
    owner: str,
    operation: Operation,
    body: RemixVideo,
    video_id: str,
    *,
    param: str,
) -> VideoRequest:
    """The request for a video made from the owner's video of that id; ``param`` names it.

    What the request's Idempotency-Key made before comes first: its source may be gone by now.

    Raises:
        RequestError: it is not there, can't be made from, or the body says something else.
    """
    services = context.services
    wish = wish_of_derived(body)
    key = idempotency_key(request)
    earlier = None if key is None else await services.records.made_by(owner, hash_key(key))
    with in_callers_words(wish.names):
        if earlier is not None:
            again = derive_again(services.catalogue, operation, wish, earlier.request, video_id)
            if again is not None:
                return again
        source = await find(context, request, owner, video_id, param=param)
        return derive(
            services.catalogue, operation, wish, source, param=param, now=services.clock()
        )
