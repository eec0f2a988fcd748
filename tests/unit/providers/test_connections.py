"""The adapter over real connections: what a server that misbehaves looks like from here."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx
import pytest
from azure.core.credentials import AccessTokenInfo

from dailies.providers.azure_auth import EntraAuth, Tokens, azure_credential
from dailies.providers.azure_sora_2 import AzureSora2
from dailies.providers.base import Content, Reference, Submission
from dailies.providers.outcomes import Kind
from dailies.video.basics import Size, Variant
from dailies.video.errors import IntegrityError
from tests.unit.providers.conftest import job, wire

SUBMISSION = Submission("sora-2", "a cat in the rain", 4, Size(1280, 720))
Handler = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]
"""Gets each whole request of a connection and writes the answer."""


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[str]:
    """A server on the loopback interface; gives its address."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while not writer.is_closing():
                head = await reader.readuntil(b"\r\n\r\n")
                length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
                body = await reader.readexactly(int(length[1])) if length else b""
                await handler(head + body, writer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client is gone
        finally:
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    async with server:
        host, port = server.sockets[0].getsockname()
        yield f"http://{host}:{port}"


@asynccontextmanager
async def adapter(
    endpoint: str, auth: httpx.Auth | None = None, *, read: float = 5
) -> AsyncIterator[AzureSora2]:
    async with httpx.AsyncClient(timeout=httpx.Timeout(5, read=read)) as client:
        yield AzureSora2(wire(client, "sora-2", auth=auth, endpoint=endpoint))


def answer(body: bytes, status: str = "200 OK", **headers: object) -> bytes:
    lines = {"Content-Length": len(body), "Content-Type": "application/json"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items() if value is not None)
    return f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + body


CREATED = answer(json.dumps(job()).encode())


def reset(writer: asyncio.StreamWriter) -> None:
    """Close with a TCP reset."""
    connection = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def test_a_refused_connection_did_nothing() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound but not listening: nobody else can take it
        async with adapter(f"http://127.0.0.1:{unused.getsockname()[1]}") as videos:
            outcome = await videos.submit(SUBMISSION)

    assert (outcome.kind, outcome.code) == (Kind.TRANSIENT, "connection_failed")


@pytest.mark.parametrize("ending", ["reset", "close", "half an answer", "silence"])
async def test_a_request_that_was_read_has_an_unknown_outcome(ending: str) -> None:
    async def handler(_: bytes, writer: asyncio.StreamWriter) -> None:
        match ending:
            case "reset":
                reset(writer)
            case "close":
                writer.close()
            case "half an answer":
                writer.write(CREATED[:-20])
                writer.close()
            case _:
                await asyncio.sleep(0.3)

    async with serving(handler) as endpoint, adapter(endpoint, read=0.1) as videos:
        outcome = await videos.submit(SUBMISSION)

    assert outcome.kind is Kind.UNKNOWN


async def test_a_kept_connection_that_the_server_closed_is_never_used_blindly() -> None:
    """The create after the closing must not be lost, and must not arrive twice."""
    creates = 0

    async def handler(request: bytes, writer: asyncio.StreamWriter) -> None:
        nonlocal creates
        if request.startswith(b"POST"):
            creates += 1
            writer.write(CREATED)
        else:
            writer.write(answer(json.dumps(job()).encode()))
            await writer.drain()
            writer.close()  # without saying so in a header

    async with serving(handler) as endpoint, adapter(endpoint) as videos:
        for sent in range(1, 6):
            assert (await videos.status("video_1")).kind is Kind.ACCEPTED
            await asyncio.sleep(0.01)
            assert (await videos.submit(SUBMISSION)).kind is Kind.ACCEPTED
            assert creates == sent


class Identity:
    def __init__(self) -> None:
        self.given = 0

    async def get_token_info(self, *_: str, options: object = None) -> AccessTokenInfo:
        self.given += 1
        return AccessTokenInfo(f"token-{self.given}", 4_102_444_800)


async def test_a_form_with_an_image_is_sent_again_whole_after_a_401() -> None:
    bodies: list[bytes] = []

    async def handler(request: bytes, writer: asyncio.StreamWriter) -> None:
        bodies.append(request.partition(b"\r\n\r\n")[2])
        writer.write(CREATED if b"token-2" in request else answer(b"{}", "401 Unauthorized"))

    image = Reference(bytes(range(256)) * 1000, "image/png", Size(1280, 720))
    submission = Submission("sora-2", "p", 4, Size(1280, 720), reference=image)
    async with (
        serving(handler) as endpoint,
        adapter(endpoint, EntraAuth(Tokens(Identity()))) as videos,
    ):
        outcome = await videos.submit(submission)

    assert outcome.kind is Kind.ACCEPTED
    assert len(bodies) == 2
    assert bodies[0] == bodies[1]
    assert image.data in bodies[0]


CHUNKED = {"Content_Length": None, "Transfer_Encoding": "chunked", "Content_Type": "video/mp4"}


@pytest.mark.parametrize(
    "sent",
    [
        answer(b"\0" * 400_000, Content_Length=500_000, Content_Type="video/mp4"),
        answer(b"61a80\r\n" + b"\0" * 400_000 + b"\r\n", "200 OK", **CHUNKED),
    ],
    ids=["length", "chunked"],
)
async def test_a_truncated_file_is_noticed(sent: bytes) -> None:
    async def handler(_: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(sent)
        await writer.drain()
        writer.close()

    async with (
        serving(handler) as endpoint,
        adapter(endpoint) as videos,
        videos.open_content("video_1", Variant.VIDEO) as file,
    ):
        assert isinstance(file, Content)
        with pytest.raises(IntegrityError, match="400000 of"):
            async for _ in file.chunks:
                pass


async def test_a_managed_identity_is_asked_as_app_service_wants_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    requests: list[bytes] = []

    async def handler(request: bytes, writer: asyncio.StreamWriter) -> None:
        requests.append(request)
        resource = "https://cognitiveservices.azure.com"
        token = {"access_token": "t", "expires_on": "4102444800", "resource": resource}
        writer.write(answer(json.dumps(token).encode()))

    async with serving(handler) as endpoint:
        environ = {"IDENTITY_ENDPOINT": f"{endpoint}/msi/token", "IDENTITY_HEADER": "hush"}
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        async with azure_credential("my-client", environ) as identity:
            tokens = Tokens(identity)
            assert set(await asyncio.gather(tokens.get(), tokens.get())) == {"t"}

    (request,) = requests
    line = request.splitlines()[0].decode()
    assert line.startswith("GET /msi/token?api-version=2019-08-01&resource=https")
    assert "client_id=my-client" in line
    assert b"x-identity-header: hush" in request.lower()
