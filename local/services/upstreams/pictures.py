"""Pictures in the JSON of requests."""

from __future__ import annotations

import base64
import binascii
import re

from local.services.bodies import Upload, image_size
from local.services.errors import ServiceError

__all__ = ["Unusable", "picture_of_base64", "picture_of_url"]

_HEAD = re.compile(r"data:image/(?:png|jpeg|jpg|webp);base64,")


class Unusable(ValueError):
    """It is no picture; the message says why."""


def picture_of_url(url: object) -> bytes:
    """The picture in a ``data:`` URL; the providers would fetch links too, which lead nowhere here.

    Raises:
        Unusable: there is none.
    """
    head = _HEAD.match(url) if isinstance(url, str) else None
    if head is None:
        raise Unusable("it is no data URL of a picture")
    return picture_of_base64(head.string[head.end() :])


def picture_of_base64(data: object) -> bytes:
    """The picture in bare base64.

    Raises:
        Unusable: there is none.
    """
    try:
        picture = base64.b64decode(data if isinstance(data, str) else "", validate=True)
        image_size(Upload("picture", "image/png", picture), "picture")
    except (binascii.Error, ServiceError):
        raise Unusable("it is no picture in base64") from None
    return picture
