"""Which addresses may be asked for a caller's image: public ones, and nothing of the platform's.

A caller chooses the URL and the app sits inside a network, so without this check it would read for
strangers what only the app may reach (server-side request forgery).
"""

from __future__ import annotations

import functools
import socket
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from dailies.threads import Pool

__all__ = ["Address", "is_public", "resolve_host"]

Address = IPv4Address | IPv6Address

# The virtual address of Azure's own platform services (DNS, agent, health probes). It is from a
# public range, yet answers only inside:
# https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16
_PLATFORM = IPv4Address("168.63.129.16")

# Ranges that carry an IPv4 address inside (RFC 6052, RFC 8215): a way around a check of IPv4.
_TRANSLATED = (ip_network("64:ff9b::/96"), ip_network("64:ff9b:1::/48"))


def is_public(address: Address) -> bool:
    """Whether the address belongs to the public internet.

    Not so: private, loopback, link-local (the identity and metadata endpoints), shared, multicast,
    reserved and documentation ranges, Azure's platform address, and IPv6 forms that stand for an
    IPv4 address, except mapped ones of public addresses.
    """
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        if address.sixtofour is not None or address.teredo is not None or address.is_site_local:
            return False
        if any(address in network for network in _TRANSLATED):
            return False
    return (
        address.is_global
        and not (address.is_multicast or address.is_reserved or address.is_unspecified)
        and address != _PLATFORM
    )


@functools.cache
def _threads() -> Pool:
    """For names that callers choose: the loop's own threads resolve those of storage and providers,
    and must not wait behind a name that no server answers for."""
    return Pool("resolve", threads=4, seconds=10)


async def resolve_host(host: str, port: int) -> Sequence[Address]:
    """All addresses of a host (a name, or an address in any notation), without duplicates.

    IPv4 comes first, because apps on Azure Functions seldom have a way out by IPv6.

    Raises:
        OSError: the name can't be resolved, or not in time (``TimeoutError``).
        UnicodeError: it is not ASCII.
    """
    # As bytes: a text would be encoded as an international name first, which it is already.
    name = host.encode("ascii")
    found = await _threads().run(lambda: socket.getaddrinfo(name, port, type=socket.SOCK_STREAM))
    texts = dict.fromkeys(str(sockaddr[0]).partition("%")[0] for *_, sockaddr in found)
    return sorted((ip_address(text) for text in texts), key=lambda address: address.version)
