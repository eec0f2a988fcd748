"""Hosts of the operator's own network, which may be asked by plain http."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

__all__ = ["NO_HOSTS", "PrivateHosts"]

_NAME = re.compile(r"(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]{0,62})(?:\.[a-z0-9_][a-z0-9_-]{0,62})*")


@dataclass(frozen=True, slots=True)
class PrivateHosts:
    """Hosts by name, and by the networks of their addresses."""

    names: frozenset[str] = frozenset()
    networks: tuple[IPv4Network | IPv6Network, ...] = ()

    @classmethod
    def parse(cls, text: str) -> PrivateHosts:
        """Read ``gpu-1.internal, 10.1.0.0/16, fd00::7``.

        Raises:
            ValueError: a part is neither, or an address of the public internet: what goes there
                by http, everybody on the way can read.
        """
        names: set[str] = set()
        networks: list[IPv4Network | IPv6Network] = []
        for part in filter(None, (piece.strip().lower() for piece in text.split(","))):
            try:
                network = ip_network(part, strict=False)
            except ValueError:
                if not _NAME.fullmatch(part):
                    raise ValueError(
                        f"{part[:64]!r} is no host; name hosts ('gpu-1.internal'), addresses "
                        "('10.0.0.4') or networks ('10.0.0.0/16'), comma-separated"
                    ) from None
                names.add(part)
                continue
            if network.is_global:
                raise ValueError(f"{part!r} is not private; reach it by an https:// URL")
            networks.append(network)
        return cls(frozenset(names), tuple(networks))

    def __contains__(self, host: object) -> bool:
        """Whether a URL's host is one of them; a name is not looked up."""
        try:
            address = ip_address(str(host))
        except ValueError:
            return str(host).lower() in self.names
        return any(address in network for network in self.networks)


NO_HOSTS = PrivateHosts()
