"""Which model a name means: its own, an alias, or either with a prefix before a slash.

Callers of LiteLLM write a provider's name before a model's (``gemini/veo-3.1``). Which prefixes
there are, and which providers each stands for, is data of the catalogue's file: a prefix that
stands for providers leads to their models only, by our names or by the provider's own.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal

from dailies.catalogue.deployment import Deployment
from dailies.catalogue.models import Model

__all__ = ["Names", "Prefixes", "key_of"]

Prefixes = Mapping[str, Literal["any"] | tuple[str, ...]]
"""The providers that each prefix stands for; ``any``: it says nothing of the provider."""

_LONGEST = 64
_MOST_NEAR = 3
_SHORTEST_FAMILY = 3


def key_of(name: str) -> str:
    """A name as it is looked up: in any case."""
    return name.strip().lower()


class Names:
    """The names of a catalogue.

    Args:
        models: those of the file, whether on offer or not.
        deployments: of each model's name, all that the file has, in use or not.
    """

    def __init__(
        self,
        models: Iterable[Model],
        deployments: Mapping[str, Sequence[Deployment]],
        prefixes: Prefixes,
    ) -> None:
        self._models = {key_of(known): model for model in models for known in _names_of(model)}
        self._prefixes: dict[str, Mapping[str, Model]] = {}
        for prefix, providers in prefixes.items():
            own: Mapping[str, Model] = self._models
            if providers != "any":
                own = _models_of(frozenset(providers), own, deployments)
            self._prefixes[key_of(prefix)] = own

    def find(self, name: str) -> Model | None:
        """The model of that name, on offer or not; the whole name comes before one in it."""
        key = key_of(name)
        if key in self._models:
            return self._models[key]
        prefix, _, rest = key.partition("/")
        return self._prefixes.get(prefix, {}).get(rest)

    def nearest(self, name: str, models: Iterable[Model]) -> list[str]:
        """The names of a few of the ``models`` that ``name`` begins, or that are spelt much like
        it."""
        near = {key_of(known): known for model in models for known in _names_of(model)}
        key = key_of(name)[: 2 * _LONGEST]
        prefix, _, rest = key.partition("/")
        wanted = rest if prefix in self._prefixes and rest else key
        # A family's name alone (``grok``) is too short to be spelt like any of its models.
        begun = [known for known in near if known.startswith(wanted)]
        found = begun if len(wanted) >= _SHORTEST_FAMILY else []
        found = found or difflib.get_close_matches(wanted[:_LONGEST], near, n=_MOST_NEAR)
        return [near[key] for key in found[:_MOST_NEAR]]


def _names_of(model: Model) -> Iterator[str]:
    yield model.name
    yield from model.aliases


def _models_of(
    providers: frozenset[str],
    models: Mapping[str, Model],
    deployments: Mapping[str, Sequence[Deployment]],
) -> Mapping[str, Model]:
    """The models that these providers make, by our names first, then by the providers' own."""
    found: dict[str, Model] = {}
    upstream: dict[str, Model] = {}
    for key, model in models.items():
        made = [d for d in deployments[model.name] if d.provider in providers]
        if not made:
            continue
        found[key] = model
        for deployment in made:
            for name in (deployment.deployment, *deployment.upstream_models):
                upstream.setdefault(key_of(name), model)
    return {**upstream, **found}
