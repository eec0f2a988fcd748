"""The callers: they order videos as well-behaved clients do while the app dies under them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.chaos.plan import Order, Way
from tests.pictures import png
from tests.stack import RunningStack

__all__ = ["UNTOLD", "Ledger", "Placed", "place_orders"]

UNTOLD = "untold"
"""The folder whose uploads the simulated Event Grid is told to lose."""
_CALLERS = 8
_PATIENCE = 120.0  # seconds of retries until an order counts as not taken


@dataclass(frozen=True)
class Placed:
    """What a caller knows of its order. ``certain``: the app has said that it took it."""

    order: Order
    certain: bool
    answers: tuple[str, ...] = ()


@dataclass
class Ledger:
    """All that the callers have noted, in the order in which it happened."""

    placed: list[Placed] = field(default_factory=list)
    aims: dict[int, Order] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, placed: Placed) -> None:
        with self.lock:
            self.placed.append(placed)

    def aim(self, fault_id: int, order: Order) -> None:
        with self.lock:
            self.aims[fault_id] = order


@contextmanager
def place_orders(
    stack: RunningStack,
    orders: list[Order],
    ledger: Ledger,
    gate: threading.Semaphore,
    *,
    half_way: Callable[[], None],
) -> Iterator[threading.Event]:
    """Place the orders from several callers, each when ``gate`` lets it through; gives an event
    that is set when all were placed. At the end all callers have returned."""
    done = threading.Event()
    left = [len(orders)]

    def one(order: Order) -> None:
        gate.acquire()
        if order.number == len(orders) // 2:
            half_way()
        try:
            ledger.note(_place(stack, order, ledger))
        finally:
            with ledger.lock:
                left[0] -= 1
                if left[0] == 0:
                    done.set()

    with ThreadPoolExecutor(_CALLERS) as pool:
        futures = [pool.submit(one, order) for order in orders]
        yield done
        for future in futures:
            future.result()


def _place(stack: RunningStack, order: Order, ledger: Ledger) -> Placed:
    if order.aim is not None:
        fault = {
            "route": "create",
            "kind": order.aim.value,
            "match": order.marker,
            "seconds": order.hold_seconds,
        }
        answer = stack.simulator.post("/_inspect/faults", json=fault).raise_for_status()
        ledger.aim(answer.json()["id"], order)
    match order.way:
        case Way.DROP | Way.UNTOLD:
            # Few different images, since each that is new costs the simulator an encoding.
            image = png(order.number % 4)
            about = {"prompt": order.prompt, "model": order.model, "user": order.user}
            folder = UNTOLD if order.way is Way.UNTOLD else "chaos"
            stack.drop(f"{folder}/{order.number:04d}.png", image, about)
            return Placed(order, certain=True)
        case Way.KEYLESS:
            return _post_once(stack, order)
        case Way.KEYED | Way.RESENT:
            return _post_until_taken(stack, order, "/v1/videos")
        case Way.REMIX:
            return _post_until_taken(stack, order, f"/v1/videos/{_source(stack)}/remix")
        case Way.BATCH:
            return _post_until_taken(stack, order, "/v1/video_batches")


def _post_once(stack: RunningStack, order: Order) -> Placed:
    """A create without a key can't be repeated: a lost answer may have made a video."""
    try:
        body = {"model": order.model, "prompt": order.prompt, "user": order.user}
        answer = stack.api.post("/v1/videos", json=body)
    except httpx.TransportError as error:
        return Placed(order, certain=False, answers=(type(error).__name__,))
    return Placed(order, answer.is_success, (str(answer.status_code),))


def _post_until_taken(stack: RunningStack, order: Order, path: str) -> Placed:
    answers: list[str] = []
    deadline = time.monotonic() + _PATIENCE
    body: dict[str, Any] = {"prompt": order.prompt, "user": order.user}
    if order.way is not Way.REMIX:
        body["model"] = order.model
    if order.way is Way.BATCH:
        body = {"shots": [body]}
    while time.monotonic() < deadline:
        try:
            answer = stack.api.post(path, json=body, headers=_marks(order, len(answers)))
        except httpx.TransportError as error:
            answers.append(type(error).__name__)
        else:
            answers.append(str(answer.status_code))
            if answer.is_success:
                return Placed(order, certain=True, answers=tuple(answers))
            if answer.status_code < 500:
                break
        time.sleep(0.2)
    return Placed(order, certain=False, answers=tuple(answers))


def _marks(order: Order, sent_before: int) -> dict[str, str]:
    """What tells the app that this is the same order."""
    if order.way is Way.RESENT:
        return {"x-stainless-retry-count": str(sent_before)}
    return {"Idempotency-Key": order.key}


def _source(stack: RunningStack) -> str:
    """A completed video to remix."""

    def completed() -> str | None:
        try:
            answer = stack.api.get("/v1/videos", params={"order": "asc", "limit": 20})
        except httpx.TransportError:
            return None
        videos = answer.json()["data"] if answer.is_success else []
        remixable = [v for v in videos if v["model"] == "sora-2" and v["status"] == "completed"]
        return str(remixable[0]["id"]) if remixable else None

    return stack.wait_until(completed, within=_PATIENCE, what="a video to remix is complete")
