"""Characters: a name and a clip that the provider keeps."""

from __future__ import annotations

import secrets

from fastapi import APIRouter, Request

from dailies.api.bodies import Body, Upload, open_body
from dailies.api.context import SECURITY, Caller, Context, RequestContext
from dailies.api.documents import CHARACTER_BODY, answers
from dailies.api.given import read_given
from dailies.catalogue import Deployment
from dailies.inputs.examine import InputSource
from dailies.intake.guarding import check_character
from dailies.owners.key import Limits, Way
from dailies.pipeline.endings import answer_fields
from dailies.protocols.openai.bodies import CreateCharacter
from dailies.protocols.openai.objects import Character
from dailies.protocols.vocabulary import CHARACTER
from dailies.providers.base import CharacterKeeper, SourceFile
from dailies.providers.outcomes import Kind, Outcome
from dailies.stores.characters import CharacterRecord
from dailies.telemetry.logs import log_event
from dailies.video.errors import (
    InvalidRequest,
    NotFound,
    RequestError,
    TooLarge,
    TooMany,
    Unavailable,
)

__all__ = ["router"]

_MOST_BYTES = 64 * 1024**2

router = APIRouter(tags=["characters"], dependencies=SECURITY)


@router.post(
    "/videos/characters",
    response_model=Character,
    responses=answers(400, 404, 408, 413, 415, 429),
    openapi_extra={"requestBody": CHARACTER_BODY},
)
async def create_character(request: Request, context: RequestContext, caller: Caller) -> Character:
    """Keep a clip under a name, at the provider of the model, once the guards let it pass."""
    async with open_body(request) as body:
        given = read_given(body, CHARACTER)
        asked = CreateCharacter.read(body.fields)
        clip = _clip(body, asked.video)
        given.check_files()
        deployment, keeper = _keeper(context, caller.key.limits, asked.model)
        await check_character(
            context.services,
            owner=caller.name,
            key=caller.key,
            model=context.services.catalogue.resolve(asked.model).name,
            name=asked.name,
            clip=clip,
        )
        source = SourceFile(clip.length, "video/mp4", clip.open)
        kept = await keeper.create_character(asked.name, source)
    if isinstance(kept, Outcome):
        log_event("character_refused", deployment=deployment.name, **answer_fields(kept))
        raise _error_of(kept)
    record = CharacterRecord(
        id=f"char_{secrets.token_hex(16)}",
        owner=caller.name,
        name=asked.name,
        created_at=context.services.clock(),
        deployment=deployment.name,
        upstream_id=kept.id,
    )
    await context.services.characters.insert(record)
    return _character(record).model_copy(update={"warnings": tuple(given.warnings)})


@router.get("/videos/characters/{character_id}", response_model=Character, responses=answers(404))
async def retrieve_character(
    character_id: str, context: RequestContext, caller: Caller
) -> Character:
    """One of the caller's characters."""
    record = await context.services.characters.get(caller.name, character_id)
    if record is None:
        raise NotFound(
            f"Character with id '{character_id[:80]}' not found.",
            param="character_id",
            code="character_not_found",
        )
    return _character(record)


def _clip(body: Body, clip: InputSource) -> InputSource:
    if clip.length > _MOST_BYTES:
        raise TooLarge(
            f"The file 'video' is larger than {_MOST_BYTES:,} bytes. Send a smaller one.",
            param="video",
            code="file_too_large",
        )
    return body.take(clip) if isinstance(clip, Upload) else clip


def _keeper(
    context: Context, limits: Limits, name: str | None
) -> tuple[Deployment, CharacterKeeper]:
    services = context.services
    model = services.catalogue.resolve(name)
    limits.check_way(Way.OPENAI)
    limits.check_model(model.name)
    for deployment in model.deployments:
        if not deployment.characters:
            continue
        adapter = services.providers.adapter(deployment)
        if isinstance(adapter, CharacterKeeper):
            return deployment, adapter
    raise InvalidRequest(
        f"The model '{model.name}' keeps no characters here.",
        param="model",
        code="unsupported_operation",
    )


def _error_of(outcome: Outcome) -> RequestError:
    message = outcome.message or "The provider did not keep the character."
    if outcome.kind is Kind.THROTTLED:
        return TooMany(message, retry_after=round(outcome.retry_after or 30), code=outcome.code)
    if outcome.kind in (Kind.REFUSED, Kind.RETIRED, Kind.MISSING):
        return InvalidRequest(message, param=outcome.param, code=outcome.code)
    return Unavailable(message, retry_after=30, code=outcome.code)


def _character(record: CharacterRecord) -> Character:
    return Character(id=record.id, created_at=int(record.created_at), name=record.name)
