"""Whether a call to us was signed as Standard Webhooks has it.

``webhook-id``, ``webhook-timestamp`` (Unix seconds) and ``webhook-signature``: several signatures
``v1,<base64>`` with spaces between, of which one must be the HMAC-SHA256 of ``id.timestamp.body``.
Source: the specification (standard-webhooks/standard-webhooks, spec/standard-webhooks.md).
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping
from hashlib import sha256

from dailies.providers.answers import number

__all__ = ["TOLERANCE", "is_signed", "signing_key"]

TOLERANCE = 300.0
"""Seconds that a call's time may be off: an older one may have been kept and sent again."""

_MOST_SIGNATURES = 8


def signing_key(secret: str) -> bytes | None:
    """The key in ``whsec_<base64>``; None when it holds none."""
    try:
        return base64.b64decode(secret.partition("_")[2], validate=True) or None
    except (binascii.Error, ValueError):
        return None


def is_signed(headers: Mapping[str, str], body: bytes, key: bytes, now: float) -> bool:
    """Whether a call was signed with the key not long ago; ``headers`` are in lower case."""
    call_id, timestamp = headers.get("webhook-id"), headers.get("webhook-timestamp")
    sent = number(timestamp)
    if not call_id or timestamp is None or sent is None or abs(now - sent) > TOLERANCE:
        return False
    signed = f"{call_id}.{timestamp}.".encode() + body
    wanted = base64.b64encode(hmac.digest(key, signed, sha256))
    given = headers.get("webhook-signature", "").split(maxsplit=_MOST_SIGNATURES)
    return any(
        version == "v1" and hmac.compare_digest(signature.encode(), wanted)
        for version, _, signature in (entry.partition(",") for entry in given)
    )
