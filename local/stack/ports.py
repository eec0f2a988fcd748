"""Ports that stay the same for as long as they are free.

Azurite's account urls, links in records and the urls of running orchestrations hold port numbers,
so a restarted stack takes those it had. New ones lie below the range from which the kernel takes
the ports of outgoing connections: a part that was killed finds its port free when it comes back.
"""

from __future__ import annotations

import json
import random
import socket
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from local.stack.errors import StackError
from local.stack.files import write_private

__all__ = ["LOOPBACK", "RANGE", "Ports", "is_free", "pick"]

LOOPBACK = "127.0.0.1"
RANGE = range(15_000, 32_001)
"""From which ports are picked."""
_ATTEMPTS = 500


@dataclass(frozen=True)
class Ports:
    """TCP ports on the loopback interface."""

    host: int
    services: int
    services_tls: int
    azurite_blob: int
    azurite_queue: int
    azurite_table: int

    @classmethod
    def assign(cls, path: Path, *, host_port: int) -> Ports:
        """The ports last used (kept at ``path``) where they are free, others where not.

        Args:
            host_port: the app's port; 0 lets it be picked like the others.

        Raises:
            StackError: when ``host_port`` is taken, or no port is free.
        """
        if host_port and not is_free(host_port):
            raise StackError(
                f"port {host_port} on {LOOPBACK} is already in use: choose another with --port "
                "(--port 0 picks a free one)"
            )
        known = _read(path)
        taken = {host_port} - {0}
        chosen: dict[str, int] = {}
        for field in fields(cls):
            if field.name == "host" and host_port:
                chosen["host"] = host_port
                continue
            port = known.get(field.name, 0)
            if not port or port in taken or not is_free(port):
                port = pick(taken)
            taken.add(port)
            chosen[field.name] = port
        ports = cls(**chosen)
        write_private(path, json.dumps(asdict(ports)) + "\n")
        return ports


def is_free(port: int) -> bool:
    """Whether nothing listens on ``port``; connections that are still closing don't count."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
            probe.listen(1)
        except OSError:
            return False
    return True


def pick(taken: set[int], within: range = RANGE) -> int:
    """A free port that is none of those.

    Raises:
        StackError: none was found.
    """
    for _ in range(_ATTEMPTS):
        port = random.choice(within)
        if port not in taken and is_free(port):
            return port
    raise StackError(f"no free port between {within[0]} and {within[-1]} on {LOOPBACK}")


def _read(path: Path) -> dict[str, int]:
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}  # only a preference is lost
    if not isinstance(stored, dict):
        return {}
    return {str(name): port for name, port in stored.items() if isinstance(port, int)}
