"""The catalogue: which models callers may name, and which deployments serve each.

It is read from ``models.yaml``. Names, limits and prices are data of that file, never of the code.
``${NAME}`` and ``${NAME:-default}`` in a value are filled in from the app's settings; a deployment
whose endpoint is then empty is left out, so that one file serves many installations.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Self, TypeVar

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)

from dailies.environment import UnfilledPlaceholder, fill_in
from dailies.errors import InvalidRequest, SettingsError
from dailies.settings import Endpoint, OptionalSecret
from dailies.videos import Operation, Size, Variant

__all__ = [
    "Catalogue",
    "Credential",
    "Deployment",
    "Model",
    "Quota",
    "ReferenceRules",
]

T = TypeVar("T")

_DEFAULT_PRICE = "default"
_VENDOR_PREFIXES = ("openai/", "azure/", "azure_ai/")

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")]
"""Also a part of entity keys and table keys, hence no ``@``, ``/``, ``\\``, ``#`` or ``?``."""


def _parse_size(value: object) -> object:
    return Size.parse(value) if isinstance(value, str) else value


PictureSize = Annotated[Size, BeforeValidator(_parse_size)]
Price = Annotated[float, Field(ge=0, le=1000, allow_inf_nan=False)]


class Credential(StrEnum):
    """How the app proves itself to a deployment."""

    ENTRA = "entra"
    API_KEY = "api-key"


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Quota(_Entry):
    """What a deployment lets us do; None is no limit.

    Attributes:
        requests_per_minute: jobs that may be created within a minute.
        concurrent: jobs that may run at once.
    """

    requests_per_minute: int | None = Field(default=None, ge=1)
    concurrent: int | None = Field(default=None, ge=1)


class ReferenceRules(_Entry):
    """What a reference image must be.

    Attributes:
        formats: lower-case image formats, the preferred one first.
        exact_size: its pixels must equal the video's size.
        max_bytes: the largest file that is taken, if there is a limit.
    """

    formats: tuple[str, ...] = Field(default=("png", "jpeg", "webp"), min_length=1)
    exact_size: bool = True
    max_bytes: int | None = Field(default=None, ge=1)


class Deployment(_Entry):
    """One place where a model can be asked for videos, and what it can do there.

    Attributes:
        name: unique in the catalogue and stable, because records refer to it.
        provider: the adapter's id, see ``dailies.providers.registry``.
        endpoint: base URL; None when it isn't configured (such deployments are left out).
        deployment: the name by which the provider knows the model.
        sizes, seconds: what it renders; the first of each is the default.
        prices: US dollars per second of video, by size or ``default``.
        typical_render_seconds: how long a job of the default size and length usually takes.
        reference: rules for reference images; None when it takes none.
        upstream_models: further names by which the provider may call this model in its answers.
    """

    name: Name
    provider: str = Field(min_length=1)
    endpoint: Endpoint = None
    deployment: str = Field(min_length=1)
    credential: Credential = Credential.ENTRA
    api_key: OptionalSecret = None
    sizes: tuple[PictureSize, ...] = Field(min_length=1)
    seconds: tuple[Annotated[int, Field(ge=1, le=600)], ...] = Field(min_length=1)
    variants: tuple[Variant, ...] = tuple(Variant)
    operations: tuple[Operation, ...] = tuple(Operation)
    max_prompt_characters: int = Field(default=32_000, ge=1)
    reference: ReferenceRules | None = ReferenceRules()
    prices: Mapping[str, Price]
    typical_render_seconds: float = Field(default=60, gt=0, le=86_400)
    quota: Quota = Quota()
    upstream_models: tuple[str, ...] = ()

    @field_validator("prices")
    @classmethod
    def _price_keys(cls, prices: Mapping[str, float]) -> Mapping[str, float]:
        return {
            key if key == _DEFAULT_PRICE else str(Size.parse(key)): price
            for key, price in prices.items()
        }

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if Variant.VIDEO not in self.variants:
            raise ValueError("variants must name 'video'")
        unpriced = [str(size) for size in self.sizes if self._rate(size) is None]
        if unpriced:
            raise ValueError(
                f"prices: nothing for {', '.join(unpriced)}; give a price for each size "
                f"or for '{_DEFAULT_PRICE}'"
            )
        if self.endpoint and self.credential is Credential.API_KEY and self.api_key is None:
            raise ValueError(
                "api_key is empty although credential is 'api-key'; set it "
                "(AZURE_OPENAI_API_KEY in the catalogue that ships), or use credential 'entra'"
            )
        return self

    @property
    def default_size(self) -> Size:
        return self.sizes[0]

    @property
    def default_seconds(self) -> int:
        return self.seconds[0]

    @property
    def secret(self) -> SecretStr | None:
        """The API key, only when that is the chosen credential."""
        return self.api_key if self.credential is Credential.API_KEY else None

    def supports(self, size: Size, seconds: int, operation: Operation = Operation.CREATE) -> bool:
        """Whether this deployment can be asked for such a video."""
        return size in self.sizes and seconds in self.seconds and operation in self.operations

    def price(self, size: Size, seconds: int) -> float:
        """US dollars for one video, to a hundredth of a cent.

        A size without a price of its own (a fallback's, or one no longer in the file) costs the
        default price, else the dearest one: an estimate is never too low.
        """
        rate = self._rate(size)
        if rate is None:
            rate = max(self.prices.values())
        return round(rate * seconds, 4)

    def typical_seconds(self, size: Size, seconds: int) -> float:
        """How long such a job usually takes: in proportion to length and pixels. It only steers
        the polling, which corrects itself by the progress that it sees."""
        default = self.default_size
        pixels = (size.width * size.height) / (default.width * default.height)
        return self.typical_render_seconds * pixels * seconds / self.default_seconds

    def _rate(self, size: Size) -> float | None:
        return self.prices.get(str(size), self.prices.get(_DEFAULT_PRICE))


