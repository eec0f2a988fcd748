"""Keys, as providers take them: in a header of each request."""

from __future__ import annotations

from collections.abc import Generator
from typing import ClassVar

import httpx
from pydantic import SecretStr

__all__ = ["ApiKeyAuth", "BearerKeyAuth", "HeaderKeyAuth"]


class HeaderKeyAuth(httpx.Auth):
    """A key in ``header``, behind ``prefix``."""

    header: ClassVar[str] = "Authorization"
    prefix: ClassVar[str] = ""

    def __init__(self, key: SecretStr) -> None:
        self._key = key

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response]:
        """See ``httpx.Auth.auth_flow``."""
        request.headers[self.header] = f"{self.prefix}{self._token()}"
        yield request

    def _token(self) -> str:
        return self._key.get_secret_value()


class BearerKeyAuth(HeaderKeyAuth):
    """``Authorization: Bearer`` with a key, as most providers outside Azure take it."""

    prefix = "Bearer "


class ApiKeyAuth(HeaderKeyAuth):
    """The header ``api-key``: the exception that a user must choose."""

    header = "api-key"
