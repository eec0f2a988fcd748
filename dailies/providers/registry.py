"""From the catalogue's deployments to adapters. Every provider is found by its id.

The provider ``my-provider`` is the module ``my_provider`` of ``dailies.providers``, or of a package
that ``DAILIES_PROVIDERS`` names, and what it declares as ``PROVIDER``.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

import httpx

from dailies.catalogue import Catalogue, Deployment
from dailies.catalogue.rules import Credential, FieldProblem
from dailies.net.downloads import Downloads
from dailies.providers.azure_auth import EntraAuth, TokenCredential, Tokens
from dailies.providers.base import Names, VideoProvider
from dailies.providers.declaration import Provider, Recovery
from dailies.providers.wire import Wire
from dailies.video.errors import SettingsError

__all__ = ["PACKAGES", "Providers", "check_deployment", "find_provider", "known_providers"]

PACKAGES = ("dailies.providers",)
"""Where providers are looked for, before those that the settings name."""

_ID = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")

_TIMEOUT = httpx.Timeout(connect=10, write=60, read=60, pool=30)
"""Seconds for each phase; ``read`` is for each piece of an answer, not for the whole."""

_LIMITS = httpx.Limits(max_connections=100, max_keepalive_connections=20, keepalive_expiry=20)
"""Idle connections are dropped well before Azure's side does it: a create on a connection that is
just being closed has an unknown outcome."""


def find_provider(provider_id: str, packages: Sequence[str] = ()) -> Provider | None:
    """The declaration of a provider; None when there is none.

    Args:
        packages: dotted names of packages to look into besides our own.

    Raises:
        SettingsError: a package or the module can't be imported, or its declaration is wrong.
    """
    if not _ID.fullmatch(provider_id):
        return None
    name = provider_id.replace("-", "_")
    for package in (*PACKAGES, *packages):
        if name not in _modules(package):
            continue
        module = f"{package}.{name}"
        try:
            found = getattr(importlib.import_module(module), "PROVIDER", None)
        except ImportError as error:
            raise SettingsError(
                [f"DAILIES_PROVIDERS: {module} can't be imported ({error})"]
            ) from None
        if isinstance(found, Provider):
            if found.id != provider_id or not found.is_sound:
                raise SettingsError(
                    [
                        f"{module}: PROVIDER must have the id '{provider_id}', the recovery "
                        "'listed' exactly when its adapter has 'find_submitted' (or 'keyed'), and "
                        "'called-back' only when it has 'called_back'"
                    ]
                )
            return found
    return None


def known_providers(packages: Sequence[str] = ()) -> list[str]:
    """The ids of all providers, in order.

    Raises:
        SettingsError: as ``find_provider``.
    """
    names = {name.replace("_", "-") for p in (*PACKAGES, *packages) for name in _modules(p)}
    return sorted(name for name in names if find_provider(name, packages) is not None)


def _modules(package: str) -> set[str]:
    try:
        path = getattr(importlib.import_module(package), "__path__", ())
    except (ImportError, ValueError) as error:  # ValueError: an empty name between two dots
        raise SettingsError(
            [f"DAILIES_PROVIDERS: '{package}' can't be imported ({error}); name a Python package"]
        ) from None
    return {module.name for module in pkgutil.iter_modules(path)}


def check_deployment(
    packages: Sequence[str] = (),
) -> Callable[[Deployment], tuple[Deployment, Sequence[FieldProblem]]]:
    """What the catalogue asks about each deployment: see ``Catalogue.parse``.

    Raises:
        SettingsError: a package can't be imported; so does what is returned.
    """
    for package in packages:
        _modules(package)

    def check(deployment: Deployment) -> tuple[Deployment, Sequence[FieldProblem]]:
        provider = find_provider(deployment.provider, packages)
        if provider is None:
            known = ", ".join(known_providers(packages))
            why = f"there is no provider '{deployment.provider}'; known are: {known}"
            return deployment, [FieldProblem("provider", why)]
        return provider.complete(deployment), list(provider.problems(deployment))

    return check


class Providers:
    """The adapters of a catalogue. Deployments of one endpoint share connections, and all share
    one token for each scope. Belongs to one event loop; ``close`` it at the end."""

    def __init__(
        self,
        catalogue: Catalogue,
        credential: Callable[[], TokenCredential],
        *,
        packages: Sequence[str] = (),
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Connect to nothing yet.

        Args:
            credential: gives the app's identity; only called when a deployment needs it.
            packages: where providers are looked for besides our own package.
            transport: takes the place of the network in tests.
        """
        self._catalogue = catalogue
        self._credential = credential
        self._packages = packages
        self._transport = transport
        self._tokens: dict[str, Tokens] = {}
        self._clients: dict[str, httpx.AsyncClient] = {}
        self._adapters: dict[str, VideoProvider] = {}
        self._found: dict[str, Provider] = {}

    def adapter(self, deployment: Deployment) -> VideoProvider:
        """The adapter that speaks to ``deployment``; always the same one."""
        if deployment.name not in self._adapters:
            self._adapters[deployment.name] = self._build(deployment)
        return self._adapters[deployment.name]

    def recovery(self, deployment: Deployment) -> Recovery:
        """How an unknown outcome of a create can be cleared up there."""
        return self._declared(deployment).recovery

    def calls_back(self, deployment: Deployment) -> bool:
        """Whether the provider calls an address of ours about its jobs."""
        return self._declared(deployment).calls_back

    async def close(self) -> None:
        """Close all connections. The credential belongs to whoever gave it."""
        self._adapters.clear()
        clients, self._clients = self._clients, {}
        for client in clients.values():
            await client.aclose()

    def _build(self, deployment: Deployment) -> VideoProvider:
        provider, endpoint = self._declared(deployment), deployment.endpoint
        if endpoint is None:
            raise SettingsError([f"deployment '{deployment.name}': its endpoint is not there"])
        if endpoint not in self._clients:
            self._clients[endpoint] = httpx.AsyncClient(
                timeout=_TIMEOUT,
                limits=_LIMITS,
                transport=self._transport,
                headers={"User-Agent": "dailies"},
            )
        address = urlsplit(endpoint)
        options = provider.options_of(deployment)
        hosts = (address.hostname or "", *provider.hosts, *options.download_hosts)
        plain = address.scheme == "http"
        wire = Wire(
            self._clients[endpoint],
            self._auth(provider, deployment),
            provider.context(deployment),
            url=endpoint,
            names=self._names(deployment),
            options=options,
            downloads=Downloads(hosts, plain=plain, transport=self._transport),
        )
        return provider.adapter(wire)

    def _declared(self, deployment: Deployment) -> Provider:
        # Finding one lists folders, and this is asked for each look at a video that runs.
        provider = self._found.get(deployment.provider)
        if provider is None:
            provider = find_provider(deployment.provider, self._packages)
        if provider is None:
            raise SettingsError([f"deployment '{deployment.name}': its provider is not there"])
        self._found[deployment.provider] = provider
        return provider

    def _auth(self, provider: Provider, deployment: Deployment) -> httpx.Auth:
        bearer = deployment.credential is Credential.BEARER
        key_auth = provider.bearer_auth if bearer else provider.key_auth
        if deployment.secret is not None and key_auth is not None:
            return key_auth(deployment.secret)
        scope = provider.token_scope
        if deployment.credential is not Credential.ENTRA:
            return httpx.Auth()
        if provider.auth is not None:
            return provider.auth(provider.options_of(deployment), self._credential)
        if scope is None:
            return httpx.Auth()
        if scope not in self._tokens:
            self._tokens[scope] = Tokens(self._credential(), scope)
        return EntraAuth(self._tokens[scope])

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
