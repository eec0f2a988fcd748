"""Who signed a video, as its content credentials say."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from dailies.footage.credentials import credentials_in
from dailies.footage.outline import boxes_at_top
from dailies.inputs.reading import Reading, read_bytes
from dailies.video.probe import ContentCredentials
from tests.media import clip_bytes
from tests.unit.footage.signed import (
    C2PA,
    carrying,
    certificate,
    claim,
    credentials,
    manifest,
    signature,
    superbox,
)
from tests.unit.inputs.pictures import box

NONE = ContentCredentials(present=False)
UNREAD = ContentCredentials(present=True)


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
