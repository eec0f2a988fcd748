"""The catalogue: which models callers may name, and which deployments serve each.

It is read from ``models.yaml``. Names, limits and prices are data of that file, never of the code.
``${NAME}`` and ``${NAME:-default}`` in a value are filled in from the app's settings; a deployment
whose endpoint (or key, or an option that it can't do without) is then empty is left out, so that
one file serves many installations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BeforeValidator, Field, ValidationError

from dailies.catalogue.deployment import Alias, Deployment, Name
from dailies.catalogue.entry import Entry
from dailies.catalogue.environment import UnfilledPlaceholder, fill_in, placeholders
from dailies.catalogue.models import FallbackOn, Model, Routing
from dailies.catalogue.names import Names, Prefixes, key_of
from dailies.catalogue.rules import Credential, FieldProblem, Quota
from dailies.hosts import NO_HOSTS, PrivateHosts
from dailies.video.errors import NotFound, SettingsError

__all__ = [
    "Catalogue",
    "Credential",
    "Deployment",
    "Model",
    "Quota",
]

Check = Callable[[Deployment], tuple[Deployment, Sequence[FieldProblem]]]

_PREFIXES: Prefixes = {"openai": "any", "azure": "any", "azure_ai": "any"}
"""What a file means that says nothing of prefixes: those of the protocol, which LiteLLM's callers
write before any name that speaks it."""


class _RepeatedKey(yaml.YAMLError):
    """A key that a mapping has twice: of which YAML's readers quietly drop the first."""


class _UniqueKeys(yaml.SafeLoader):
    """A reader of YAML to which a repeated key is an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """See ``yaml.SafeLoader``."""
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.tag != "tag:yaml.org,2002:merge":
                if key.value in seen:
                    mark = key.start_mark
                    raise _RepeatedKey(
                        f"line {mark.line + 1}, column {mark.column + 1}: the key '{key.value}' is "
                        "there twice; keep one"
                    )
                seen.add(key.value)
        return super().construct_mapping(node, deep)


def _none_if_empty(value: object) -> object:
    return None if value == "" else value


class _ModelEntry(Entry):
    aliases: tuple[Alias, ...] = ()
    fallbacks: tuple[Alias, ...] = ()
    routing: Routing = Routing.ORDER
    fallback_on: tuple[FallbackOn, ...] = ()
    deployments: tuple[Deployment, ...] = Field(min_length=1)


class _File(Entry):
    default_model: Annotated[Name | None, BeforeValidator(_none_if_empty)]
    default_last: tuple[Alias, ...] = ()
    prefixes: dict[Name, Literal["any"] | tuple[str, ...]] = Field(
        default_factory=lambda: dict(_PREFIXES)
    )
    models: dict[Name, _ModelEntry] = Field(min_length=1)


@dataclass(frozen=True)
class Catalogue:
    """The models on offer. Build it with ``load`` or ``parse``, which check the whole file.

    Attributes:
        models: by name, in the file's order; each has at least one deployment. There may be none:
            an app whose catalogue is still to be filled in runs all the same.
        listed: all models of the file, also those that nothing is configured for here; a model has
            the deployments that are in use, or where there are none, those that would be.
        default_name: of the model that is meant when none is named: what the file says, which may
            be left out here; where it says nothing, one of those on offer.
        providers: the ids of all that the file's deployments have, in use or not.
        left_out: which deployments are not in use here, for want of which setting; a line each.
    """

    models: Mapping[str, Model]
    listed: Mapping[str, Model]
    default_name: str
    providers: frozenset[str]
    left_out: tuple[str, ...]
    _names: Names = field(repr=False)

    @classmethod
    def load(
        cls,
        path: Path,
        environ: Mapping[str, str],
        *,
        check: Check | None = None,
        private_hosts: PrivateHosts = NO_HOSTS,
    ) -> Catalogue:
        """Read the catalogue's file; ``check`` and ``private_hosts`` as for ``parse``.

        Raises:
            SettingsError: the file can't be read or is wrong; each problem names the path in it.
        """
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(
                [f"DAILIES_CATALOGUE: {path} can't be read ({error}); name a UTF-8 YAML file"]
            ) from None
        return cls.parse(text, environ, source=path.name, check=check, private_hosts=private_hosts)

    @classmethod
    def parse(
        cls,
        text: str,
        environ: Mapping[str, str],
        *,
        source: str = "models.yaml",
        check: Check | None = None,
        private_hosts: PrivateHosts = NO_HOSTS,
    ) -> Catalogue:
        """Read a catalogue from YAML.

        Args:
            source: how problems name the file.
            check: completes each deployment by what its provider knows, and tells what is wrong
                with it or not set; without it nothing is known of providers.
            private_hosts: where endpoints may be asked by http.

        Raises:
            SettingsError: as ``load``.
        """
        try:
            raw = yaml.load(text, _UniqueKeys)  # noqa: S506 - a SafeLoader
            file = _File.model_validate(
                fill_in(raw, environ), context={"private_hosts": private_hosts}
            )
        except _RepeatedKey as error:
            raise SettingsError([f"{source}: {error}"]) from None
        except yaml.YAMLError as error:
            raise SettingsError([f"{source}: not valid YAML: {error}"]) from None
        except UnfilledPlaceholder as error:
            raise SettingsError([f"{source}: {error}"]) from None
        except ValidationError as error:
            raise SettingsError(
                [f"{source}: {_where(e['loc'])}: {_what(e)}" for e in error.errors()]
            ) from None
        problems = list(_inconsistencies(file))
        models: dict[str, Model] = {}
        listed: dict[str, Model] = {}
        left_out: list[str] = []
        for name, entry in file.models.items():
            offered: list[Deployment] = []
            known: list[Deployment] = []
            for place, given in enumerate(entry.deployments):
                deployment, found = check(given) if check else (given, ())
                where = f"models.{name}.deployments[{place}]"
                problems += [f"{where}.{p.field}: {p.message}" for p in found if not p.is_unset]
                unset = [*deployment.unset, *(p.field for p in found if p.is_unset)]
                entered = raw["models"][name]["deployments"][place]
                left_out += [_left_out(where, field, entered) for field in unset]
                known.append(deployment)
                if not unset:
                    offered.append(deployment)
            listed[name] = Model(
                name,
                tuple(offered or known),
                aliases=entry.aliases,
                fallbacks=entry.fallbacks,
                routing=entry.routing,
                fallback_on=entry.fallback_on,
            )
            if offered:
                models[name] = listed[name]
        if problems:
            raise SettingsError([f"{source}: {problem}" for problem in problems])
        written = {name: entry.deployments for name, entry in file.models.items()}
        names = Names(listed.values(), written, file.prefixes)
        providers = frozenset(d.provider for given in written.values() for d in given)
        told = tuple(f"{source}: {line}" for line in left_out)
        default = file.default_model or _default_of(models or listed, file.default_last)
        return cls(models, listed, default, providers, told, names)

    def resolve(self, name: str | None) -> Model:
        """The model that a caller means by ``name``: its name or an alias, in any case, also with
        a prefix that the file knows (``openai/``); None is the default model.

        Raises:
            NotFound: nothing on offer has that name; told as Azure tells it, unless the model is
                only left out.
        """
        name = self.default_name if name is None else name
        found = self.find(name)
        if found is None:
            # Azure's words: on Azure the model of a request is the name of a deployment.
            raise NotFound(
                f"The API deployment '{name[:64]}' for this resource does not exist. If you "
                "created the deployment within the last 5 minutes, please wait a moment and try "
                f"again.{self.hint(name)}",
                param="model",
                code="DeploymentNotFound",
                type="video_generation_user_error",
            )
        model = self.models.get(found.name)
        if model is None:
            raise NotFound(
                f"The model '{name[:64]}' is not offered here at present: this service has not "
                f"been set up for it. Offered are: {', '.join(self.models) or 'none so far'}.",
                param="model",
                code="DeploymentNotFound",
                type="video_generation_user_error",
            )
        return model

    def find(self, name: str) -> Model | None:
        """The model of the file that a name stands for, also one that is not on offer."""
        return self._names.find(name)

    def hint(self, name: str) -> str:
        """Which models somebody may have meant by a name that there is not, as a sentence with a
        space before it."""
        near = self._names.nearest(name, self.models.values())
        if not near:
            return " GET /v1/models lists the models that there are."
        return f" Did you mean {' or '.join(repr(other) for other in near)}?"

    def deployment(self, name: str) -> Deployment | None:
        """The deployment that a record refers to, or None when the catalogue no longer has it."""
        return next((d for d in self.deployments if d.name == name), None)

    @property
    def deployments(self) -> Sequence[Deployment]:
        """Every deployment on offer, in the file's order."""
        return [d for model in self.models.values() for d in model.deployments]

    def lineage(self, model: Model) -> Sequence[Model]:
        """The model, its fallbacks and theirs, as far as they are on offer; each once."""
        found: dict[str, Model] = {}
        waiting = [model.name]
        while waiting:
            current = self.models.get(waiting.pop(0))
            if current is None or current.name in found:
                continue
            found[current.name] = current
            fallbacks = map(self.find, current.fallbacks)
            waiting.extend(fallback.name for fallback in fallbacks if fallback is not None)
        return list(found.values())


