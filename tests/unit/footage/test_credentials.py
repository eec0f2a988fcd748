"""Who signed a video, as its content credentials say."""

from __future__ import annotations

import datetime
import functools
import random
from collections.abc import Iterator
from typing import Any

import cbor2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from dailies.footage.credentials import credentials_in
from dailies.footage.outline import boxes_at_top
from dailies.inputs.reading import Reading, read_bytes
from dailies.video.probe import ContentCredentials
from tests.media import clip_bytes
from tests.unit.inputs.pictures import box

C2PA = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
NONE = ContentCredentials(present=False)
UNREAD = ContentCredentials(present=True)


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
    """A clip with that box behind its first."""
    clip = clip_bytes()
    first = int.from_bytes(clip[:4], "big")
    return clip[:first] + uuid_box + clip[first:]


def found(data: bytes) -> ContentCredentials:
    def parser() -> Reading[ContentCredentials]:
        boxes = yield from boxes_at_top(len(data))
        return (yield from credentials_in(boxes))

    return read_bytes(parser(), data)


MAKER = {"claim_generator_info": {"name": "Film Maker", "version": "2"}}


@pytest.mark.parametrize(
    "parts",
    [
        (claim(MAKER), signature({1: -8, 33: certificate()})),
        (claim(MAKER), signature({1: -8, 33: [certificate(), certificate("A Root")]})),
        (claim(MAKER), signature({1: -8}, {"x5chain": [certificate()]})),
        (claim(MAKER), signature({33: certificate()}, tagged=False)),
        (signature({33: certificate(None, "Film Works, Inc.")}),),
    ],
    ids=["one certificate", "a chain", "not protected", "no tag", "no organisation"],
)
def test_the_issuer_is_who_the_certificate_names(parts: tuple[bytes, ...]) -> None:
    assert found(carrying(credentials(manifest(*parts)))) == ContentCredentials(
        present=True, issuer="Film Works, Inc."
    )


@pytest.mark.parametrize(
    "parts",
    [
        (claim(MAKER),),
        (claim({"claim_generator_info": [{"name": "Film Maker"}]}, "c2pa.claim"),),
        (claim({"claim_generator": "Film Maker"}, "c2pa.claim"),),
        (claim(MAKER), signature({33: b"no certificate"})),
        (claim(MAKER), signature({1: -8})),
        (claim(MAKER), superbox("c2pa.signature", box(b"cbor", b"\xff"))),
    ],
)
def test_without_a_certificate_it_is_what_made_the_claim(parts: tuple[bytes, ...]) -> None:
    issuer = found(carrying(credentials(manifest(*parts)))).issuer
    assert issuer == "Film Maker"


def test_the_last_manifest_is_in_force() -> None:
    earlier = manifest(signature({33: certificate("A Camera")}))
    last = manifest(signature({33: certificate()}), label="urn:c2pa:2")
    assert found(carrying(credentials(earlier, last))).issuer == "Film Works, Inc."


def test_a_video_without_any() -> None:
    assert found(clip_bytes()) == NONE
    assert found(carrying(box(b"uuid", bytes(16) + b"something else"))) == NONE
    assert found(b"no video") == NONE


@pytest.mark.parametrize(
    "uuid_box",
    [
        box(b"uuid", C2PA),
        credentials(),
        credentials(manifest()),
        credentials(manifest(signature({33: certificate()})), purpose=b"merkle"),
        credentials(manifest(claim(["no", "map"]))),
        credentials(manifest(claim({"claim_generator": 7}))),
        credentials(manifest(claim({"claim_generator": " \n"}))),
        box(b"uuid", C2PA + bytes(3 * 1024**2)),
    ],
    ids=["empty", "no manifest", "no claim", "merkle", "list", "number", "blank", "large"],
)
def test_what_can_not_be_read_is_there_all_the_same(uuid_box: bytes) -> None:
    assert found(carrying(uuid_box)) == UNREAD


def test_a_name_is_short_and_printable() -> None:
    odd = claim({"claim_generator": "Film\n\x00 Maker\N{RIGHT-TO-LEFT OVERRIDE}" + "x" * 500})
    issuer = found(carrying(credentials(manifest(odd)))).issuer
    assert issuer == "Film Maker" + "x" * 190


def _damaged(whole: bytes, count: int) -> Iterator[bytes]:
    chance = random.Random(1)
    for _ in range(count):
        data = bytearray(whole)
        for _ in range(chance.randrange(1, 6)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        yield bytes(data[: chance.randrange(len(data))] if chance.random() < 0.3 else data)


@pytest.mark.filterwarnings("ignore")  # of certificates that are odd, and read all the same
def test_no_bytes_make_it_fail() -> None:
    whole = credentials(manifest(claim(MAKER), signature({33: [certificate()]})))
    for data in _damaged(whole, 3000):
        answer = found(data)
        assert answer.issuer is None or answer.issuer.isprintable()
