"""Creating videos: from the fields of a request to an accepted video."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from fastapi import Request

from dailies.api.bodies import Body, open_body
from dailies.api.context import Context, Owner
from dailies.api.dry_query import refuse_dry_run
from dailies.api.form_arrays import with_arrays
from dailies.api.given import Given, in_callers_words, read_given
from dailies.api.lookup import find
from dailies.api.observe import note
from dailies.api.pictures import find_all, read_all
from dailies.catalogue import Catalogue
from dailies.engine import InstanceState
from dailies.intake.accept import Acceptance, GivenInput, accept
from dailies.owners.key import Way
from dailies.pipeline.start import start_video
from dailies.protocols.inputs import check_frame_fields
from dailies.protocols.openai.bodies import CreateVideo, RemixByCreate, RemixVideo
from dailies.protocols.openai.derivations import derive, derive_again
from dailies.protocols.openai.objects import RequestWarning
from dailies.protocols.openai.synonyms import wish_of, wish_of_derived
from dailies.protocols.vocabulary import CREATE, REMIX_BY_CREATE, SOURCE
from dailies.protocols.wish import plan
from dailies.stores.resends import Sending
from dailies.stores.rows import hash_key
from dailies.telemetry.logs import log_event
from dailies.video.basics import Operation
from dailies.video.errors import InvalidRequest, Unavailable
from dailies.video.record import Source, VideoRequest
from dailies.video.request import Role

__all__ = [
    "LONGEST_ACCEPT_SECONDS",
    "Accepted",
    "accept_and_start",
    "asked_for",
    "create_video",
    "derived",
    "idempotency_key",
    "retry_count",
    "sending_of",
    "start_or_leave",
    "warn_untold",
]

_MOST_KEY_CHARACTERS = 255
# What official clients, which Stainless generates, say of how often they have sent a request again.
_RETRY_COUNT = "x-stainless-retry-count"
_MOST_DIGITS = 3
# Well within what clients and gateways wait for an answer.
LONGEST_ACCEPT_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Accepted:
    """An accepted video, and what its caller is to be told of the request."""

    acceptance: Acceptance
    warnings: tuple[RequestWarning, ...]


async def create_video(
    context: Context, request: Request, *, caller: Owner, source: Source
) -> Accepted:
    """Validate the request, write the record and start the orchestration."""
    settings, owner = context.services.settings, caller.name
    sending = await sending_of(context, request, owner)
    async with open_body(request, max_inline_bytes=settings.max_reference_bytes) as body:
        given, asked, inputs = await asked_for(context, request, body, owner)
        return await accept_and_start(
            context,
            request,
            asked,
            given=given,
            caller=caller,
            source=source,
            inputs=inputs,
            sending=sending,
        )


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


async def accept_and_start(
    context: Context,
    request: Request,
    asked: VideoRequest,
    *,
    given: Given,
    caller: Owner,
    source: Source,
    sending: Sending | None,
    inputs: Sequence[GivenInput] = (),
    way: Way = Way.OPENAI,
) -> Accepted:
    """Write the record of what was asked for and start its orchestration.

    ``sending`` is what ``sending_of`` gave when the request began, before its body was read.

    Raises:
        Forbidden: the key may not ask for the model or the priority, or not in this way.
        InvalidRequest: a file came with the request that nobody has read, or a guard refuses it.
        Unavailable: a guard could not say whether it may be made.
    """
    refuse_dry_run(request)
    given.check_files()
    warn_untold(given, asked, context.services.catalogue)
    limits = caller.key.limits
    limits.check_way(way)
    limits.check_model(asked.model)
    priority = limits.priority(asked.priority)
    # The guards have a time of their own, within which they answer.
    async with in_time(LONGEST_ACCEPT_SECONDS + context.services.guards.patience):
        acceptance = await accept(
            context.services,
            owner=caller.name,
            key=caller.key,
            request=asked,
            priority=priority,
            source=source,
            idempotency_key=idempotency_key(request),
            traceparent=request.headers.get("traceparent"),
            most_unfinished=context.services.settings.max_unfinished or None,
            inputs=inputs,
            sending=sending,
        )
    record = acceptance.record
    note(
        request,
        video_id=record.id,
        model=record.request.model,
        seconds=record.request.seconds,
        replayed=acceptance.replayed or None,
        warnings=len(given.warnings) or None,
    )
    await start_or_leave(context, acceptance)
    return Accepted(acceptance, tuple(given.warnings))


@asynccontextmanager
async def in_time(seconds: float = LONGEST_ACCEPT_SECONDS) -> AsyncIterator[None]:
    """What storage must do before a caller gets an answer, in so many seconds.

    Raises:
        Unavailable: it did not, in time. Then nobody knows whether the video was recorded; a caller
            that wants to be sure of one video sends an Idempotency-Key.
    """
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise Unavailable(
            "Storage does not answer at the moment. Send the request again, with the same "
            "Idempotency-Key if you gave one: then it makes one video at most.",
            retry_after=10,
            code="storage_unavailable",
        ) from None


async def sending_of(context: Context, request: Request, owner: str) -> Sending | None:
    """Which sending of a create this is; None where an Idempotency-Key decides.

    To be asked before the body is read: a resend of this request may come meanwhile.

    Raises:
        InvalidRequest: the Idempotency-Key is too long.
        Unavailable: storage did not answer in time.
    """
    if idempotency_key(request) is not None:
        return None
    async with in_time():
        epoch = await context.services.records.epoch(owner)
    return Sending(retry_count(request), epoch)


def retry_count(request: Request) -> int:
    """How often the client says that it has sent this request before; 0 where it says nothing."""
    text = request.headers.get(_RETRY_COUNT, "")
    is_count = text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS
    return int(text) if is_count else 0


def idempotency_key(request: Request) -> str | None:
    """The header ``Idempotency-Key``.

    Raises:
        InvalidRequest: it is longer than 255 characters.
    """
    key = request.headers.get("idempotency-key")
    if key is not None and len(key) > _MOST_KEY_CHARACTERS:
        raise InvalidRequest(
            f"The Idempotency-Key is longer than {_MOST_KEY_CHARACTERS} characters.",
            code="invalid_idempotency_key",
        )
    return key or None


async def start_or_leave(context: Context, acceptance: Acceptance) -> None:
    """Start the video's orchestration; the sweeper starts what could not be started here.

    The record is written, so the answer stands whatever the engine says.
    """
    record = acceptance.record
    try:
        if acceptance.replayed:
            # Only what never started: restarting what failed is the sweeper's, which counts.
            state = await context.orchestrations.state(record.id)
            if record.is_final or state is not InstanceState.MISSING:
                return
        await start_video(context.services, context.orchestrations, record)
    except Exception as error:  # noqa: BLE001 - the durable client raises bare Exceptions
        log_event("start_left_to_sweeper", video_id=record.id, reason=type(error).__name__)
