"""Keys: issued, listed, changed, rotated and revoked."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, WithJsonSchema

from dailies.api.admin.bodies import checked, fields_of, json_body
from dailies.api.admin.names import OwnerQuery
from dailies.api.context import SECURITY, Admin, Context, Owner, RequestContext
from dailies.api.documents import SENDING_HEADERS, answers
from dailies.api.paging import page_size
from dailies.api.sending import idempotency_key
from dailies.catalogue import Catalogue
from dailies.guards.panel import Guards
from dailies.owners.issued import IssuedKey, KeyState, Rotation, is_key_id, new_key_id
from dailies.owners.key import Limits
from dailies.protocols.keys import (
    ChangeKey,
    IssuedKeyObject,
    IssueKey,
    KeyList,
    KeyObject,
    RotateKey,
    key_object,
    merged,
    settings_key_object,
)
from dailies.stores.keys import Change
from dailies.telemetry.logs import log_event
from dailies.video.errors import Conflict, InvalidRequest, NotFound

__all__ = ["router"]

router = APIRouter(prefix="/v1/admin/keys", tags=["operations"], dependencies=SECURITY)

_BAD_BODY = (400, 403, 408, 409, 413, 415)
_WORD = re.compile(r"[A-Za-z0-9_-]{0,100}")
_CHANGEABLE = set(ChangeKey.model_fields)
_REPLAYED = {
    "Idempotent-Replayed": {
        "description": "`true` when an earlier request with the same Idempotency-Key issued it.",
        "schema": {"type": "string", "enum": ["true"]},
    }
}


@router.post(
    "",
    status_code=201,
    response_model=IssuedKeyObject,
    responses=answers(*_BAD_BODY, ok=_REPLAYED, success=201),
    openapi_extra={"requestBody": json_body(IssueKey), "parameters": SENDING_HEADERS[:1]},
)
async def issue(
    request: Request, response: Response, context: RequestContext, admin: Admin
) -> IssuedKeyObject:
    """Issue a key. `key` in the answer is its secret, and is never shown again.

    With an Idempotency-Key no second key is made, and the answer to a repetition is without the
    secret: rotate the key, if that was lost.
    """
    services = context.services
    now = services.clock()
    fields = await fields_of(request)
    wanted = checked(IssueKey, fields)
    wanted = wanted.model_copy(
        update={"limits": _in_catalogue(wanted.limits, services.catalogue, Limits())}
    )
    _check_guards(wanted.limits, services.guards, Limits())
    _check_expiry(wanted.expires_at, now)
    seed = idempotency_key(request)
    request_hash = None if seed is None else _hash(wanted)
    new, secret = IssuedKey(
        id=new_key_id(seed),
        owner=wanted.owner,
        name=wanted.name,
        limits=wanted.limits,
        tags=wanted.tags,
        created_at=now,
        expires_at=wanted.expires_at,
        secrets=(),
        request_hash=request_hash,
    ).with_secret(now)
    stored = await services.keys.insert(new)
    if stored.has_newest(secret):  # also where the answer to its write was lost
        log_event("key_issued", **_told(stored, admin))
        return _with_secret(stored, secret, now)
    if stored.request_hash != request_hash:
        raise Conflict(
            "This Idempotency-Key was used with another request. Use a new one.",
            code="idempotency_key_reused",
        )
    response.headers["Idempotent-Replayed"] = "true"
    return _with_secret(stored, None, now)


@router.get("", response_model=KeyList, responses=answers(400, 403))
async def list_keys(
    context: RequestContext,
    admin: Admin,
    owner: OwnerQuery = None,
    after: Annotated[str, Query(description="The id after which the page begins.")] = "",
    limit: Annotated[
        str | None,
        WithJsonSchema({"type": "integer", "minimum": 1, "maximum": 100}),
        Query(description="How many keys, 1 to 100; 20 if not given."),
    ] = None,
) -> KeyList:
    """A page of all keys, also of those that are not taken any more, and of the settings' own."""
    services = context.services
    most = page_size(limit)
    _check_word("after", after)
    issued = await services.keys.list(owner=owner, after=after, limit=most + 1)
    found = [key_object(key, services.clock()) for key in issued]
    # Their ids come after all others.
    found += [
        shown
        for shown in _settings_keys(context)
        if shown.id > after and owner in (None, shown.owner)
    ]
    return KeyList.of(found[:most], has_more=len(found) > most)


