"""A deployment: one place where a model can be asked for videos, and what it can do there.

All of it is data of the catalogue's file; see ``dailies.catalogue``, which reads it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Self, TypeVar

from pydantic import (
    BeforeValidator,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
    model_validator,
)

from dailies.catalogue.entry import Entry, PictureSize
from dailies.catalogue.limits import Limit, Part
from dailies.catalogue.rules import (
    MOST_SECONDS,
    Credential,
    InpaintRules,
    Quota,
    ReferenceRules,
    Sound,
    utf16_units,
)
from dailies.hosts import NO_HOSTS
from dailies.settings import OptionalSecret, is_safe_url
from dailies.video.basics import Operation, Size, Variant

__all__ = ["Alias", "Deployment", "Name"]

_OTHER_FILES = frozenset({"output_format", "video_output_format", "output_video_format"})
"""Options that ask for another kind of file, by the names that vendors have for it."""
_DEFAULT = "default"

T = TypeVar("T")

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")]
"""Also a part of entity keys and table keys, hence no ``@``, ``/``, ``\\``, ``#`` or ``?``."""
Alias = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/-]{0,126}$")]
"""What callers may write for a name; it is written down nowhere, and may have slashes."""


def _parse_seconds(value: object) -> object:
    """A list of lengths, or ``{from: 1, to: 20, default: 5}``: the default comes first."""
    if not isinstance(value, Mapping):
        return value
    if unknown := value.keys() - {"from", "to", "default"}:
        raise ValueError(f"unknown {', '.join(map(repr, sorted(map(str, unknown))))}")
    first, last, default = (value.get(key) for key in ("from", "to", "default"))
    default = first if default is None else default
    if not (isinstance(first, int) and isinstance(last, int) and isinstance(default, int)):
        raise ValueError("a range needs whole numbers: {from: 1, to: 20, default: 5}")
    if not 1 <= first <= default <= last <= MOST_SECONDS:
        raise ValueError(f"a range goes up from 1 to {MOST_SECONDS}, with the default in it")
    return (default, *(number for number in range(first, last + 1) if number != default))


def _by_size(value: Mapping[str, T]) -> Mapping[str, T]:
    return {
        key if key == _DEFAULT else str(Size.parse(key)): number for key, number in value.items()
    }


def _endpoint(value: object, info: ValidationInfo) -> object:
    """https, or http inside; the context's ``private_hosts`` are what an operator calls so."""
    if value in (None, ""):
        return None
    if is_safe_url(str(value), (info.context or {}).get("private_hosts", NO_HOSTS)):
        return str(value).rstrip("/")
    raise ValueError(
        "expected an https:// URL (http:// only towards the loopback interface, and hosts of your "
        "own network that DAILIES_PRIVATE_HOSTS names)"
    )


Endpoint = Annotated[str | None, BeforeValidator(_endpoint)]
Price = Annotated[float, Field(ge=0, le=1000, allow_inf_nan=False)]


