"""``image_url`` against a server on loopback; 127.0.0.2 stands for a public address."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from ipaddress import ip_address
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dailies.net.addresses import Address, is_public
from dailies.net.fetching import ReferenceFetcher
from dailies.video.errors import InvalidRequest, RequestError
from tests.unit.net.https_server import (
    HttpsServer,
    https_server,
    make_certificates,
    response,
)

PUBLIC = "127.0.0.2"
NAMES = {
    "images.example": [PUBLIC],
    "other.example": [PUBLIC],
    "inner.example": ["10.0.0.7"],
    "half.example": [PUBLIC, "10.0.0.7"],
    "mapped.example": ["::ffff:127.0.0.1"],
    "two.example": ["127.0.0.3", PUBLIC],
}
PICTURE = b"\x89PNG" + bytes(range(256)) * 40


class Resolver:
    """Names from a table, and a record of who was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> Sequence[Address]:
        self.asked.append(host)
        if host in NAMES:
            return [ip_address(text) for text in NAMES[host]]
        try:
            return [ip_address(host)]
        except ValueError:
            raise OSError("no such host") from None


def is_allowed(address: Address) -> bool:
    return str(address) in (PUBLIC, "127.0.0.3") or is_public(address)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    folder: Path = tmp_path_factory.mktemp("certificates")
    return make_certificates(folder, "images.example", "two.example", "half.example")


@pytest.fixture
async def server(certificates: tuple[ssl.SSLContext, ssl.SSLContext]) -> AsyncIterator[HttpsServer]:
    async with https_server(certificates[0], PUBLIC) as running:
        running.answers["/cat.png"] = response(body=PICTURE)
        yield running


@pytest.fixture
def resolver() -> Resolver:
    return Resolver()


@pytest.fixture
def fetcher(
    server: HttpsServer,
    resolver: Resolver,
    certificates: tuple[ssl.SSLContext, ssl.SSLContext],
) -> ReferenceFetcher:
    return ReferenceFetcher(
        max_bytes=20_000,
        total_seconds=5,
        ports=[443, server.port],
        resolve=resolver,
        is_allowed=is_allowed,
        tls=certificates[1],
    )


async def refusal(fetcher: ReferenceFetcher, url: str) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as caught:
        await fetcher.load(url)
    assert caught.value.param == "input_reference"
    return caught.value


async def test_an_image_is_fetched_under_its_own_name(
    fetcher: ReferenceFetcher, server: HttpsServer, resolver: Resolver
) -> None:
    assert await fetcher.load(f"https://images.example:{server.port}/cat.png#top") == PICTURE
    [request] = server.requests
    assert request["host"] == f"images.example:{server.port}"
    assert request["accept-encoding"] == "identity"
    assert "cookie" not in request
    assert resolver.asked == ["images.example"]


async def test_a_data_url_that_is_not_in_base64_says_what_to_send(
    fetcher: ReferenceFetcher,
) -> None:
    error = await refusal(fetcher, "data:image/png,abc")
    assert error.code == "invalid_image_url"
    assert "base64" in error.message


async def test_the_next_address_is_tried_when_one_does_not_answer(
    fetcher: ReferenceFetcher, server: HttpsServer
) -> None:
    assert await fetcher.load(f"https://two.example:{server.port}/cat.png") == PICTURE


async def test_a_certificate_for_another_name_is_refused(
    fetcher: ReferenceFetcher, server: HttpsServer
) -> None:
    error = await refusal(fetcher, f"https://other.example:{server.port}/cat.png")
    assert error.code == "image_url_unreachable"
    assert "certificate" in error.message
    assert server.requests == []


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "169.254.169.254",
        "168.63.129.16",
        "10.1.2.3",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:a9fe:a9fe]",
        "[64:ff9b::7f00:1]",
        "inner.example",
        "half.example",
        "mapped.example",
        "nowhere.example",
        "localhost",
    ],
)
@pytest.mark.parametrize("redirected", [False, True], ids=["asked", "redirected"])
async def test_places_that_are_not_public_are_refused(
    fetcher: ReferenceFetcher, server: HttpsServer, host: str, redirected: bool
) -> None:
    url = f"https://{host}:{server.port}/cat.png"
    if redirected:
        server.answers["/to"] = response("302 Found", location=url)
        url = f"https://images.example:{server.port}/to"
    error = await refusal(fetcher, url)
    assert error.code == "image_url_not_allowed"
    assert "public" in error.message
    assert len(server.requests) == int(redirected)


async def test_without_hooks_loopback_is_refused() -> None:
    error = await refusal(ReferenceFetcher(max_bytes=10), "https://localhost/cat.png")
    assert error.code == "image_url_not_allowed"


async def test_other_ports_are_refused(fetcher: ReferenceFetcher, resolver: Resolver) -> None:
    error = await refusal(fetcher, "https://images.example:22/cat.png")
    assert error.code == "image_url_not_allowed"
    assert resolver.asked == []


