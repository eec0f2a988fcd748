"""Calls to webhooks: to public addresses alone, to the one that was looked at, and not for long."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from ipaddress import ip_address

import pytest

from dailies.hosts import PrivateHosts
from dailies.net.addresses import Address
from dailies.net.posting import WebhookPoster
from dailies.video.errors import InvalidRequest

LOCAL = PrivateHosts.parse("127.0.0.1")
Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def _resolving(*addresses: str) -> Callable[[str, int], Awaitable[Sequence[Address]]]:
    async def resolve(host: str, port: int) -> Sequence[Address]:
        return [ip_address(address) for address in addresses]

    return resolve


@asynccontextmanager
async def _server(answer: Answer) -> AsyncIterator[tuple[str, list[bytes]]]:
    """Its address, and the requests that came."""
    requests: list[bytes] = []
    served: list[asyncio.Task[None]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                requests.append(await reader.readuntil(b"{}"))
                await answer(reader, writer)
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.append(asyncio.create_task(serve(reader, writer)))

    server = await asyncio.start_server(begin, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook?a=b", requests
        await asyncio.gather(*served)


def _saying(text: bytes) -> Answer:
    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(text)
        await writer.drain()

    return answer


@pytest.mark.parametrize(
    "addresses",
    [
        ("127.0.0.1",),
        ("10.1.2.3",),
        ("169.254.169.254",),
        ("168.63.129.16",),
        ("::1",),
        ("fd00::7",),
        ("::ffff:10.0.0.1",),
        ("93.184.215.14", "10.0.0.1"),
        (),
    ],
)
async def test_a_name_that_leads_inside_is_not_called(addresses: tuple[str, ...]) -> None:
    poster = WebhookPoster(resolve=_resolving(*addresses))
    posted = await poster.post("https://hooks.example/a", b"{}", {})
    assert (posted.status, posted.fault) == (None, "no_public_address")


async def test_a_name_that_leads_nowhere_is_told_as_one_that_leads_inside() -> None:
    async def resolve(host: str, port: int) -> Sequence[Address]:
        raise socket.gaierror("no such name")

    posted = await WebhookPoster(resolve=resolve).post("https://hooks.example/a", b"{}", {})
    assert posted.fault == "no_public_address"


async def test_the_call_goes_to_the_address_that_was_looked_at_and_is_asked_once() -> None:
    asked: list[str] = []

    async def resolve(host: str, port: int) -> Sequence[Address]:
        asked.append(host)
        return [ip_address("127.0.0.1")]

    async with _server(_saying(b"HTTP/1.1 204 No Content\r\n\r\n")) as (url, requests):
        port = url.split(":")[2].partition("/")[0]
        poster = WebhookPoster(private_hosts=PrivateHosts.parse("hooks.internal"), resolve=resolve)
        posted = await poster.post(f"http://hooks.internal:{port}/hook?a=b", b"{}", {"x-a": "1"})
    assert posted.status == 204
    assert asked == ["hooks.internal"]
    (request,) = requests
    head = request.decode().lower()
    assert head.startswith("post /hook?a=b http/1.1")
    assert f"host: hooks.internal:{port}" in head
    assert "x-a: 1" in head


@pytest.mark.parametrize(
    ("text", "status", "retry_after"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 200, None),
        (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n", 302, None),
        (b"HTTP/1.1 503 No\r\nRetry-After: 120\r\n\r\n", 503, 120),
        (
            b"HTTP/1.1 503 No\r\nDate: Tue, 01 Dec 2026 08:00:00 GMT\r\n"
            b"Retry-After: Tue, 01 Dec 2026 09:00:00 GMT\r\n\r\n",
            503,
            3600,
        ),
        (b"HTTP/1.1 429 No\r\nRetry-After: soon\r\n\r\n", 429, None),
        (b"HTTP/1.1 410 Gone\r\n\r\n", 410, None),
        # An answer that promises more than it sends has a status all the same.
        (b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\nok", 200, None),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n" + b"x" * 100_000, 200, None),
    ],
)
async def test_of_an_answer_counts_the_status(
    text: bytes, status: int, retry_after: float | None
) -> None:
    async with _server(_saying(text)) as (url, requests):
        posted = await WebhookPoster(private_hosts=LOCAL).post(url, b"{}", {})
    assert (posted.status, posted.retry_after, posted.fault) == (status, retry_after, None)
    assert len(requests) == 1


async def test_one_that_never_answers_is_left() -> None:
    with socket.socket() as silent:  # the system takes the connection, and nobody the call
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        poster = WebhookPoster(private_hosts=LOCAL, total_seconds=0.2)
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/hook"
        posted = await poster.post(url, b"{}", {})
    assert (posted.status, posted.fault) == (None, "timed_out")
    assert posted.is_down


@pytest.mark.parametrize("text", [b"", b"no http\r\n\r\n", b"HTTP/1.1 200"])
async def test_one_that_says_nothing_of_use_is_told_apart(text: bytes) -> None:
    async with _server(_saying(text)) as (url, _):
        posted = await WebhookPoster(private_hosts=LOCAL).post(url, b"{}", {})
    assert (posted.status, posted.fault) == (None, "broke_off")


async def test_nobody_at_the_port_is_no_connection() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        posted = await WebhookPoster(private_hosts=LOCAL).post(
            f"http://127.0.0.1:{port}/", b"{}", {}
        )
    assert posted.fault == "no_connection"


async def test_an_address_that_is_not_allowed_any_more_is_not_called() -> None:
    async with _server(_saying(b"HTTP/1.1 200 OK\r\n\r\n")) as (url, requests):
        posted = await WebhookPoster().post(url, b"{}", {})
    assert posted.fault == "not_allowed"
    assert requests == []


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://a.example/x", "https://a.example/y?z", True),
        ("https://a.example/x", "https://a.example:443/x", True),
        ("https://A.example/x", "https://a.example/x", True),
        ("https://a.example/x", "https://a.example:8443/x", False),
        ("https://a.example/x", "https://b.example/x", False),
    ],
)
def test_addresses_of_one_host_are_one_receiver(one: str, other: str, same: bool) -> None:
    poster = WebhookPoster()
    assert (poster.origin(one) == poster.origin(other)) is same


def test_what_is_wrong_with_an_address_does_not_repeat_it() -> None:
    with pytest.raises(InvalidRequest) as refused:
        WebhookPoster().origin("https://user:hunter2@hooks.example/a?token=t")
    assert "hunter2" not in refused.value.message
