"""How long the worker waits for a request, with Microsoft's coordinator and with the local one."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import logging
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import pytest

from local.host.worker import coordinator as local_coordinator
from tests.unit.triggers import microsoft
from triggers import arrival_guard
from triggers.arrival_guard import NeverCameError, UnclaimedError

Function = Callable[[Any], Awaitable[Any]]
MANY = 200
"""Turns of the loop: many more than a wait has steps, each of which takes one here."""


@dataclass(frozen=True)
class Request:
    """What the HTTP server hands over."""

    headers: dict[str, str]


class Worker:
    """A worker's coordinator, and what its dispatcher and its HTTP server do with it."""

    def __init__(self, module: ModuleType) -> None:
        self.module = module
        self.coordinator = module.http_coordinator
        self.serve: Callable[[Any], Awaitable[Any]] = module.catch_all

    async def invoke(
        self, invocation_id: str, function: Function, *, unreadable: bool = False
    ) -> Any:
        """As ``invocation_request`` of ``azure_functions_runtime/handle_event.py``; gives what the
        host is told. What this raises, the host is never told."""
        try:
            if unreadable:
                raise ValueError("an input can't be read")
            request = await self.coordinator.get_http_request_async(invocation_id)
            result = await function(request)
            self.coordinator.set_http_response(invocation_id, result)
        except Exception as error:  # noqa: BLE001 - as there
            self.coordinator.set_http_response(invocation_id, error)
            return error
        return "success"

    async def ask(self, invocation_id: str) -> Any:
        """A request that the host has brought."""
        return await self.serve(Request({"x-ms-invocation-id": invocation_id}))

    @property
    def kept(self) -> int:
        """Of how many requests something is kept."""
        return len(self.coordinator._context_references)


def fresh(module: ModuleType) -> ModuleType:
    """Another copy of a module, with a coordinator of its own."""
    spec = module.__spec__
    assert spec is not None
    assert spec.loader is not None
    copy = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(copy)
    return copy


@pytest.fixture(params=[microsoft, local_coordinator], ids=["microsoft", "local"])
def bare(request: pytest.FixtureRequest) -> Worker:
    return Worker(fresh(request.param))


@pytest.fixture
def worker(bare: Worker, monkeypatch: pytest.MonkeyPatch) -> Iterator[Worker]:
    # A step is one turn of the loop then, whatever the machine is doing.
    monkeypatch.setattr(arrival_guard, "_STEP_SECONDS", 0)
    arrival_guard.guard(bare.serve)
    yield bare
    assert bare.kept == 0


async def turns(number: int) -> None:
    for _ in range(number):
        await asyncio.sleep(0)


async def echo(request: Any) -> str:
    return f"to {request.headers['x-ms-invocation-id']}"


async def fails(request: Any) -> str:
    raise LookupError("for the test")


async def test_without_the_guard_an_invocation_waits_for_ever_and_its_request_is_kept(
    bare: Worker,
) -> None:
    waiting = asyncio.create_task(bare.invoke("i", echo))
    unclaimed = asyncio.create_task(bare.ask("u"))
    await asyncio.gather(bare.invoke("k", echo), bare.ask("k"))
    await turns(MANY)
    assert not waiting.done()
    assert not unclaimed.done()
    assert bare.kept == 3
    waiting.cancel()
    unclaimed.cancel()


@pytest.mark.parametrize("first", ["request", "invocation"])
async def test_a_request_and_its_invocation_meet(worker: Worker, first: str) -> None:
    pair = [worker.ask("i"), worker.invoke("i", echo)]
    tasks = [asyncio.create_task(c) for c in (pair if first == "request" else pair[::-1])]
    done = await asyncio.gather(*tasks)
    assert set(done) == {"to i", "success"}


async def test_what_a_function_raises_is_raised_at_the_server(worker: Worker) -> None:
    asked = asyncio.create_task(worker.ask("i"))
    assert isinstance(await worker.invoke("i", fails), LookupError)
    with pytest.raises(LookupError, match="for the test"):
        await asked


async def test_an_invocation_whose_request_never_comes_ends_with_an_error(
    worker: Worker, caplog: pytest.LogCaptureFixture
) -> None:
    assert isinstance(await worker.invoke("i", echo), NeverCameError)
    (line,) = [json.loads(r.message) for r in caplog.records if r.name == "dailies"]
    assert line == {"event": "request_never_came", "invocation_id": "i"}


async def test_a_request_that_no_invocation_claims_is_refused(worker: Worker) -> None:
    with pytest.raises(UnclaimedError):
        await worker.ask("made up")


async def test_requests_under_one_made_up_name_are_refused_each(worker: Worker) -> None:
    asked = [asyncio.create_task(worker.ask("a")) for _ in range(5)]
    await turns(2)
    asked += [asyncio.create_task(worker.ask("a")) for _ in range(5)]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(answer) for answer in answers] == [UnclaimedError] * 10


