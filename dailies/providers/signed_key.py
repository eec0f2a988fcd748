"""Keys of two parts, of which one signs: ``access:secret``.

A token for each request names the access key and is signed with the secret one (HS256, RFC 7519),
so that the secret never leaves the app.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator

import httpx
import jwt
from pydantic import SecretStr

__all__ = ["SignedKeyAuth"]

_TOKEN_SECONDS = 1800
_EARLIER = 5
"""Seconds by which a token is valid before it is made, for a clock that is behind ours."""


class SignedKeyAuth(httpx.Auth):
    """``Authorization: Bearer`` with a token that is good for half an hour.

    A key without a colon is sent as it is: gateways that speak such a protocol give such ones.
    """

    def __init__(self, key: SecretStr) -> None:
        self._key = key

    async def async_auth_flow(
        self, request: httpx.Request
    ) -> AsyncGenerator[httpx.Request, httpx.Response]:
        request.headers["Authorization"] = f"Bearer {self._token()}"
        yield request

    def _token(self) -> str:
        key = self._key.get_secret_value()
        access, _, secret = key.partition(":")
        if not (access and secret):
            return key
        now = int(time.time())
        claims = {"iss": access, "exp": now + _TOKEN_SECONDS, "nbf": now - _EARLIER}
        return jwt.encode(claims, secret, algorithm="HS256")
