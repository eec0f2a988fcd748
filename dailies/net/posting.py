"""Calls to addresses that callers choose: webhooks.

As for images that they name (``dailies.net.fetching``), the host is resolved once a call, every
address that it has must be a public one, and the connection goes to a checked address itself.
Redirects are not followed, and of the answer nothing is kept but its status.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from ipaddress import ip_address

import httpx

from dailies.hosts import NO_HOSTS, PrivateHosts
from dailies.net.addresses import Address, is_public, resolve_host
from dailies.net.fetching import Resolve, send_pinned
from dailies.net.pauses import retry_after
from dailies.video.errors import InvalidRequest

__all__ = ["Posted", "WebhookPoster"]

_MAX_URL_CHARACTERS = 2048
_MAX_ADDRESSES = 4
_MAX_ANSWER_BYTES = 4096
_PORTS = frozenset({443, 8443})
_SECONDS = 15.0
"""For everything: name lookup, connection, answer."""
_ENDING_SECONDS = 2.0
_FIELD = "webhook_url"


@dataclass(frozen=True, slots=True)
class Posted:
    """What became of a call: the receiver's status, or the code of what went wrong; ``seconds`` is
    how long it took, ``retry_after`` for how many the receiver wants no other."""

    seconds: float
    status: int | None = None
    fault: str | None = None
    retry_after: float | None = None

    @property
    def is_down(self) -> bool:
        """Whether nobody is there, or is there for us at the moment."""
        return self.status in (None, 429, 502, 503, 504)


class _Fault(Exception):
    """Why there is no answer; its text is the code."""


class WebhookPoster:
    """Sends to webhooks, on the public internet by https.

    Args:
        private_hosts: hosts of the operator's own network, which may be sent to as well, at any
            port and by http.
        total_seconds: for one call.
        resolve: gives all addresses of a host; raises OSError.
        is_allowed: decides on each address. For tests only; leave it alone elsewhere.
        tls: the certificates to trust; None for those of certifi.
        timer: gives seconds.
    """

    def __init__(
        self,
        *,
        private_hosts: PrivateHosts = NO_HOSTS,
        total_seconds: float = _SECONDS,
        resolve: Resolve = resolve_host,
        is_allowed: Callable[[Address], bool] = is_public,
        tls: ssl.SSLContext | None = None,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._private_hosts = private_hosts
        self._total_seconds = total_seconds
        self._resolve = resolve
        self._is_allowed = is_allowed
        self._given_tls = tls
        self._timer = timer

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return self._given_tls or httpx.create_ssl_context(trust_env=False)

    def origin(self, url: str) -> str:
        """Scheme, host and port of an address that may be one of a webhook.

        Raises:
            InvalidRequest: it may not. Where a name leads is looked at with each call.
        """
        parsed = self._parse(url)
        return f"{parsed.scheme}://{parsed.raw_host.decode('ascii')}:{_port(parsed)}"

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Posted:
        """Send once; whatever happens is in the answer."""
        begun = self._timer()
        try:
            async with asyncio.timeout(self._total_seconds):
                status, pause = await self._post(self._parse(url), body, headers)
        except (_Fault, InvalidRequest, TimeoutError, httpx.HTTPError) as error:
            return Posted(self._taken(begun), fault=_fault(error))
        return Posted(self._taken(begun), status=status, retry_after=pause)

    def _taken(self, begun: float) -> float:
        return round(self._timer() - begun, 3)

    async def _post(
        self, url: httpx.URL, body: bytes, headers: Mapping[str, str]
    ) -> tuple[int, float | None]:
        addresses = await self._checked_addresses(url)
        # One client for each call, as a connection that was proven for one name must not serve
        # another one at the same address.
        async with httpx.AsyncClient(
            verify=self._tls, trust_env=False, timeout=self._total_seconds
        ) as client:
            response = await send_pinned(
                client, url, addresses, headers, method="POST", content=body
            )
            try:
                await _read_a_little(response)
            finally:
                await response.aclose()
        return response.status_code, retry_after(response.headers)

    async def _checked_addresses(self, url: httpx.URL) -> Sequence[Address]:
        try:
            addresses = await self._resolve(url.raw_host.decode("ascii"), _port(url))
        except (OSError, UnicodeError):
            addresses = ()
        is_private = url.host in self._private_hosts
        # The same word for a name that does not exist as for one that leads inside.
        if not addresses or not (is_private or all(map(self._is_allowed, addresses))):
            raise _Fault("no_public_address")
        return addresses[:_MAX_ADDRESSES]

    def _parse(self, url: str) -> httpx.URL:
        if len(url) > _MAX_URL_CHARACTERS:
            raise _invalid(f"the URL is longer than {_MAX_URL_CHARACTERS:,} characters.")
        try:
            parsed = httpx.URL(url)
            host = parsed.host  # decodes an international name, which may fail
        except (httpx.InvalidURL, ValueError):
            raise _invalid("this is no URL.") from None
        is_private = host in self._private_hosts
        if not host or parsed.scheme not in (("https", "http") if is_private else ("https",)):
            raise _invalid("use an https:// URL.")
        if parsed.userinfo:
            raise _invalid("the URL must not hold a user name or password.")
        if is_private:
            return parsed
        if _port(parsed) not in _PORTS:
            raise _invalid("use port 443 or 8443.")
        try:
            is_open = self._is_allowed(ip_address(host))
        except ValueError:
            is_open = host.rpartition(".")[2] != "localhost"
        if not is_open:
            raise _invalid("use an address of the public internet.")
        return parsed


def _port(url: httpx.URL) -> int:
    return url.port or (443 if url.scheme == "https" else 80)


async def _read_a_little(response: httpx.Response) -> None:
    """Let the receiver end its answer, as far as that is soon and little; it is not kept, and what
    counts is known by now."""
    read = 0
    with suppress(httpx.HTTPError, TimeoutError):
        async with asyncio.timeout(_ENDING_SECONDS):
            async for chunk in response.aiter_raw():
                read += len(chunk)
                if read > _MAX_ANSWER_BYTES:
                    return


def _fault(error: Exception) -> str:
    if isinstance(error, _Fault):
        return str(error)
    if isinstance(error, InvalidRequest):
        return "not_allowed"
    if isinstance(error, TimeoutError | httpx.TimeoutException):
        return "timed_out"
    if isinstance(error.__cause__, ssl.SSLCertVerificationError) or "CERTIFICATE" in str(error):
        return "no_valid_certificate"
    if isinstance(error, httpx.ConnectError):
        return "no_connection"
    return "broke_off"


def _invalid(message: str) -> InvalidRequest:
    return InvalidRequest(
        f"Invalid '{_FIELD}': {message}", param=_FIELD, code="invalid_webhook_url"
    )
