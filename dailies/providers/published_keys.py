"""The public keys by which a provider signs its calls: Ed25519, published as a set of JWKs.

Sources: RFC 7517 (the set), RFC 8037 (``"kty": "OKP"``, ``"crv": "Ed25519"``).
"""

from __future__ import annotations

import asyncio
import time
from base64 import urlsafe_b64decode
from collections.abc import Iterator, Sequence

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from dailies.providers.classify import Call
from dailies.providers.error_text import read_json
from dailies.providers.outcomes import Outcome
from dailies.providers.wire import Wire

__all__ = ["PublishedKeys"]

_KEPT = 3600.0
"""Seconds after which the keys are read again."""

_PAUSE = 60.0
"""Seconds between two readings: a call with a wrong signature costs no more of them."""


class PublishedKeys:
    """Keys that are read when they are needed, and kept.

    Args:
        addresses: where they are; of several, the first that has any.
    """

    def __init__(self, wire: Wire, addresses: Sequence[str]) -> None:
        self._wire = wire
        self._addresses = addresses
        self._keys: tuple[Ed25519PublicKey, ...] = ()
        self._read_at: float | None = None
        self._reading = asyncio.Lock()

    async def signed(self, message: bytes, signature: str) -> bool:
        """Whether one of them made the signature, which is written in hexadecimal digits."""
        try:
            sealed = bytes.fromhex(signature)
        except ValueError:
            return False
        await self._read_after(_KEPT)
        if self._made(sealed, message):
            return True
        await self._read_after(_PAUSE)  # they may have been replaced
        return self._made(sealed, message)

    def _made(self, signature: bytes, message: bytes) -> bool:
        for key in self._keys:
            try:
                key.verify(signature, message)
            except InvalidSignature:
                continue
            return True
        return False

    async def _read_after(self, seconds: float) -> None:
        """Read them, if that is longer ago; who comes meanwhile waits for what is read."""
        async with self._reading:
            if self._read_at is None or time.monotonic() - self._read_at > seconds:
                self._read_at = time.monotonic()
                await self._read()

    async def _read(self) -> None:
        """Read them; where none are to be had, those that are known stay."""
        for address in self._addresses:
            reply = await self._wire.document(Call.LIST, address)
            if isinstance(reply, Outcome) or not reply.is_success:
                continue
            found = tuple(_keys(read_json(reply.body)))
            if found:
                self._keys = found
                return


def _keys(document: object) -> Iterator[Ed25519PublicKey]:
    listed = document.get("keys") if isinstance(document, dict) else None
    for item in listed if isinstance(listed, list) else ():
        if not isinstance(item, dict) or item.get("crv") != "Ed25519":
            continue
        try:
            raw = urlsafe_b64decode(str(item.get("x")) + "==")
            yield Ed25519PublicKey.from_public_bytes(raw)
        except ValueError:  # no such key; another may do
            continue
