"""What tests of the adapters for living providers have in common."""

from __future__ import annotations

from urllib.parse import urlsplit

from dailies.providers.classify import CallContext
from dailies.providers.declaration import Provider

__all__ = ["context_of"]


def context_of(provider: Provider, url: str, model: str) -> CallContext:
    """What messages tell about calls to a deployment of the provider."""
    return CallContext(
        urlsplit(url).netloc,
        model,
        answers=provider.answers,
        remedies={help_.code: help_.remedy for help_ in provider.helps},
        kept_seconds=provider.kept_seconds,
    )
