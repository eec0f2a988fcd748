"""Which deployments could serve a request, and what that could cost."""

from __future__ import annotations

from collections.abc import Sequence

from dailies.catalogue.deployment import Deployment
from dailies.catalogue.file import Catalogue
from dailies.catalogue.models import Model
from dailies.catalogue.offers import price_of, takes
from dailies.video.basics import Operation
from dailies.video.errors import RequestError
from dailies.video.request import VideoRequest

__all__ = ["dearest_price", "groups", "serving"]


def serving(catalogue: Catalogue, request: VideoRequest) -> list[Deployment]:
    """The deployments that can serve this request: the model's, then those of its fallbacks."""
    return [each for _, group in groups(catalogue, request) for each in group]


def dearest_price(catalogue: Catalogue, request: VideoRequest) -> float | None:
    """The most that the request could cost, in US dollars, wherever it is sent; None where nobody
    tells, at one of those at least."""
    prices = [price_of(each, request) for each in serving(catalogue, request)]
    known = [price for price in prices if price is not None]
    return max(known) if known and len(known) == len(prices) else None


def groups(
    catalogue: Catalogue, request: VideoRequest
) -> list[tuple[Model | None, Sequence[Deployment]]]:
    """Those that can serve it, by their models: the request's own first."""
    try:
        model = catalogue.resolve(request.model)
    except RequestError:
        # The model was taken out of the catalogue after the request was accepted.
        return []
    if request.operation is not Operation.CREATE:
        # Only where the source was made is there something to start from.
        deployment = catalogue.deployment(request.deployment or "")
        return [] if deployment is None else [(None, [deployment])]
    return [
        (each, [d for d in each.deployments if takes(d, request)])
        for each in catalogue.lineage(model)
    ]