@pytest.mark.parametrize(
    "url",
    [
        "http://images.example/cat.png",
        "ftp://images.example/cat.png",
        "file:///etc/passwd",
        "//images.example/cat.png",
        "images.example/cat.png",
        "https://",
        "https://user:secret@images.example/",
        "https://user@images.example/",
        "https://xn--a/",
        "https://images.example/\x00",
        "https://images.example/" + "a" * 10_000,
        "",
    ],
)
async def test_other_urls_are_refused(
    fetcher: ReferenceFetcher, resolver: Resolver, url: str
) -> None:
    error = await refusal(fetcher, url)
    assert error.code == "invalid_image_url"
    assert "secret" not in error.message
    assert resolver.asked == []


@given(text=st.text(), scheme=st.sampled_from(["", "https://", "https://[", "https://a/", "data:"]))
@settings(deadline=None)
async def test_no_text_raises_anything_else(text: str, scheme: str) -> None:
    async def nowhere(host: str, port: int) -> Sequence[Address]:
        return []

    with pytest.raises(RequestError):
        await ReferenceFetcher(max_bytes=100, resolve=nowhere).load(scheme + text)


async def test_redirects_are_followed(
    fetcher: ReferenceFetcher, server: HttpsServer, resolver: Resolver
) -> None:
    server.answers["/a"] = response("301 Moved", location="b?c=d")
    server.answers["/b?c=d"] = response(
        "307 Temporary Redirect", location=f"https://two.example:{server.port}/e"
    )
    server.answers["/e"] = response("302 Found", location="/cat.png")
    assert await fetcher.load(f"https://images.example:{server.port}/a") == PICTURE
    assert resolver.asked == ["images.example", "images.example", "two.example", "two.example"]
    assert [request["host"].split(":")[0] for request in server.requests][-1] == "two.example"


async def test_redirects_come_to_an_end(fetcher: ReferenceFetcher, server: HttpsServer) -> None:
    server.answers["/a"] = response("302 Found", location="/a")
    error = await refusal(fetcher, f"https://images.example:{server.port}/a")
    assert error.code == "image_url_unreachable"
    assert len(server.requests) == 4


@pytest.mark.parametrize(
    "location",
    ["http://images.example/cat.png", "https://u:p@images.example/", "file:///etc/hosts"],
)
async def test_redirects_to_other_urls_are_refused(
    fetcher: ReferenceFetcher, server: HttpsServer, location: str
) -> None:
    server.answers["/a"] = response("302 Found", location=location)
    error = await refusal(fetcher, f"https://images.example:{server.port}/a")
    assert error.code == "invalid_image_url"


async def _endless(path: str, writer: asyncio.StreamWriter) -> None:
    writer.write(response(transfer_encoding="chunked"))
    while True:
        writer.write(b"1000\r\n" + b"x" * 0x1000 + b"\r\n")
        await writer.drain()


@pytest.mark.parametrize(
    "answer", [response(body=b"x", content_length="20001"), _endless], ids=["announced", "endless"]
)
async def test_too_many_bytes_are_refused(
    fetcher: ReferenceFetcher, server: HttpsServer, answer: bytes
) -> None:
    server.answers["/a"] = answer
    error = await refusal(fetcher, f"https://images.example:{server.port}/a")
    assert error.code == "image_too_large"
    assert "20,000 bytes" in error.message


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (response("404 Not Found", b"no"), "HTTP status 404"),
        (response("206 Partial Content", b"part"), "HTTP status 206"),
        (response("302 Found"), "HTTP status 302"),
        (response(), "empty"),
        (response(body=b"x", content_encoding="gzip"), "compressed"),
        (response(body=b"x", content_length="100"), "broke off"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "broke off"),
    ],
)
async def test_what_went_wrong_is_said_without_path_and_query(
    fetcher: ReferenceFetcher, server: HttpsServer, answer: bytes, words: str
) -> None:
    server.answers["/a?sig=secret"] = answer
    error = await refusal(fetcher, f"https://images.example:{server.port}/a?sig=secret")
    assert error.code == "image_url_unreachable"
    assert words in error.message
    assert "images.example" in error.message
    assert "secret" not in error.message


async def test_nobody_at_home_is_said(fetcher: ReferenceFetcher, resolver: Resolver) -> None:
    error = await refusal(fetcher, "https://images.example/")
    assert error.code == "image_url_unreachable"
    assert "connected" in error.message


async def test_an_answer_that_never_ends_is_given_up(
    server: HttpsServer, resolver: Resolver, certificates: tuple[ssl.SSLContext, ssl.SSLContext]
) -> None:
    given_up = asyncio.Event()

    async def hang(path: str, writer: asyncio.StreamWriter) -> None:
        writer.write(response(content_length="100", body=b"x"))
        await writer.drain()
        await given_up.wait()

    server.answers["/a"] = hang
    fetcher = ReferenceFetcher(
        max_bytes=1000,
        total_seconds=0.2,
        ports=[server.port],
        resolve=resolver,
        is_allowed=is_allowed,
        tls=certificates[1],
    )
    error = await refusal(fetcher, f"https://images.example:{server.port}/a")
    given_up.set()
    assert "0.2 seconds" in error.message
