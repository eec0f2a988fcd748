"""The App Service identity endpoint, and the check of its tokens at the other services.

Protocol: ``GET {IDENTITY_ENDPOINT}?resource=…&api-version=2019-08-01[&client_id=…]`` with the
secret in ``X-IDENTITY-HEADER`` (learn.microsoft.com, "REST endpoint reference" for managed
identities in App Service). Tokens are JWTs signed with RS256, as Entra's are.
"""

from __future__ import annotations

import hmac
import os
import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from local.services.errors import identity_error
from local.services.settings import Settings

API_VERSION = "2019-08-01"
_TENANT = uuid.UUID("7d1b1c2e-52c0-4ad5-9d3c-2f7c1a6f0001")
_ISSUER = f"https://sts.windows.net/{_TENANT}/"
_SYSTEM_ASSIGNED = uuid.uuid5(_TENANT, "system-assigned")


class InvalidTokenError(Exception):
    """The bearer token is missing, forged, expired or meant for another audience."""


class Tokens:
    """Issues and checks tokens. The key is kept in the state directory, readable by its owner."""

    def __init__(self, state_dir: Path, settings: Settings, now: Callable[[], float]) -> None:
        self._key = _load_or_make_key(state_dir / "token-key.pem")
        self._public = self._key.public_key()
        self._settings = settings
        self._now = now

    def issue(self, resource: str, client_id: str | None) -> dict[str, Any]:
        """The endpoint's answer for ``resource``; ``expires_on`` is Unix seconds as a string."""
        now = int(self._now())
        expires = now + max(1, round(self._settings.token_seconds))
        identity = client_id or str(_SYSTEM_ASSIGNED)
        claims = {
            "aud": resource,
            "iss": _ISSUER,
            "iat": now,
            "nbf": now,
            "exp": expires,
            "appid": identity,
            "oid": str(uuid.uuid5(_TENANT, identity)),
            "sub": str(uuid.uuid5(_TENANT, identity)),
            "tid": str(_TENANT),
            "idtyp": "app",
            "uti": uuid.uuid4().hex,
        }
        return {
            "access_token": jwt.encode(claims, self._key, algorithm="RS256"),
            "expires_on": str(expires),
            "resource": resource,
            "token_type": "Bearer",
            "client_id": identity,
        }

    def check(self, token: str, audience: str) -> Mapping[str, Any]:
        """The claims of a good token.

        Raises:
            InvalidTokenError: the signature, the audience or the time is wrong.
        """
        try:
            # Time is checked below, against the same clock that the token was issued by.
            claims: dict[str, Any] = jwt.decode(
                token,
                self._public,
                algorithms=["RS256"],
                issuer=_ISSUER,
                options={
                    "verify_aud": False,
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                    "require": ["aud", "exp", "iss", "oid"],
                },
            )
        except jwt.InvalidTokenError as exc:
            raise InvalidTokenError(f"the token is no good: {exc}") from exc
        if resource_of(str(claims["aud"])) != resource_of(audience):
            raise InvalidTokenError(f"the token is for {claims['aud']}, not for {audience}")
        if float(claims["exp"]) <= self._now():
            raise InvalidTokenError("the token has expired")
        return claims


class IdentityEndpoint:
    """``GET /identity/token``."""

    def __init__(self, tokens: Tokens, secret: str) -> None:
        self._tokens = tokens
        self._secret = secret
        self._counts: Counter[str] = Counter()
        self._by_resource: Counter[str] = Counter()

    def routes(self) -> list[Route]:
        """The routes of the endpoint."""
        return [Route("/identity/token", self._token, methods=["GET"])]

    def report(self) -> dict[str, Any]:
        """How often a token was asked for, since the process began."""
        return {
            "requests": self._counts["requests"],
            "issued": self._counts["issued"],
            "refused": self._counts["requests"] - self._counts["issued"],
            "by_resource": dict(self._by_resource),
        }

    async def _token(self, request: Request) -> JSONResponse:
        self._counts["requests"] += 1
        given = request.headers.get("x-identity-header")
        if given is None:
            raise identity_error(400, "The X-IDENTITY-HEADER header is missing.")
        if not hmac.compare_digest(given.encode(), self._secret.encode()):
            raise identity_error(401, "The X-IDENTITY-HEADER header is not the expected secret.")
        query = request.query_params
        if query.get("api-version") != API_VERSION:
            raise identity_error(400, f"The api-version must be {API_VERSION}.")
        wanted = query.get("resource") or query.get("scope")
        if not wanted:
            raise identity_error(400, "The resource parameter is missing.")
        client_id = query.get("client_id")
        if client_id is not None and not _is_uuid(client_id):
            raise identity_error(
                400,
                "No User Assigned or Delegated Managed Identity found for specified "
                "ClientId/ResourceId/PrincipalId.",
            )
        resource = wanted.removesuffix("/.default")
        answer = self._tokens.issue(resource, client_id)
        self._counts["issued"] += 1
        self._by_resource[resource] += 1
        return JSONResponse(answer)


def resource_of(audience: str) -> str:
    """A resource without what clients add to it: ``/.default`` and a trailing slash."""
    return audience.removesuffix("/.default").rstrip("/")


def bearer_of(request: Request) -> str | None:
    """The token of the ``Authorization`` header, if it holds one."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None


def _is_uuid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True


def _load_or_make_key(path: Path) -> rsa.RSAPrivateKey:
    if path.exists():
        key = load_pem_private_key(path.read_bytes(), password=None)
        if not isinstance(key, rsa.RSAPrivateKey):
            raise TypeError(f"{path} holds no RSA key: remove it and start again")
        return key
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    unfinished = path.with_suffix(".part")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(pem)
    unfinished.replace(path)
    return key
