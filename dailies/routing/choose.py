"""Which deployment may make a video."""

from __future__ import annotations

from dailies.catalogue import Catalogue, Deployment
from dailies.catalogue.offers import takes
from dailies.video.basics import Operation
from dailies.video.errors import RequestError
from dailies.video.record import VideoRequest

__all__ = ["serving"]


def serving(catalogue: Catalogue, request: VideoRequest) -> list[Deployment]:
    """The deployments that can serve this request, in the order of preference."""
    try:
        model = catalogue.resolve(request.model)
    except RequestError:
        # The model was taken out of the catalogue after the request was accepted.
        return []
    if request.operation is not Operation.CREATE:
        # Only where the source was made is there something to start from.
        deployment = catalogue.deployment(request.deployment or "")
        return [] if deployment is None else [deployment]
    return [each for each in catalogue.candidates(model) if takes(each, request)]
