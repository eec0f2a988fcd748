"""Keys of two parts, of which one signs: ``access:secret``.

A token for each request names the access key and is signed with the secret one (HS256, RFC 7519),
so that the secret never leaves the app.
"""

from __future__ import annotations

import time

import jwt

from dailies.providers.key_auth import BearerKeyAuth

__all__ = ["SignedKeyAuth"]

_TOKEN_SECONDS = 1800
_EARLIER = 5
"""Seconds by which a token is valid before it is made, for a clock that is behind ours."""


class SignedKeyAuth(BearerKeyAuth):
    """``Authorization: Bearer`` with a token that is good for half an hour.

    A key without a colon is sent as it is: gateways that speak such a protocol give such ones.
    """

    def _token(self) -> str:
        key = self._key.get_secret_value()
        access, _, secret = key.partition(":")
        if not (access and secret):
            return key
        now = int(time.time())
        claims = {"iss": access, "exp": now + _TOKEN_SECONDS, "nbf": now - _EARLIER}
        return jwt.encode(claims, secret, algorithm="HS256")
