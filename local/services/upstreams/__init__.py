"""The simulated providers beside Sora, each in one module of this package.

A module declares its ``Upstream``; it is then served below ``/upstreams/{name}``, and the app of
the stack gets its ``settings``. Nothing else knows its name.
"""

from __future__ import annotations

import hashlib
import importlib
import pkgutil

from local.services.upstreams.base import Upstream

__all__ = ["key_of", "known_upstreams", "upstream_settings"]


def known_upstreams() -> list[type[Upstream]]:
    """The upstreams of all modules here, in the order of their names."""
    found = [
        upstream
        for module in pkgutil.iter_modules(__path__)
        if (upstream := _declared(module.name)) is not None
    ]
    return sorted(found, key=lambda upstream: upstream.name)


def upstream_settings(url: str, key: str) -> dict[str, str]:
    """What the app must be set to so that it finds them at the services' ``url``."""
    return {
        name: value.format(url=f"{url}/upstreams/{upstream.name}", key=key)
        for upstream in known_upstreams()
        for name, value in upstream.settings.items()
    }


def key_of(secret: str) -> str:
    """The key that all of them take, made of a secret of the stack's."""
    return f"upstream-{hashlib.sha256(f'upstreams {secret}'.encode()).hexdigest()[:40]}"


def _declared(name: str) -> type[Upstream] | None:
    module = importlib.import_module(f"{__name__}.{name}")
    upstream = getattr(module, "UPSTREAM", None)
    return upstream if isinstance(upstream, type) and issubclass(upstream, Upstream) else None