class Deployment(Entry):
    """One place where a model can be asked for videos, and what it can do there.

    Attributes:
        name: unique in the catalogue and stable, because records refer to it.
        provider: the provider's id, see ``dailies.providers.registry``.
        options: what only this provider knows of.
        endpoint: base URL; None when it isn't configured (such deployments are left out).
        deployment: the name by which the provider knows the model.
        files: the variants that a finished job leaves, by the YAML's key ``variants``; the others
            are made of its video.
        sizes, seconds: what it renders; the first of each is the default.
        prices: US dollars per second of video, by size or ``default``; None when nobody tells.
        silent_prices: the same where a caller wants no sound; as with sound if not given.
        image_price: US dollars for each image that is sent with a request.
        n_variants: the most videos that one job makes of a prompt, by size or ``default``.
        inpaint: rules for images and videos at a frame of choice; None when it takes none.
        typical_render_seconds: how long a job of the default size and length usually takes.
        max_prompt_units: the same in UTF-16 units, of which an emoji has two, where the provider
            counts so.
        reference: rules for reference images; None when it takes none.
        extension_seconds: lengths that an extension may add; None for those of ``seconds``.
        max_extended_seconds: how long extensions may make a video, if there is a limit.
        takes_video_files: edits and extensions may be given a file in place of an upstream job.
        characters: it keeps characters (a name and a clip).
        last_frame: it takes an image that the video ends with.
        max_references: how many images it takes to look like, beside its frames.
        seed, negative_prompt: it takes them.
        sound: whether its videos have sound; None when nobody tells.
        limits: what it can't do together with what; its provider may add to them.
        takes_safety_identifier: its provider is told which of the caller's end users it is for.
        takes_options: its provider is given the caller's ``provider_options``.
        only_options: those of them that it is given; None for all that are not ``own_options``.
        own_options: those that the request or this deployment says itself, as what was paid for.
        retired_on: the day from which the provider says that it is gone, where one is known.
        retires_at: the day from which it will be gone: nothing is sent there that would not be done
            before.
        weight: its share among the model's deployments, where the model is routed by weight.
        failed_share: the part of the price that a job costs which the provider let fail, 0 to 1.
        upstream_models: further names by which the provider may call this model in its answers.
        jobs_api: its videos can be asked for as jobs of the Sora 1 API.
        kept_seconds: how long the provider keeps jobs and their files; None when it doesn't say.
    """

    name: Name
    provider: str = Field(min_length=1)
    endpoint: Endpoint = None
    deployment: str = Field(min_length=1)
    credential: Credential = Credential.ENTRA
    api_key: OptionalSecret = None
    sizes: tuple[PictureSize, ...] = Field(min_length=1)
    seconds: Annotated[
        tuple[Annotated[int, Field(ge=1, le=MOST_SECONDS)], ...], BeforeValidator(_parse_seconds)
    ] = Field(min_length=1)
    files: tuple[Variant, ...] = Field(default=tuple(Variant), alias="variants")
    operations: tuple[Operation, ...] = tuple(Operation)
    max_prompt_characters: int = Field(default=32_000, ge=1)
    max_prompt_units: int | None = Field(default=None, ge=1)
    reference: ReferenceRules | None = ReferenceRules()
    inpaint: InpaintRules | None = None
    n_variants: Mapping[str, Annotated[int, Field(ge=1, le=16)]] = {_DEFAULT: 1}
    extension_seconds: tuple[Annotated[int, Field(ge=1, le=600)], ...] | None = None
    max_extended_seconds: int | None = Field(default=None, ge=1)
    takes_video_files: bool = False
    characters: bool = False
    last_frame: bool = False
    max_references: int = Field(default=0, ge=0, le=16)
    seed: bool = False
    negative_prompt: bool = False
    sound: Sound | None = None
    limits: tuple[Limit, ...] = ()
    takes_safety_identifier: bool = False
    takes_options: bool = True
    only_options: tuple[str, ...] | None = None
    own_options: tuple[str, ...] = ()
    retired_on: date | None = None
    retires_at: date | None = None
    weight: float = Field(default=1, gt=0, le=1000, allow_inf_nan=False)
    prices: Mapping[str, Price] | None
    silent_prices: Mapping[str, Price] = {}
    image_price: Price = 0
    failed_share: float = Field(default=0, ge=0, le=1)
    typical_render_seconds: float = Field(default=60, gt=0, le=86_400)
    quota: Quota = Quota()
    upstream_models: tuple[str, ...] = ()
    jobs_api: bool = False
    kept_seconds: float | None = Field(default=None, gt=0)
    options: Mapping[str, Any] = Field(default={}, repr=False)

    @field_validator("prices", "silent_prices")
    @classmethod
    def _price_keys(cls, prices: Mapping[str, float] | None) -> Mapping[str, float] | None:
        return None if prices is None else _by_size(prices)

    @field_validator("n_variants")
    @classmethod
    def _variant_keys(cls, numbers: Mapping[str, int]) -> Mapping[str, int]:
        return _by_size(numbers)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if Variant.VIDEO not in self.files:
            raise ValueError("variants must name 'video'")
        unpriced = [str(size) for size in self.sizes if self._rate(size) is None]
        if unpriced and self.prices is not None:
            raise ValueError(
                f"prices: nothing for {', '.join(unpriced)}; give a price for each size or for "
                f"'{_DEFAULT}', or null when the price is not known"
            )
        for limit in self.limits:
            values = {*map(str, self.sizes), *map(str, self.seconds)}
            for value in map(str, (*(limit.sizes or ()), *(limit.seconds or ()))):
                if value not in values:
                    raise ValueError(f"limits: {value} is none of the sizes and seconds")
        if self.silent_prices and (self.prices is None or self.sound is not Sound.CHOSEN):
            raise ValueError("silent_prices needs prices, and 'sound: chosen'")
        key = self.secret.get_secret_value() if self.secret else ""
        if self.endpoint and not (key.isascii() and key.isprintable() and " " not in key):
            raise ValueError("api_key must be a key without spaces, or use another credential")
        return self

    @property
    def promises(self) -> frozenset[Part]:
        """What callers may ask for, beside options."""
        taken = {
            Part.FIRST_FRAME: self.reference is not None,
            Part.LAST_FRAME: self.last_frame,
            Part.REFERENCES: self.max_references > 0,
            Part.SEED: self.seed,
            Part.NEGATIVE_PROMPT: self.negative_prompt,
            Part.SOUND: self.sound is Sound.CHOSEN,
        }
        return frozenset(part for part, is_taken in taken.items() if is_taken)

    def takes_prompt(self, prompt: str) -> bool:
        """Whether it is not too long."""
        if len(prompt) > self.max_prompt_characters:
            return False
        return self.max_prompt_units is None or utf16_units(prompt) <= self.max_prompt_units

    @property
    def default_size(self) -> Size:
        return self.sizes[0]

    @property
    def default_seconds(self) -> int:
        return self.seconds[0]

    @property
    def secret(self) -> SecretStr | None:
        """The API key, only when the chosen credential is one."""
        return self.api_key if self.credential.needs_key else None

    @property
    def unset(self) -> tuple[str, ...]:
        """The fields without which nothing can be asked of it, and which are not set."""
        lacks_key = self.credential.needs_key and self.api_key is None
        fields = (("endpoint", not self.endpoint), ("api_key", lacks_key))
        return tuple(name for name, is_unset in fields if is_unset)

    def refused_option(self, name: str) -> str | None:
        """Why a caller can't give its provider this option; None when that is possible."""
        shown = name[:64]
        if name in _OTHER_FILES:
            return (
                f"The provider option '{shown}' can't be set: what is stored and announced is an "
                "MP4. Leave it out."
            )
        if name in self.own_options:
            return (
                f"The provider option '{shown}' is set by the service. Leave it out, and use the "
                "request's own field where there is one."
            )
        if self.only_options is None or name in self.only_options:
            return None
        takes = f"It takes {', '.join(self.only_options)}." if self.only_options else "It has none."
        return f"The provider has no option '{shown}' that can be set. {takes}"

    def most_variants(self, size: Size) -> int:
        """How many videos one job may make at this size."""
        return self.n_variants.get(str(size), self.n_variants.get(_DEFAULT, 1))

    def price(self, size: Size, seconds: int, *, silent: bool = False) -> float | None:
        """US dollars for one video, to a hundredth of a cent; None when the price is not known.

        A size without a price of its own (a fallback's, or one no longer in the file) costs the
        default price, else the dearest one: an estimate is never too low.
        """
        if self.prices is None:
            return None
        rate = self._rate(size)
        if rate is None:
            rate = max(self.prices.values())
        if silent:
            rate = self.silent_prices.get(str(size), self.silent_prices.get(_DEFAULT, rate))
        return round(rate * seconds, 4)

    def typical_seconds(self, size: Size, seconds: int) -> float:
        """How long such a job usually takes: in proportion to length and pixels. It only steers
        the polling, which corrects itself by the progress that it sees."""
        default = self.default_size
        pixels = (size.width * size.height) / (default.width * default.height)
        return self.typical_render_seconds * pixels * seconds / self.default_seconds

    def _rate(self, size: Size) -> float | None:
        prices = self.prices or {}
        return prices.get(str(size), prices.get(_DEFAULT))