@router.get("/{key_id}", response_model=KeyObject, responses=answers(403, 404))
async def retrieve(key_id: str, context: RequestContext, admin: Admin) -> KeyObject:
    """A key, without its secret."""
    services = context.services
    shown = next((each for each in _settings_keys(context) if each.id == key_id), None)
    if shown is not None:
        return shown
    key = await services.keys.get(key_id) if is_key_id(key_id) else None
    if key is None:
        raise _not_found(key_id)
    return key_object(key, services.clock())


@router.patch(
    "/{key_id}",
    response_model=KeyObject,
    responses=answers(*_BAD_BODY, 404),
    openapi_extra={"requestBody": json_body(ChangeKey)},
)
async def change(key_id: str, request: Request, context: RequestContext, admin: Admin) -> KeyObject:
    """Change what the request names of a key, as a JSON merge patch; it holds within ten seconds
    on every instance. Videos that were made with it stay as they are."""
    services = context.services
    now = services.clock()
    patch = await fields_of(request)
    if "expires_at" in patch:
        _check_expiry(checked(ChangeKey, {"expires_at": patch["expires_at"]}).expires_at, now)

    def changed(key: IssuedKey) -> IssuedKey:
        _check_not_revoked(key)
        before = key.model_dump(mode="json", include=_CHANGEABLE, exclude_defaults=True)
        wanted = checked(ChangeKey, merged(before, patch))
        limits = _in_catalogue(wanted.limits, services.catalogue, key.limits)
        _check_guards(limits, services.guards, key.limits)
        return key.model_copy(update={**dict(wanted), "limits": limits})

    key = await _update(context, key_id, changed)
    log_event("key_changed", **_told(key, admin))
    return key_object(key, now)


@router.post(
    "/{key_id}/rotate",
    response_model=IssuedKeyObject,
    responses=answers(*_BAD_BODY, 404, ok=_REPLAYED),
    openapi_extra={
        "requestBody": json_body(RotateKey, required=False),
        "parameters": SENDING_HEADERS[:1],
    },
)
async def rotate(
    key_id: str, request: Request, response: Response, context: RequestContext, admin: Admin
) -> IssuedKeyObject:
    """Give a key a new secret, in `key` of the answer and never shown again. Those before it are
    taken for `overlap_seconds` more.

    With an Idempotency-Key a repetition makes no second secret and ends none: it is answered
    without it. If the first answer was lost, rotate again with another one.
    """
    now = context.services.clock()
    wanted = checked(RotateKey, await fields_of(request, optional=True))
    rotation = _rotation(idempotency_key(request), wanted)
    made: str | None = None

    def changed(key: IssuedKey) -> IssuedKey:
        nonlocal made
        if made is not None and key.has_newest(made):
            return key  # by an earlier try, whose answer was lost
        made = None
        if rotation is not None:
            if key.rotated_before(rotation):
                return key
            key = key.remembering(rotation)
        _check_not_revoked(key)
        if key.state(now) is KeyState.EXPIRED:
            raise Conflict(
                "This key has expired. Set another 'expires_at' first, or issue a new key.",
                code="key_expired",
            )
        rotated, made = key.with_secret(now, overlap=wanted.overlap_seconds)
        return rotated

    key = await _update(context, key_id, changed)
    if made is None:
        response.headers["Idempotent-Replayed"] = "true"
    else:
        log_event("key_rotated", **_told(key, admin))
    return _with_secret(key, made, now)


@router.delete("/{key_id}", response_model=KeyObject, responses=answers(403, 404, 409))
async def revoke(key_id: str, context: RequestContext, admin: Admin) -> KeyObject:
    """Revoke a key: within ten seconds no instance takes it any more, and none ever will. It stays
    in the list, as videos were made with it. Revoking it again changes nothing."""
    now = context.services.clock()
    key = await _update(context, key_id, lambda key: key.revoked(now))
    log_event("key_revoked", **_told(key, admin))
    return key_object(key, now)


