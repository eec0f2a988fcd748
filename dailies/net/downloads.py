"""Files that a provider names by links: fetched without credentials, from its own hosts only.

A provider's answer is data from outside: a link in it could lead anywhere that the app reaches. So
each step of the way, redirects included, must be https to one of the provider's hosts, at a public
address; the connection goes to the address that was checked. Only the host of the deployment's own
endpoint, which an operator chose, may be private, and asked by http where the endpoint is.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import httpx

from dailies.net.addresses import Address, is_public, resolve_host
from dailies.net.fetching import REDIRECTS, send_pinned

__all__ = ["Downloads", "UntrustedLink"]

_MAX_REDIRECTS = 3
_MAX_LINK_CHARACTERS = 8192
_TIMEOUT = httpx.Timeout(connect=10, write=60, read=60, pool=30)
_HEADERS = {"Accept-Encoding": "identity", "User-Agent": "dailies"}


class UntrustedLink(Exception):
    """A link leads to a place from which nothing is fetched; the message names its host."""


class Downloads:
    """Fetches files from a provider's hosts. Holds no connections.

    Args:
        hosts: where files may be; the first is the endpoint's own, one with a dot in front stands
            for all names below it.
        plain: the endpoint is asked by http, so its files may be, too; else those that it names by
            http are asked for by https.
        transport: takes the place of the network in tests.
    """

    def __init__(
        self,
        hosts: Sequence[str],
        *,
        plain: bool = False,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._plain = plain
        self._own = hosts[0] if hosts else None
        self._hosts = tuple(hosts)
        self._transport = transport

    @asynccontextmanager
    async def open(self, link: str) -> AsyncIterator[httpx.Response]:
        """The answer behind a link, its body not read yet, whatever its status.

        Raises:
            UntrustedLink: it, or a redirect, leads elsewhere.
            httpx.RequestError: no connection, or it broke.
        """
        url = self._checked(link, None)
        async with httpx.AsyncClient(
            timeout=_TIMEOUT, trust_env=False, transport=self._transport
        ) as client:
            for _ in range(_MAX_REDIRECTS + 1):
                response = await self._send(client, url)
                if response.status_code not in REDIRECTS or "location" not in response.headers:
                    try:
                        yield response
                    finally:
                        await response.aclose()
                    return
                await response.aclose()
                url = self._checked(response.headers["location"], url)
        raise UntrustedLink(f"The link to the file at {url.host} redirects too often.")

    def _checked(self, link: str, base: httpx.URL | None) -> httpx.URL:
        if len(link) > _MAX_LINK_CHARACTERS:
            raise UntrustedLink("The link to the file is too long.")
        try:
            url = httpx.URL(link) if base is None else base.join(link)
            host = url.host
        except (httpx.InvalidURL, ValueError):
            raise UntrustedLink("The link to the file is no URL.") from None
        own = host == self._own
        if own and not self._plain and url.scheme == "http":
            # A server behind a gateway that ends TLS does not know by what it is asked.
            url = url.copy_with(scheme="https", port=None if url.port == 80 else url.port)
        if url.scheme not in (("https", "http") if own else ("https",)) or url.userinfo:
            raise UntrustedLink(f"The link to the file at {host[:80]} is no plain https URL.")
        if not own and not any(_is_below(host, name) for name in self._hosts):
            raise UntrustedLink(f"The link to the file leads to {host[:80]}, not the provider's.")
        return url

    async def _send(self, client: httpx.AsyncClient, url: httpx.URL) -> httpx.Response:
        if self._transport is not None or url.host == self._own:
            request = client.build_request("GET", url, headers=_HEADERS)
            return await client.send(request, stream=True)
        host = url.raw_host.decode("ascii")
        addresses: Sequence[Address]
        try:
            addresses = await resolve_host(host, url.port or 443)
        except (OSError, UnicodeError) as error:
            raise httpx.ConnectError(f"{host} can't be resolved") from error
        if not addresses or not all(map(is_public, addresses)):
            raise UntrustedLink(f"The host {host} of the file has no public address.")
        return await send_pinned(client, url, addresses, _HEADERS)


def _is_below(host: str, name: str) -> bool:
    return host == name or (name.startswith(".") and host.endswith(name))