@dataclass(frozen=True)
class Model:
    """A model that callers may name; only deployments with an endpoint are in it.

    Attributes:
        fallbacks: names of models to try when every deployment here is retired.
    """

    name: str
    deployments: tuple[Deployment, ...]
    aliases: tuple[str, ...] = ()
    fallbacks: tuple[str, ...] = ()

    @property
    def sizes(self) -> tuple[Size, ...]:
        """The sizes that at least one deployment renders, the default first."""
        return _union(deployment.sizes for deployment in self.deployments)

    @property
    def seconds(self) -> tuple[int, ...]:
        """The lengths that at least one deployment renders, the default first."""
        return _union(deployment.seconds for deployment in self.deployments)


class _ModelEntry(_Entry):
    aliases: tuple[Name, ...] = ()
    fallbacks: tuple[Name, ...] = ()
    deployments: tuple[Deployment, ...] = Field(min_length=1)


class _File(_Entry):
    default_model: Name
    models: dict[Name, _ModelEntry] = Field(min_length=1)


@dataclass(frozen=True)
class Catalogue:
    """The models on offer. Build it with ``load`` or ``parse``, which check the whole file.

    Attributes:
        models: by name, in the file's order; each has at least one deployment.
    """

    models: Mapping[str, Model]
    default_model: Model
    _names: Mapping[str, Model] = field(repr=False)

    @classmethod
    def load(cls, path: Path, environ: Mapping[str, str]) -> Catalogue:
        """Read the catalogue's file.

        Raises:
            SettingsError: the file can't be read or is wrong; each problem names the path in it.
        """
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(
                [f"DAILIES_CATALOGUE: {path} can't be read ({error}); name a UTF-8 YAML file"]
            ) from None
        return cls.parse(text, environ, source=path.name)

    @classmethod
    def parse(
        cls, text: str, environ: Mapping[str, str], *, source: str = "models.yaml"
    ) -> Catalogue:
        """Read a catalogue from YAML; ``source`` is how problems name the file.

        Raises:
            SettingsError: as ``load``.
        """
        try:
            raw = fill_in(yaml.safe_load(text), environ)
            file = _File.model_validate(raw)
        except yaml.YAMLError as error:
            raise SettingsError([f"{source}: not valid YAML: {error}"]) from None
        except UnfilledPlaceholder as error:
            raise SettingsError([f"{source}: {error}"]) from None
        except ValidationError as error:
            raise SettingsError(
                [f"{source}: {_where(e['loc'])}: {_what(e)}" for e in error.errors()]
            ) from None
        problems = [f"{source}: {problem}" for problem in _inconsistencies(file)]
        if problems:
            raise SettingsError(problems)
        return cls._offering(file, source)

    @classmethod
    def _offering(cls, file: _File, source: str) -> Catalogue:
        models = {
            name: Model(name, offered, entry.aliases, entry.fallbacks)
            for name, entry in file.models.items()
            if (offered := tuple(d for d in entry.deployments if d.endpoint))
        }
        if not models:
            raise SettingsError(
                [
                    f"{source}: no deployment has an endpoint; set AZURE_OPENAI_ENDPOINT to the "
                    "resource's address, e.g. https://my-resource.openai.azure.com"
                ]
            )
        if file.default_model not in models:
            raise SettingsError(
                [
                    f"{source}: default_model: '{file.default_model}' has no deployment with an "
                    f"endpoint; set one, or make one of these the default: {', '.join(models)}"
                ]
            )
        names = {_key(n): m for m in models.values() for n in (m.name, *m.aliases)}
        return cls(models, models[file.default_model], names)

    def resolve(self, name: str | None) -> Model:
        """The model that a caller means by ``name``: its name or an alias, in any case, also with
        a vendor's prefix (``openai/``, ``azure/``); None is the default model.

        Raises:
            InvalidRequest: nothing on offer has that name; the message lists what is.
        """
        if name is None:
            return self.default_model
        key = _key(name)
        bare = next((key.removeprefix(p) for p in _VENDOR_PREFIXES if key.startswith(p)), key)
        model = self._names.get(key) or self._names.get(bare)
        if model is None:
            offered = ", ".join(f"'{known}'" for known in self.models)
            raise InvalidRequest(
                f"The model '{name[:64]}' is not offered here. Supported values are: {offered}.",
                param="model",
                code="model_not_found",
            )
        return model

    def deployment(self, name: str) -> Deployment | None:
        """The deployment that a record refers to, or None when the catalogue no longer has it."""
        return next((d for d in self.deployments if d.name == name), None)

    @property
    def deployments(self) -> Sequence[Deployment]:
        """Every deployment on offer, in the file's order."""
        return [d for model in self.models.values() for d in model.deployments]

    def candidates(self, model: Model) -> Sequence[Deployment]:
        """Where to try, in order: the model's own deployments, then those of its fallbacks (and
        of theirs); each once."""
        found: dict[str, Deployment] = {}
        waiting, seen = [model.name], set[str]()
        while waiting:
            current = self.models.get(waiting.pop(0))
            if current is None or current.name in seen:
                continue
            seen.add(current.name)
            found.update((d.name, d) for d in current.deployments)
            waiting.extend(
                self._names[_key(f)].name for f in current.fallbacks if _key(f) in self._names
            )
        return list(found.values())


def _inconsistencies(file: _File) -> Iterable[str]:
    """What is wrong between the entries, each line with its path and remedy."""
    owners: dict[str, str] = {}
    for name, entry in file.models.items():
        for known in (name, *entry.aliases):
            other = owners.setdefault(_key(known), name)
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
            if _key(fallback) not in owners:
                yield f"models.{name}.fallbacks[{place}]: there is no model '{fallback}'"
    if file.default_model not in file.models:
        yield f"default_model: there is no model '{file.default_model}'"


def _union(groups: Iterable[Iterable[T]]) -> tuple[T, ...]:
    return tuple(dict.fromkeys(item for group in groups for item in group))


def _key(name: str) -> str:
    return name.strip().lower()


def _where(loc: Sequence[Any]) -> str:
    """``models.sora-2.deployments[0].sizes``."""
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc)
    return path.lstrip(".") or "(top)"


def _what(detail: Any) -> str:
    return str(detail["msg"]).removeprefix("Value error, ")
