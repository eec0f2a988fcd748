"""From the catalogue's deployments to adapters: the one place that knows every provider's id."""

from __future__ import annotations

from collections.abc import Callable

import httpx

from dailies.catalogue import Catalogue, Deployment
from dailies.catalogue.deployment import AZURE_SORA_1
from dailies.providers.azure_auth import ApiKeyAuth, EntraAuth, TokenCredential, Tokens
from dailies.providers.azure_sora_1 import AzureSora1
from dailies.providers.base import VideoProvider
from dailies.providers.listing import Names
from dailies.providers.openai_videos import AZURE_SORA_2, Dialect, OpenAIVideos
from dailies.video.errors import SettingsError

__all__ = ["DIALECTS", "PROVIDERS", "Providers"]

DIALECTS: dict[str, Dialect] = {"azure-sora-2": AZURE_SORA_2}
"""The ``provider`` ids of the catalogue that speak OpenAI's videos protocol, and how."""

PROVIDERS = (*DIALECTS, AZURE_SORA_1)
"""All ``provider`` ids of the catalogue."""

_TIMEOUT = httpx.Timeout(connect=10, write=60, read=60, pool=30)
"""Seconds for each phase; ``read`` is for each piece of an answer, not for the whole."""

_LIMITS = httpx.Limits(max_connections=100, max_keepalive_connections=20, keepalive_expiry=20)
"""Idle connections are dropped well before Azure's side does it: a create on a connection that is
just being closed has an unknown outcome."""


class Providers:
    """The adapters of a catalogue. Deployments of one endpoint share connections, and all share
    one token. Belongs to one event loop; ``close`` it at the end."""

    def __init__(
        self,
        catalogue: Catalogue,
        credential: Callable[[], TokenCredential],
        *,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Check that every deployment's provider is known; connect to nothing yet.

        Args:
            credential: gives the app's identity; only called when a deployment needs it.
            transport: takes the place of the network in tests.

        Raises:
            SettingsError: a deployment names a provider that does not exist.
        """
        problems = [
            f"deployment '{d.name}': there is no provider '{d.provider}'; "
            f"known are: {', '.join(PROVIDERS)}"
            for d in catalogue.deployments
            if d.provider not in PROVIDERS
        ]
        if problems:
            raise SettingsError(problems)
        self._catalogue = catalogue
        self._credential = credential
        self._transport = transport
        self._tokens: Tokens | None = None
        self._clients: dict[str, httpx.AsyncClient] = {}
        self._adapters: dict[str, VideoProvider] = {}

    def adapter(self, deployment: Deployment) -> VideoProvider:
        """The adapter that speaks to ``deployment``; always the same one."""
        if deployment.name not in self._adapters:
            self._adapters[deployment.name] = self._build(deployment)
        return self._adapters[deployment.name]

    async def close(self) -> None:
        """Close all connections. The credential belongs to whoever gave it."""
        self._adapters.clear()
        clients, self._clients = self._clients, {}
        for client in clients.values():
            await client.aclose()

    def _build(self, deployment: Deployment) -> VideoProvider:
        endpoint = deployment.endpoint
        if endpoint is None:
            raise SettingsError([f"deployment '{deployment.name}': its endpoint is not set"])
        if endpoint not in self._clients:
            self._clients[endpoint] = httpx.AsyncClient(
                timeout=_TIMEOUT,
                limits=_LIMITS,
                transport=self._transport,
                headers={"User-Agent": "dailies"},
            )
        client, auth = self._clients[endpoint], self._auth(deployment)
        names = self._names(deployment)
        if deployment.is_sora_1:
            return AzureSora1(client, endpoint, deployment.deployment, auth, names=names)
        dialect = DIALECTS[deployment.provider]
        return OpenAIVideos(
            client, endpoint, deployment.deployment, auth, dialect=dialect, names=names
        )

    def _auth(self, deployment: Deployment) -> httpx.Auth:
        if deployment.secret is not None:
            return ApiKeyAuth(deployment.secret)
        if self._tokens is None:
            self._tokens = Tokens(self._credential())
        return EntraAuth(self._tokens)

    def _names(self, deployment: Deployment) -> Names:
        """Tell the deployment's model from the others at its endpoint."""
        own: set[str] = set()
        others: set[str] = set()
        for model in self._catalogue.models.values():
            for peer in model.deployments:
                if peer.endpoint != deployment.endpoint:
                    continue
                names = {peer.deployment, model.name, *peer.upstream_models}
                (own if peer.name == deployment.name else others).update(names)
        return Names(frozenset(own), frozenset(others - own))
