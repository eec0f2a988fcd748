"""Which deployments may make a video, and which of them is asked first."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable

from dailies.catalogue import Catalogue, Deployment, Model
from dailies.catalogue.models import FallbackOn, Routing
from dailies.catalogue.offers import price_of
from dailies.catalogue.serving import groups, serving
from dailies.video.record import VideoRequest

__all__ = ["Completion", "chosen_by_wait", "falls_back_on", "ranked", "serving"]

Completion = Callable[[Deployment], float]
"""Seconds until a video is likely to be done, if it is made there."""


def chosen_by_wait(catalogue: Catalogue, request: VideoRequest) -> bool:
    """Whether it matters how long the video would wait at each deployment."""
    return any(
        model is not None and model.routing is Routing.COMPLETION and len(group) > 1
        for model, group in groups(catalogue, request)
    )


def falls_back_on(catalogue: Catalogue, request: VideoRequest, what: FallbackOn) -> bool:
    """Whether the request's model says that this leads on to another deployment."""
    model = catalogue.find(request.model)
    return model is not None and what in model.fallback_on


def ranked(
    catalogue: Catalogue, request: VideoRequest, video: str, completion: Completion
) -> list[Deployment]:
    """Those that can serve the request, the one first that is to be asked first, by each model's
    routing; but for that by completion, the same whenever it is asked for the same ``video``."""
    return [
        each
        for model, group in groups(catalogue, request)
        for each in sorted(group, key=_key(model, request, video, completion))
    ]


def _key(
    model: Model | None, request: VideoRequest, video: str, completion: Completion
) -> Callable[[Deployment], float]:
    """What a model's deployments are sorted by; those that are equal stay in the file's order."""
    match Routing.ORDER if model is None else model.routing:
        case Routing.ORDER:
            return lambda _deployment: 0.0
        case Routing.PRICE:
            return lambda deployment: _price(deployment, request)
        case Routing.WEIGHT:
            return lambda deployment: _draw(deployment, video)
        case Routing.COMPLETION:
            return completion


def _price(deployment: Deployment, request: VideoRequest) -> float:
    price = price_of(deployment, request)
    return math.inf if price is None else price


def _draw(deployment: Deployment, video: str) -> float:
    """Weighted rendezvous hashing: of independent exponential variables, one each, the least is
    that of a deployment with the chance of its weight. Whatever else is added or taken out, the
    draw of a deployment stays, so that no other videos move."""
    digest = hashlib.sha256(f"{deployment.name}\n{video}".encode()).digest()
    share = (int.from_bytes(digest[:8]) + 1) / (2**64 + 1)
    return -math.log(share) / deployment.weight
