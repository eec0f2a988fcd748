"""One run: the stack, the proxy beside it, and rounds in turn."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from bench.litellm.load import Downloads, Retrieves, download, retrieve
from bench.litellm.memory import Growth, family, resident
from bench.litellm.proxy import LiteLLMProxy
from bench.videos import NoVideo, finished_video
from local.stack.launch import StackProcess, without_settings
from local.stack.ready import StackInfo

__all__ = ["BYTES", "DownloadRound", "NoVideo", "Plan", "Results", "run"]

BYTES = 50 * 1024**2
_PROMPT = f"A clapperboard closes [sim render=1 label=bench bytes={BYTES}]"
_SCOPE = "https://cognitiveservices.azure.com"


@dataclass(frozen=True)
class Plan:
    """How much is measured.

    Attributes:
        rounds: of each kind, ours and LiteLLM's in turn.
        seconds: of one round of retrieves.
        workers: processes of LiteLLM's proxy.
    """

    rounds: int
    seconds: float
    concurrency: int
    parallel: int
    workers: int


@dataclass
class Server:
    """One of the two: whom to ask, and whose memory to look at.

    Attributes:
        pids: its processes.
        beside: those of the storage emulator, where it delivers the bytes.
    """

    name: str
    url: str
    headers: Mapping[str, str]
    pids: Sequence[int]
    beside: Sequence[int] = ()
    before: int = 0
    before_beside: int = 0

    def warm_up(self, plan: Plan) -> None:
        """Imports, pools, compiled expressions; memory is compared with what it is after that and
        before the first download."""
        _retrieves(self, plan, seconds=3)
        self.before, self.before_beside = resident(self.pids), resident(self.beside)
        _downloads(self, plan, parallel=1)

    @property
    def content(self) -> str:
        return f"{self.url}/content"


@dataclass(frozen=True)
class DownloadRound:
    """A round of downloads.

    Attributes:
        growth: bytes, the server's memory above what it was before the first download.
        beside: the same of the storage emulator.
    """

    downloads: Downloads
    growth: int
    beside: int


@dataclass(frozen=True)
class Results:
    """All rounds, by server, in the order they were made."""

    retrieves: Mapping[str, list[Retrieves]]
    downloads: Mapping[str, list[DownloadRound]]


def run(plan: Plan, directory: Path) -> Results:
    """Measure everything once."""
    state = directory / "stack"
    retrieves: dict[str, list[Retrieves]] = {"dailies": [], "litellm": []}
    downloads: dict[str, list[DownloadRound]] = {"dailies": [], "litellm": [], "stream": []}
    with _stack(state) as info:
        ours = _server(
            "dailies", info, finished_video(info.base_url, info.api_key, "sora-2", prompt=_PROMPT)
        )
        token = _token(info, state)
        with LiteLLMProxy(directory, info.simulator_url, token, workers=plan.workers) as proxy:
            video = finished_video(proxy.base_url, proxy.api_key, "azure-sora-2", prompt=_PROMPT)
            theirs = _proxied(proxy, video)
            for contestant in (ours, theirs):
                contestant.warm_up(plan)
            for number in range(plan.rounds):
                order = (ours, theirs) if number % 2 == 0 else (theirs, ours)
                for contestant in order:
                    retrieves[contestant.name].append(_retrieves(contestant, plan))
                for contestant in order:
                    downloads[contestant.name].append(_downloads(contestant, plan))
    with _stack(state, {"DAILIES_CONTENT_DELIVERY": "stream"}) as info:
        streaming = _server("stream", info, ours.url.rpartition("/")[2])
        streaming.warm_up(plan)
        downloads["stream"] = [_downloads(streaming, plan) for _ in range(plan.rounds)]
    return Results(retrieves, downloads)


def _stack(state: Path, settings: Mapping[str, str] | None = None) -> StackProcess:
    environ = {**without_settings(os.environ), **(settings or {})}
    return StackProcess(state, ["--speed", "60", "--unlimited"], environ=environ)


def _server(name: str, info: StackInfo, video: str) -> Server:
    pids = {part: pid for part, pid in info.pids.items() if pid}
    return Server(
        name,
        f"{info.base_url}/v1/videos/{video}",
        {"Authorization": f"Bearer {info.api_key}"},
        [pids["host"], pids["worker"]],
        family(pids["azurite"]),
    )


def _proxied(proxy: LiteLLMProxy, video: str) -> Server:
    return Server(
        "litellm",
        f"{proxy.base_url}/v1/videos/{video}",
        {"Authorization": f"Bearer {proxy.api_key}"},
        family(proxy.pid),
    )


def _retrieves(server: Server, plan: Plan, seconds: float | None = None) -> Retrieves:
    asked = retrieve(
        server.url,
        server.headers,
        concurrency=plan.concurrency,
        seconds=seconds or plan.seconds,
    )
    return asyncio.run(asked)


def _downloads(server: Server, plan: Plan, parallel: int | None = None) -> DownloadRound:
    with (
        Growth(server.pids, server.before) as own,
        Growth(server.beside, server.before_beside) as beside,
    ):
        result = asyncio.run(
            download(
                server.content,
                server.headers,
                parallel=parallel or plan.parallel,
                size=BYTES,
            )
        )
    return DownloadRound(result, own.bytes, beside.bytes)


def _token(info: StackInfo, state: Path) -> str:
    """A token of the simulated identity, as the app's own."""
    secret = json.loads((state / "keys.json").read_text(encoding="utf-8"))["identity_header"]
    answer = httpx.get(
        f"{info.simulator_url}/identity/token",
        params={"resource": _SCOPE, "api-version": "2019-08-01"},
        headers={"X-IDENTITY-HEADER": secret},
        trust_env=False,
    )
    return str(answer.raise_for_status().json()["access_token"])
