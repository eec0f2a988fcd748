"""Answers of a provider are read to their end, as far as they can be what was asked for."""

from __future__ import annotations

import tracemalloc

import httpx
import pytest

from dailies.providers.classify import Call, CallContext
from dailies.providers.wire import Reply, Wire

ABOUT = CallContext(deployment="first", endpoint="first.example")


async def reply(status: int, body: bytes) -> Reply:
    """What is read of an answer."""

    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(status, content=body)

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        wire = Wire(client, httpx.Auth(), ABOUT)
        request = client.build_request("GET", "https://first.example/videos")
        found = await wire.call(Call.LIST, request)
    assert isinstance(found, Reply)
    return found


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b'{"data": [' + b'{"id": "a", "prompt": "' + b"x" * 32_000 + b'"}]}'),
        (200, b"[" + b"0," * 190_000 + b"0]"),
        (400, b'{"error": {"message": "' + b"x" * 200_000 + b'"}}'),
        (502, b"<html>" + b"<p>Bad gateway</p>" * 100),
        (200, b""),
    ],
)
async def test_an_answer_is_read_whole(status: int, body: bytes) -> None:
    assert (await reply(status, body)).body == body


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b"[" + b"{}," * 1_000_000 + b"{}]"),
        (200, b"[" * 1_000_000),
        (200, b'{"data": "' + b"x" * (33 * 1024**2) + b'"}'),
        (400, b'{"error": {"message": "' + b"x" * 300_000 + b'"}}'),
    ],
    ids=["very many values", "nested", "larger than any page", "larger than any error"],
)
async def test_one_that_can_not_be_meant_is_given_without_its_body(
    status: int, body: bytes
) -> None:
    assert (await reply(status, body)).body == b""


async def test_very_many_values_are_not_made() -> None:
    body = b"[" + b"{}," * 5_000_000 + b"{}]"
    tracemalloc.start()
    await reply(200, body)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 4 * 1024**2
