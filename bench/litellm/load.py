"""The clients: a closed loop of small requests, and large downloads side by side.

aiohttp, whose parser is in C: the clients share the machine with what they measure.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp

__all__ = ["Downloads", "Retrieves", "WrongAnswer", "download", "retrieve"]

_READ = 1 << 18


@dataclass(frozen=True)
class Retrieves:
    """Latencies in milliseconds, requests a second, and how many there were."""

    p50: float
    p95: float
    rate: float
    count: int


@dataclass(frozen=True)
class Downloads:
    """Seconds until the first byte of the content (the median and the last of all downloads), and
    bytes a second of all together."""

    first_byte: float
    last_first_byte: float
    rate: float


class WrongAnswer(Exception):
    """A server answered something else than what is measured."""


async def retrieve(
    url: str, headers: Mapping[str, str], *, concurrency: int, seconds: float
) -> Retrieves:
    """``concurrency`` callers that ask again as soon as they have their answer.

    Raises:
        WrongAnswer: an answer is no video.
    """
    latencies: list[float] = []
    started = time.perf_counter()

    async def caller(session: aiohttp.ClientSession) -> None:
        while (before := time.perf_counter()) - started < seconds:
            async with session.get(url) as answer:
                body = await answer.read()
                if answer.status != 200 or b'"status"' not in body:
                    raise WrongAnswer(f"{url}: {answer.status} {body[:300]!r}")
            latencies.append(time.perf_counter() - before)

    async with _session(headers) as session, asyncio.TaskGroup() as group:
        for _ in range(concurrency):
            group.create_task(caller(session))
    elapsed = time.perf_counter() - started
    cuts = statistics.quantiles(latencies, n=100)
    count = len(latencies)
    return Retrieves(p50=cuts[49] * 1e3, p95=cuts[94] * 1e3, rate=count / elapsed, count=count)


async def download(url: str, headers: Mapping[str, str], *, parallel: int, size: int) -> Downloads:
    """``parallel`` downloads of the same file of ``size`` bytes, redirects followed.

    Raises:
        WrongAnswer: a status other than 200, or another number of bytes.
    """

    async def one(session: aiohttp.ClientSession) -> float:
        first: float | None = None
        done = 0
        before = time.perf_counter()
        async with session.get(url) as answer:
            if answer.status != 200:
                raise WrongAnswer(f"{url}: {answer.status} {(await answer.read())[:300]!r}")
            async for chunk in answer.content.iter_chunked(_READ):
                if first is None:
                    first = time.perf_counter() - before
                done += len(chunk)
        if done != size or first is None:
            raise WrongAnswer(f"{url}: {done} bytes in place of {size}")
        return first

    started = time.perf_counter()
    async with _session(headers) as session:
        firsts = await asyncio.gather(*(one(session) for _ in range(parallel)))
    elapsed = time.perf_counter() - started
    return Downloads(
        first_byte=statistics.median(firsts),
        last_first_byte=max(firsts),
        rate=parallel * size / elapsed,
    )


def _session(headers: Mapping[str, str]) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        headers=headers,
        connector=aiohttp.TCPConnector(limit=0),
        timeout=aiohttp.ClientTimeout(total=300),
    )