def _default_of(names: Iterable[str], last: Sequence[str]) -> str:
    """The first that is not to be taken ``last``, else the first."""
    in_order = list(names)
    return next((name for name in in_order if name not in last), in_order[0])


def _left_out(where: str, field: str, entry: Any) -> str:
    """A line about a field that is not set, with the settings that fill it in."""
    node = entry
    for key in field.split("."):
        node = node.get(key) if isinstance(node, dict) else None
    names = ", ".join(sorted(placeholders(node))) if isinstance(node, str) else ""
    return f"{where}.{field} is not set{f' (set {names})' if names else ''}; it is left out"


def _inconsistencies(file: _File) -> Iterable[str]:
    """What is wrong between the entries, each line with its path and remedy."""
    owners: dict[str, str] = {}
    for name, entry in file.models.items():
        for known in (name, *entry.aliases):
            other = owners.setdefault(key_of(known), name)
            if other != name:
                yield f"models.{name}: '{known}' already names '{other}'; names must differ"
    deployments: set[str] = set()
    for name, entry in file.models.items():
        for place, deployment in enumerate(entry.deployments):
            if deployment.name in deployments:
                yield (
                    f"models.{name}.deployments[{place}].name: '{deployment.name}' is taken; "
                    "records refer to deployments by name, so give each its own"
                )
            deployments.add(deployment.name)
        for place, fallback in enumerate(entry.fallbacks):
            if key_of(fallback) not in owners:
                yield f"models.{name}.fallbacks[{place}]: there is no model '{fallback}'"
    for place, name in enumerate(file.default_last):
        if name not in file.models:
            yield f"default_last[{place}]: there is no model '{name}'"
    if file.default_model is not None and file.default_model not in file.models:
        yield f"default_model: there is no model '{file.default_model}'"


def _where(loc: Sequence[Any]) -> str:
    """``models.sora-2.deployments[0].sizes``."""
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc)
    return path.lstrip(".") or "(top)"


def _what(detail: Any) -> str:
    return str(detail["msg"]).removeprefix("Value error, ")
