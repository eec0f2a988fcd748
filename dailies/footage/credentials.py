"""Whether a video says how it was made, and who signed that: content credentials, C2PA.

In an MP4 they are a box ``uuid`` at the top with a UUID of their own, which holds JUMBF boxes: a
store of manifests, of which the last is in force; in each a claim (CBOR) and a signature (COSE).
The signature is not verified and nothing is looked up: a name here is what the file says.

Sources: C2PA Technical Specification 2.1, 11.1 (JUMBF), 10 and 13.2 (claims, signatures), A.5
(embedding into BMFF); ISO/IEC 19566-5 (JUMBF); RFC 9052 and 9360 (COSE, ``x5chain``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import cbor2

from dailies.footage.outline import Box, boxes_in
from dailies.inputs.reading import Reading
from dailies.video.probe import ContentCredentials

__all__ = ["credentials_in"]

_UUID = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
_UUID_BYTES = len(_UUID)
_FULL_BOX = 4  # version and flags
_MOST_BYTES = 2 * 1024**2
"""Of a store that is read for the name in it; one with pictures of its sources has some 100 kB."""

_MOST_DEPTH = 16
_LONGEST_NAME = 200
_CERTIFICATES = (33, "x5chain")
"""The header of COSE that holds them, by its number and by the name that it had before."""

_COSE_SIGN_1 = 18
_LABELLED = 0b10  # of the toggles of a description box


def credentials_in(boxes: list[Box]) -> Reading[ContentCredentials]:
    """What the boxes at the top of an MP4 say; bytes that make no sense have no issuer."""
    for box in boxes:
        if box.kind != b"uuid" or (yield box.start, _UUID_BYTES) != _UUID:
            continue
        start = box.start + _UUID_BYTES
        if box.end - start > _MOST_BYTES:
            return ContentCredentials(present=True)
        data = yield start, box.end - start
        return ContentCredentials(present=True, issuer=_issuer(data))
    return ContentCredentials(present=False)


def _issuer(data: bytes) -> str | None:
    """Who signed the manifest in force, else what made its claim."""
    purpose, _, rest = data[_FULL_BOX:].partition(b"\0")
    if purpose != b"manifest":
        return None
    # Behind the purpose stands a place in the file, of 8 bytes.
    store = dict(_labelled(rest, Box(b"", 8, len(rest)))).get("c2pa")
    manifests = [] if store is None else _labelled(rest, store)
    if not manifests:
        return None
    parts = dict(_labelled(rest, manifests[-1][1]))
    signature = parts.get("c2pa.signature")
    claim = parts.get("c2pa.claim.v2") or parts.get("c2pa.claim")
    return _signer(_cbor(rest, signature)) or _generator(_cbor(rest, claim))


def _labelled(data: bytes, outer: Box) -> list[tuple[str, Box]]:
    """The superboxes in another, in their order, by the label of their description."""
    found: list[tuple[str, Box]] = []
    for box in boxes_in(data, outer.start, outer.end):
        if box.kind != b"jumb":
            continue
        description = next(boxes_in(data, box.start, box.end), None)
        if description is None or description.kind != b"jumd":
            continue
        # A UUID for the kind of content, a byte of toggles, then the label.
        content = data[description.start + _UUID_BYTES : description.end]
        if content and content[0] & _LABELLED:
            label = content[1:].partition(b"\0")[0]
            found.append((label.decode("utf-8", "replace"), box))
    return found


def _cbor(data: bytes, outer: Box | None) -> Any:
    """What the CBOR box in a superbox holds; None when there is none, or nothing to be read."""
    if outer is None:
        return None
    for box in boxes_in(data, outer.start, outer.end):
        if box.kind == b"cbor":
            return _decoded(data[box.start : box.end])
    return None


def _decoded(data: bytes) -> Any:
    try:
        return cbor2.loads(data, max_depth=_MOST_DEPTH)
    except cbor2.CBORDecodeError:
        return None


def _generator(claim: Any) -> str | None:
    """What made the claim: ``claim_generator_info``, else the older ``claim_generator``."""
    if not isinstance(claim, Mapping):
        return None
    infos = claim.get("claim_generator_info")
    info = next(iter(infos), None) if isinstance(infos, list) else infos
    name = info.get("name") if isinstance(info, Mapping) else None
    return _name(name) or _name(claim.get("claim_generator"))


def _signer(signed: Any) -> str | None:
    """The organisation in the signing certificate of a COSE signature."""
    message = signed.value if isinstance(signed, cbor2.CBORTag) else signed
    if isinstance(signed, cbor2.CBORTag) and signed.tag != _COSE_SIGN_1:
        return None
    if not isinstance(message, list | tuple) or len(message) < 2:
        return None
    protected = _decoded(message[0]) if isinstance(message[0], bytes) else None
    for headers in (protected, message[1]):
        if not isinstance(headers, Mapping):
            continue
        for key in _CERTIFICATES:
            chain = headers.get(key)
            first = next(iter(chain), None) if isinstance(chain, list | tuple) else chain
            if isinstance(first, bytes) and (name := _organisation(first)) is not None:
                return name
    return None


def _organisation(certificate: bytes) -> str | None:
    # Imported here: few videos carry one, and the app is to start soon.
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    try:
        subject = x509.load_der_x509_certificate(certificate).subject
    except (ValueError, TypeError, x509.InvalidVersion):  # no certificate, or a broken one
        return None
    for kind in (NameOID.ORGANIZATION_NAME, NameOID.COMMON_NAME):
        for attribute in subject.get_attributes_for_oid(kind):
            if (name := _name(attribute.value)) is not None:
                return name
    return None


def _name(value: object) -> str | None:
    """A name as it can stand in a document; None for anything else."""
    if not isinstance(value, str):
        return None
    text = "".join(char for char in value if char.isprintable()).strip()
    return text[:_LONGEST_NAME] or None
