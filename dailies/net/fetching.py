"""Reference images that a caller names by URL.

The host is resolved once, every address that it has is checked, and the connection goes to a
checked address itself, while TLS still proves the name: a DNS answer that changes in between leads
nowhere. Redirects are followed by hand, each one checked in the same way.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from functools import cached_property
from ipaddress import ip_address

import httpx

from dailies.net.addresses import Address, is_public, resolve_host
from dailies.net.numerals import whole_number
from dailies.video.errors import InvalidRequest

__all__ = ["REDIRECTS", "ReferenceFetcher", "send_pinned"]

Resolve = Callable[[str, int], Awaitable[Sequence[Address]]]

_MAX_REDIRECTS = 3
_MAX_URL_CHARACTERS = 8192
_MAX_ADDRESSES = 4
REDIRECTS = frozenset({301, 302, 303, 307, 308})
_TIMEOUT = httpx.Timeout(10, connect=5)
_HEADERS = {
    "Accept": "image/jpeg, image/png, image/webp, image/avif;q=0.8, image/heic;q=0.8",
    # Compression of the transfer gains nothing on images and could hide any size.
    "Accept-Encoding": "identity",
    "User-Agent": "dailies",
}


class ReferenceFetcher:
    """Gets the bytes behind an ``image_url``, from the public internet by https.

    Holds no connections; one object serves any number of concurrent calls.

    Args:
        max_bytes: the most that is read.
        total_seconds: for everything: name lookup, redirects, body.
        ports: the ports that a URL may name.
        resolve: gives all addresses of a host; raises OSError.
        is_allowed: decides on each address. For tests only; leave it alone elsewhere.
        tls: the certificates to trust; None for those of certifi.
    """

    def __init__(
        self,
        *,
        max_bytes: int,
        total_seconds: float = 30,
        ports: Collection[int] = (443,),
        resolve: Resolve = resolve_host,
        is_allowed: Callable[[Address], bool] = is_public,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._max_bytes = max_bytes
        self._total_seconds = total_seconds
        self._ports = frozenset(ports)
        self._resolve = resolve
        self._is_allowed = is_allowed
        self._given_tls = tls

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return self._given_tls or httpx.create_ssl_context(trust_env=False)

    def check(self, url: str) -> None:
        """What can be told of an ``image_url`` without asking anybody.

        Raises:
            InvalidRequest: as ``load``, for what is malformed or can't be allowed.
        """
        parsed = _parse(url)
        self._port(parsed)
        try:
            is_open = self._is_allowed(ip_address(parsed.host))
        except ValueError:
            return
        if not is_open:
            raise _refused("Use an address of the public internet.")

    async def load(self, url: str) -> bytes:
        """The bytes behind an ``image_url``; what they are is for ``fitting`` to say.

        Raises:
            InvalidRequest: for ``input_reference``: the URL is malformed or of another scheme
                (``invalid_image_url``), leads to a place that may not be asked
                (``image_url_not_allowed``), gives no image (``image_url_unreachable``) or too many
                bytes (``image_too_large``). Only the host of the URL appears in messages: paths and
                queries may hold secrets.
        """
        if url[:5].lower() == "data:":
            # Those in base64 became files while the body was read.
            raise _invalid("Expected a data URL of the form 'data:image/png;base64,…'.")
        target = _parse(url)
        try:
            async with asyncio.timeout(self._total_seconds):
                return await self._follow(target)
        except TimeoutError:
            raise _unreachable(
                target.host, f"did not deliver within {self._total_seconds:g} seconds"
            ) from None

    async def _follow(self, url: httpx.URL) -> bytes:
        for _ in range(_MAX_REDIRECTS + 1):
            answer = await self._get(url)
            if isinstance(answer, bytes):
                return answer
            url = answer
        raise _unreachable(url.host, f"redirects more than {_MAX_REDIRECTS} times")

    async def _get(self, url: httpx.URL) -> bytes | httpx.URL:
        """One request; the body, or where it is redirected to."""
        addresses = await self._checked_addresses(url)
        # A client of its own for each request: connections are pooled by address, and one that was
        # proven for one name must not serve another name at the same address.
        async with httpx.AsyncClient(verify=self._tls, trust_env=False, timeout=_TIMEOUT) as client:
            try:
                response = await send_pinned(client, url, addresses, _HEADERS)
                try:
                    return await self._read(url, response)
                finally:
                    await response.aclose()
            except httpx.HTTPError as error:
                raise _unreachable(url.host, _reason(error)) from error

    async def _checked_addresses(self, url: httpx.URL) -> Sequence[Address]:
        host, port = url.raw_host.decode("ascii"), self._port(url)
        try:
            addresses = await self._resolve(host, port)
        except (OSError, UnicodeError):
            addresses = ()
        # The same words for a name that does not exist as for one that leads inside: nobody learns
        # from here which inner names there are.
        if not addresses or not all(self._is_allowed(address) for address in addresses):
            raise _refused(f"The host '{url.host}' has no public address.")
        return addresses[:_MAX_ADDRESSES]

    def _port(self, url: httpx.URL) -> int:
        port = url.port or 443
        if port not in self._ports:
            raise _refused("Only the standard port of https may be used.")
        return port

    async def _read(self, url: httpx.URL, response: httpx.Response) -> bytes | httpx.URL:
        if response.status_code in REDIRECTS and "location" in response.headers:
            return _parse(response.headers["location"], base=url)
        if response.status_code != 200:
            raise _unreachable(url.host, f"answered with HTTP status {response.status_code}")
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            raise _unreachable(url.host, "sent a compressed answer though none was asked for")
        announced = whole_number(response.headers.get("content-length", ""))
        if announced is not None and announced > self._max_bytes:
            raise self._too_large()
        body = bytearray()
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > self._max_bytes:
                raise self._too_large()
        if not body:
            raise _unreachable(url.host, "sent an empty answer")
        return bytes(body)

    def _too_large(self) -> InvalidRequest:
        return _error(
            f"The image has more than {self._max_bytes:,} bytes. Scale it down, or save it as "
            "JPEG.",
            "image_too_large",
        )


async def send_pinned(
    client: httpx.AsyncClient,
    url: httpx.URL,
    addresses: Sequence[Address],
    headers: Mapping[str, str],
    *,
    method: str = "GET",
    content: bytes | None = None,
) -> httpx.Response:
    """Ask the first address that answers; name and certificate stay those of the URL."""
    host = url.raw_host.decode("ascii")
    headers = {**headers, "Host": url.netloc.decode("ascii")}
    for index, address in enumerate(addresses):
        request = client.build_request(
            method,
            url.copy_with(host=str(address), fragment=None),
            headers=headers,
            content=content,
            extensions={"sni_hostname": host},
        )
        try:
            return await client.send(request, stream=True)
        except (httpx.ConnectError, httpx.ConnectTimeout):
            if index + 1 == len(addresses):
                raise
    raise httpx.ConnectError("no address to connect to")


def _parse(url: str, base: httpx.URL | None = None) -> httpx.URL:
    if len(url) > _MAX_URL_CHARACTERS:
        raise _invalid(f"The URL is longer than {_MAX_URL_CHARACTERS:,} characters.")
    try:
        parsed = httpx.URL(url) if base is None else base.join(url)
        host = parsed.host  # decodes an international name, which may fail
    except (httpx.InvalidURL, ValueError):
        raise _invalid("This is no URL.") from None
    if parsed.scheme != "https" or not host:
        where = "" if base is None else " It redirects to something else."
        raise _invalid(f"Use an https:// URL or a data: URL.{where}")
    if parsed.userinfo:
        raise _invalid("The URL must not hold a user name or password.")
    return parsed


def _reason(error: httpx.HTTPError) -> str:
    if isinstance(error.__cause__, ssl.SSLCertVerificationError) or "CERTIFICATE" in str(error):
        return "has no valid certificate for its name"
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
        return "can't be connected to"
    if isinstance(error, httpx.TimeoutException):
        return "stopped answering"
    return "broke off the transfer"


def _error(message: str, code: str) -> InvalidRequest:
    # Whoever asked names the field in the caller's words.
    return InvalidRequest(f"Invalid image URL. {message}", param="input_reference", code=code)


def _invalid(message: str) -> InvalidRequest:
    return _error(message, "invalid_image_url")


def _refused(message: str) -> InvalidRequest:
    return _error(message, "image_url_not_allowed")


def _unreachable(host: str, what: str) -> InvalidRequest:
    return _error(f"The host '{host}' {what}.", "image_url_unreachable")