async def test_a_function_may_take_as_long_as_it_likes(worker: Worker) -> None:
    go = asyncio.Event()

    async def slow(request: Any) -> str:
        await go.wait()
        return "at last"

    asked = asyncio.create_task(worker.ask("i"))
    running = asyncio.create_task(worker.invoke("i", slow))
    await turns(MANY)
    assert not asked.done()
    go.set()
    assert (await asked, await running) == ("at last", "success")


async def test_neighbours_of_one_that_never_comes_are_served(worker: Worker) -> None:
    lost = [asyncio.create_task(worker.invoke(f"lost {n}", echo)) for n in range(10)]
    for n in range(20):
        answer, _ = await asyncio.gather(worker.ask(f"{n}"), worker.invoke(f"{n}", echo))
        assert answer == f"to {n}"
    assert {type(await one) for one in lost} == {NeverCameError}


async def test_a_request_that_comes_too_late_is_refused(worker: Worker) -> None:
    assert isinstance(await worker.invoke("i", echo), NeverCameError)
    with pytest.raises(UnclaimedError):
        await worker.ask("i")


async def test_an_invocation_that_comes_too_late_ends(worker: Worker) -> None:
    with pytest.raises(UnclaimedError):
        await worker.ask("i")
    assert isinstance(await worker.invoke("i", echo), NeverCameError)


@pytest.mark.parametrize("has_come", [True, False])
async def test_an_invocation_that_fails_before_it_asks_ends(worker: Worker, has_come: bool) -> None:
    asked = [asyncio.create_task(worker.ask("i"))] if has_come else []
    await turns(1)
    assert isinstance(await worker.invoke("i", echo, unreadable=True), ValueError)
    for one in asked:
        with pytest.raises(ValueError, match="can't be read"):
            await one


async def test_a_server_that_gives_a_request_up_does_not_keep_its_invocation(
    worker: Worker,
) -> None:
    go = asyncio.Event()

    async def slow(request: Any) -> str:
        await go.wait()
        return "to nobody"

    asked = asyncio.create_task(worker.ask("i"))
    running = asyncio.create_task(worker.invoke("i", slow))
    await turns(3)
    asked.cancel()
    await turns(3)
    go.set()
    assert await running == "success"


async def test_a_function_without_an_answer_is_an_error_at_the_server(worker: Worker) -> None:
    async def nothing(request: Any) -> None:
        return None

    asked = asyncio.create_task(worker.ask("i"))
    assert await worker.invoke("i", nothing) == "success"
    with pytest.raises(ValueError, match="No http response"):
        await asked


async def test_a_loop_that_stood_still_does_not_lose_what_has_come(
    bare: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrival_guard, "_STEP_SECONDS", 0)
    monkeypatch.setattr(arrival_guard, "_STEPS", 1)
    arrival_guard.guard(bare.serve)
    waiting = asyncio.create_task(bare.invoke("i", echo))
    await turns(1)
    # Both in one turn: the wait's last step ends, and the request comes.
    assert await bare.ask("i") == "to i"
    assert await waiting == "success"


# -- a coordinator that is not the one that we know


def _without_references(module: Any) -> None:
    del module.http_coordinator._context_references


def _other_parameters(module: Any) -> None:
    async def get_http_request_async(invoc_id: str, timeout: float) -> None:
        """Takes more."""

    module.http_coordinator.get_http_request_async = get_http_request_async


def _no_coroutine(module: Any) -> None:
    module.http_coordinator.await_http_response_async = lambda invoc_id: None


def _no_function(module: Any) -> None:
    module.http_coordinator.set_http_request = "x"


def _none(module: Any) -> None:
    del module.http_coordinator


def _other_reference(module: Any) -> None:
    module.AsyncContextReference = object


@pytest.mark.parametrize(
    "change",
    [_without_references, _other_parameters, _no_coroutine, _no_function, _none, _other_reference],
)
async def test_an_unknown_coordinator_is_left_alone_and_that_is_said_once(
    bare: Worker, change: Callable[[Any], None], caplog: pytest.LogCaptureFixture
) -> None:
    change(bare.module)
    before = dict(vars(getattr(bare.module, "http_coordinator", object)))
    arrival_guard.guard(bare.serve)
    assert dict(vars(getattr(bare.module, "http_coordinator", object))) == before
    assert not caplog.records  # the host would drop it
    arrival_guard.report()
    arrival_guard.report()
    (line,) = [json.loads(r.message) for r in caplog.records]
    assert line["event"] == "arrivals_unguarded"
    assert line["reason"]


@pytest.mark.parametrize("serve", [print, lambda request: None], ids=["builtin", "lambda"])
async def test_a_worker_without_a_coordinator_starts(
    serve: Callable[..., object], caplog: pytest.LogCaptureFixture
) -> None:
    arrival_guard.guard(serve)
    arrival_guard.report()
    assert [r.levelno for r in caplog.records] == [logging.WARNING]


async def test_a_guarded_coordinator_is_not_guarded_again(
    worker: Worker, caplog: pytest.LogCaptureFixture
) -> None:
    before = vars(worker.coordinator).copy()
    arrival_guard.guard(worker.serve)
    arrival_guard.report()
    assert vars(worker.coordinator) == before
    assert not caplog.records
