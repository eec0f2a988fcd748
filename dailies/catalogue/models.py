"""A model that callers may name, and what it can do at any of its deployments."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from dailies.catalogue.deployment import Deployment
from dailies.video.basics import Size

__all__ = ["FallbackOn", "Model", "Routing"]

T = TypeVar("T")


class Routing(StrEnum):
    """Which of a model's deployments that can make a video is asked first."""

    ORDER = "order"
    """As the file has them."""
    WEIGHT = "weight"
    """Each gets its share of the videos; a video gets the same one whenever it is asked."""
    PRICE = "price"
    """Where this very video is cheapest; last where nobody tells."""
    COMPLETION = "completion"
    """Where it is likely to be done first: by the wait for a place, and the usual render."""


class FallbackOn(StrEnum):
    """What else leads on to another deployment, if the model says so."""

    MODERATION = "moderation"
    """The provider's moderation refuses the request."""


@dataclass(frozen=True)
class Model:
    """A model that callers may name.

    Attributes:
        fallbacks: names of models to try when no deployment here can make a video.
        routing: which of its deployments is asked first.
        fallback_on: what leads on to another deployment, beside what does anyway.
    """

    name: str
    deployments: tuple[Deployment, ...]
    aliases: tuple[str, ...] = ()
    fallbacks: tuple[str, ...] = ()
    routing: Routing = Routing.ORDER
    fallback_on: tuple[FallbackOn, ...] = ()

    @property
    def sizes(self) -> tuple[Size, ...]:
        """The sizes that at least one deployment renders, the default first."""
        return _union(deployment.sizes for deployment in self.deployments)

    @property
    def seconds(self) -> tuple[int, ...]:
        """The lengths that at least one deployment renders, the default first."""
        return _union(deployment.seconds for deployment in self.deployments)

    @property
    def providers(self) -> tuple[str, ...]:
        """The ids of its providers, that of the first deployment first."""
        return _union((deployment.provider,) for deployment in self.deployments)

    def price_per_second(self, size: Size, *, silent: bool = False) -> float | None:
        """US dollars per second of video at this size, where a deployment makes it; the dearest of
        several, so that it is never too low. None when nobody tells."""
        prices = [d.price(size, 1, silent=silent) for d in self.deployments if size in d.sizes]
        return max((price for price in prices if price is not None), default=None)


def _union(groups: Iterable[Iterable[T]]) -> tuple[T, ...]:
    return tuple(dict.fromkeys(item for group in groups for item in group))
