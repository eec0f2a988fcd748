"""Whether an address may be told what becomes of a video."""

from __future__ import annotations

from dailies.services import Services
from dailies.video.request import VideoRequest

__all__ = ["check_webhook"]


def check_webhook(services: Services, request: VideoRequest) -> None:
    """Refuse what is no address of a webhook here. Where its name leads is looked at with each
    call.

    Raises:
        InvalidRequest: it is none.
    """
    if request.webhook is not None:
        services.poster.origin(request.webhook.url)
