"""Videos with content credentials, as a signer would write them."""

from __future__ import annotations

import datetime
import functools
from typing import Any

import cbor2
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from tests.media import clip_bytes
from tests.unit.inputs.pictures import box

__all__ = [
    "C2PA",
    "carrying",
    "certificate",
    "claim",
    "credentials",
    "manifest",
    "signature",
    "superbox",
]

C2PA = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")


@functools.cache
def certificate(organisation: str | None = "Film Works, Inc.", name: str = "signer") -> bytes:
    """A certificate of that subject, signed by itself; DER."""
    key = ed25519.Ed25519PrivateKey.generate()
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, name)]
    if organisation is not None:
        attributes.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation))
    subject = x509.Name(attributes)
    now = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a root")]))
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=1))
    )
    return builder.sign(key, None).public_bytes(Encoding.DER)


def superbox(label: str, *children: bytes) -> bytes:
    """A JUMBF superbox with its description (ISO/IEC 19566-5)."""
    described = box(b"jumd", bytes(16) + b"\x03" + label.encode() + b"\0")
    return box(b"jumb", described + b"".join(children))


def claim(document: Any, version: str = "c2pa.claim.v2") -> bytes:
    return superbox(version, box(b"cbor", cbor2.dumps(document)))


def signature(
    protected: dict[Any, Any], unprotected: dict[Any, Any] | None = None, *, tagged: bool = True
) -> bytes:
    """A COSE_Sign1 (RFC 9052, 4.2)."""
    message = [cbor2.dumps(protected), unprotected or {}, None, b"signed"]
    return superbox(
        "c2pa.signature",
        box(b"cbor", cbor2.dumps(cbor2.CBORTag(18, message) if tagged else message)),
    )


def manifest(*parts: bytes, label: str = "urn:c2pa:1") -> bytes:
    return superbox(label, superbox("c2pa.assertions"), *parts)


def credentials(*manifests: bytes, purpose: bytes = b"manifest") -> bytes:
    """The box ``uuid`` of a store of manifests."""
    store = superbox("c2pa", *manifests)
    return box(b"uuid", C2PA + bytes(4) + purpose + b"\0" + bytes(8) + store)


def carrying(uuid_box: bytes) -> bytes:
    """A clip with that box behind it: before its pictures they would no longer be where its index
    says."""
    return clip_bytes() + uuid_box
