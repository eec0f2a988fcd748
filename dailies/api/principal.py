"""Operators by Microsoft Entra ID: whom the platform's authentication has let in.

App Service authentication checks the token of a request and tells the app whose it is in the header
``X-MS-CLIENT-PRINCIPAL``, base64 of
``{"auth_typ", "name_typ", "role_typ", "claims": [{"typ", "val"}, …]}``; callers can't set it, since
the platform takes away what they send. Where that authentication is off nobody takes it away, so
it is believed only where the platform says that it is on, in ``WEBSITE_AUTH_ENABLED``.

It counts only beside a token in ``Authorization``, or a header that the studio sends. A browser's
session is a cookie, which goes with whatever page asks for it; a token does not, and a header of
our own no page of another origin can set: we answer no browser that asks whether it may.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass

from fastapi import Request
from pydantic import BaseModel, ValidationError

from dailies.jsontext import parse_json
from dailies.settings import Settings

__all__ = ["Principal", "principal_of"]

_HEADER = "x-ms-client-principal"
_STUDIO = "x-dailies-studio"
_ENTRA = "aad"
_OBJECT_IDS = ("http://schemas.microsoft.com/identity/claims/objectidentifier", "oid")
_ROLES = ("http://schemas.microsoft.com/ws/2008/06/identity/claims/role", "roles")
_OBJECT_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_MOST_CHARACTERS = 64 * 1024
_MOST_PARTS = 5000
_MOST_DEPTH = 5


@dataclass(frozen=True, slots=True)
class Principal:
    """Whom the platform has let in: the object id, in lower case, and the app's roles of it."""

    object_id: str
    roles: frozenset[str]


class _Claim(BaseModel):
    typ: str
    val: str


class _Header(BaseModel):
    auth_typ: str
    role_typ: str | None = None
    claims: tuple[_Claim, ...] = ()


def principal_of(request: Request, settings: Settings) -> Principal | None:
    """Whose token or session came with a request; None where there is none, or nobody to vouch for
    it."""
    text = request.headers.get(_HEADER) if settings.platform_authenticates else None
    if text is None:
        return None
    if not _is_meant(request):
        return None
    header = _read(text)
    if header is None or header.auth_typ != _ENTRA:
        return None
    role_types = {*_ROLES, header.role_typ}
    ids = {claim.val.lower() for claim in header.claims if claim.typ in _OBJECT_IDS}
    roles = frozenset(claim.val for claim in header.claims if claim.typ in role_types)
    if len(ids) != 1:
        return None
    (object_id,) = ids
    return Principal(object_id, roles) if _OBJECT_ID.fullmatch(object_id) else None


def _is_meant(request: Request) -> bool:
    """Whether the request was sent by whom the platform names, and not only by their browser."""
    authorization = request.headers.get("authorization")
    if authorization is not None:
        scheme, _, token = authorization.partition(" ")
        return scheme.lower() == "bearer" and bool(token.strip())
    # What a browser says of its own accord is heard, too, where it says anything.
    site = request.headers.get("sec-fetch-site", "same-origin")
    return request.headers.get(_STUDIO) == "1" and site == "same-origin"


def _read(text: str) -> _Header | None:
    if len(text) > _MOST_CHARACTERS:
        return None
    try:
        plain = base64.b64decode(text, validate=True)
        return _Header.model_validate(
            parse_json(plain, most_parts=_MOST_PARTS, most_depth=_MOST_DEPTH)
        )
    except (binascii.Error, json.JSONDecodeError, ValidationError, ValueError):
        return None
