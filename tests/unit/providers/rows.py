"""A row of the catalogue for a model that takes all that Veo 3.1 does."""

from __future__ import annotations

from dailies.catalogue.deployment import Deployment

__all__ = ["able_row"]


def able_row(provider: str, deployment: str, **fields: object) -> Deployment:
    """The row, with other ``fields`` where a test says so."""
    row = {
        "name": "veo",
        "provider": provider,
        "deployment": deployment,
        "sizes": ["1280x720", "1080x1920"],
        "seconds": [8, 4, 6],
        "variants": ["video"],
        "operations": ["create"],
        "last_frame": True,
        "max_references": 3,
        "seed": True,
        "negative_prompt": True,
        "sound": "chosen",
        "prices": None,
    }
    return Deployment.model_validate(row | fields)
