"""Creating videos: from a request to an accepted video, and the answer to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request, Response

from dailies.api.asked import asked_for, warn_untold
from dailies.api.bodies import open_body
from dailies.api.context import SECURITY, Caller, Context, Owner, RequestContext
from dailies.api.documents import CREATE_BODY, POLL_AFTER, REPLAYED, SENDING_HEADERS, answers
from dailies.api.dry_query import DryRunQuery, refuse_dry_run, wants_dry_run
from dailies.api.dry_run import dry_run as run_dry
from dailies.api.given import Given
from dailies.api.observe import note
from dailies.api.retrieve import poll_after, public_video
from dailies.api.sending import LONGEST_ACCEPT_SECONDS, idempotency_key, in_time, sending_of
from dailies.engine import InstanceState
from dailies.intake.accept import Acceptance, GivenInput, accept
from dailies.owners.key import Way
from dailies.pipeline.start import start_video
from dailies.protocols.openai.dry_run import DryRun
from dailies.protocols.openai.objects import RequestWarning, Video
from dailies.stores.resends import Sending
from dailies.telemetry.logs import log_event
from dailies.video.record import Source, VideoRequest

__all__ = ["Accepted", "accept_and_start", "answer", "create_video", "router", "start_or_leave"]

router = APIRouter(tags=["videos"], dependencies=SECURITY)

_CREATES: dict[str, Any] = {
    "response_model": Video | DryRun,
    "responses": answers(400, 403, 404, 408, 409, 413, 415, 429, ok=REPLAYED | POLL_AFTER),
    "openapi_extra": {"requestBody": CREATE_BODY, "parameters": SENDING_HEADERS},
}
"""The route of a create, at whichever address."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """An accepted video, and what its caller is to be told of the request."""

    acceptance: Acceptance
    warnings: tuple[RequestWarning, ...]


@router.post("/videos", **_CREATES)
@router.post("/videos/generations", **_CREATES)
async def create(
    request: Request,
    response: Response,
    context: RequestContext,
    caller: Caller,
    dry_run: DryRunQuery = None,
) -> Video | DryRun:
    """Create a video. It is durable when this answers; poll it, or wait for its event."""
    if wants_dry_run(request):
        return await run_dry(context, request, caller=caller)
    accepted = await create_video(context, request, caller=caller, source=Source())
    return await answer(context, accepted, response)


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


async def answer(context: Context, accepted: Accepted, response: Response) -> Video:
    """The answer to a request that was accepted, with its headers and warnings."""
    record = accepted.acceptance.record
    if accepted.acceptance.replayed:
        response.headers["Idempotent-Replayed"] = "true"
    response.headers.update(poll_after(context, record))
    video = await public_video(context, record)
    return video.model_copy(update={"warnings": accepted.warnings})
