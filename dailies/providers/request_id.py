"""A provider's own name for a call, which its support asks for."""

from __future__ import annotations

import re
from collections.abc import Mapping

__all__ = ["request_id"]

_HEADERS = ("apim-request-id", "x-request-id", "x-ms-request-id", "request-id")
"""Azure's gateway, OpenAI and those that speak its protocol, Azure's services, others."""

_FIT = re.compile(r"[A-Za-z0-9._:/+=-]{1,128}")


def request_id(headers: Mapping[str, str]) -> str | None:
    """The id in an answer's headers (whose names are in lower case, or of httpx); None when there
    is none that is fit for a log."""
    given = (headers.get(name) for name in _HEADERS)
    return next((text for text in given if text and _FIT.fullmatch(text)), None)