async def _update(context: Context, key_id: str, change: Change) -> IssuedKey:
    """Change an issued key.

    Raises:
        Conflict: it stands in the settings, or is not in the state for it.
        NotFound: there is no such key.
    """
    if any(each.id == key_id for each in _settings_keys(context)):
        raise Conflict(
            "This key stands in the app's settings, among callers' or operators' keys, and is "
            "changed or taken away only there.",
            param="key_id",
            code="key_in_settings",
        )
    keys, now = context.services.keys, context.services.clock()
    key = await keys.update(key_id, change, now) if is_key_id(key_id) else None
    if key is None:
        raise _not_found(key_id)
    return key


def _check_word(name: str, value: str) -> None:
    if _WORD.fullmatch(value) is None:
        raise InvalidRequest(
            f"Invalid '{name}': expected at most 100 letters, digits, hyphens and underscores.",
            param=name,
            code="invalid_value",
        )


def _settings_keys(context: Context) -> list[KeyObject]:
    settings = context.services.settings
    shown = [
        *(settings_key_object(key, operator=False) for key in settings.api_keys),
        *(settings_key_object(key, operator=True) for key in settings.admin_keys),
    ]
    return sorted(shown, key=lambda each: each.id)


def _in_catalogue(limits: Limits, catalogue: Catalogue, before: Limits) -> Limits:
    """The limits with each model by its own name; one that was named before may be gone by now.

    Raises:
        InvalidRequest: there is no such model.
    """
    if limits.models is None:
        return limits
    names = []
    for name in limits.models:
        found = catalogue.find(name)
        if found is None and name not in (before.models or ()):
            raise InvalidRequest(
                f"The model '{name[:64]}' does not exist.{catalogue.hint(name)}",
                param="limits.models",
                code="model_not_found",
            )
        names.append(name if found is None else found.name)
    return limits.model_copy(update={"models": tuple(dict.fromkeys(names))})


def _check_guards(limits: Limits, guards: Guards, before: Limits) -> None:
    """Whether each guard that is to look is set up: one that is not would let everything pass.

    Raises:
        InvalidRequest: one is not, and was not named before.
    """
    named = limits.guards.only if limits.guards is not None else None
    known = before.guards.only if before.guards is not None else None
    missing = set(named or ()) - guards.names - set(known or ())
    if missing:
        raise InvalidRequest(
            f"The guard '{min(missing)}' is not set up here, so nobody would look at what is made "
            "with this key. Set it up, or name another.",
            param="limits.guards.only",
            code="guard_not_set_up",
        )


def _check_expiry(expires_at: float | None, now: float) -> None:
    if expires_at is not None and expires_at <= now:
        raise InvalidRequest(
            "Invalid 'expires_at': it is not in the future. To end a key now, revoke it.",
            param="expires_at",
            code="invalid_value",
        )


def _check_not_revoked(key: IssuedKey) -> None:
    if key.revoked_at is not None:
        raise Conflict("This key is revoked for good. Issue a new one.", code="key_revoked")


def _rotation(seed: str | None, wanted: RotateKey) -> Rotation | None:
    if seed is None:
        return None
    seed_hash = hashlib.sha256(seed.encode("utf-8", "surrogatepass")).hexdigest()
    return Rotation(seed_hash=seed_hash, request_hash=_hash(wanted))


def _hash(wanted: BaseModel) -> str:
    # Defaults are left out: a limit that is new in a later version changes no earlier hash.
    document: Mapping[str, Any] = wanted.model_dump(mode="json", exclude_defaults=True)
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


def _with_secret(key: IssuedKey, secret: str | None, now: float) -> IssuedKeyObject:
    return IssuedKeyObject(**dict(key_object(key, now)), key=secret)


def _told(key: IssuedKey, admin: Owner) -> Mapping[str, Any]:
    """What the log tells of an operator's act."""
    return {"key_id": key.id, "owner": key.owner, "by": admin.key.id}


def _not_found(key_id: str) -> NotFound:
    return NotFound(
        f"There is no key '{key_id[:64]}'. GET /v1/admin/keys lists them.",
        param="key_id",
        code="key_not_found",
    )
