"""Faults on demand: the next requests to a route fail in the way that was asked for.

    kind       done?   what the client sees
    status     no      the status, headers and body that the fault names
    reset      no      the connection is reset
    hold       yes     a wait of ``seconds`` before anything is done, then the usual answer
    lost       yes     the connection is reset when the answer should come
    timeout    yes     nothing, until the client gives up or the faults are deleted
    truncate   yes     half of the body, then the end of the connection
    slow       yes     the answer after ``seconds``; content trickles over ``seconds``

``seconds`` are real seconds: they are for someone who watches or kills a process meanwhile.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, cast, get_args

from local.services.routing import ROUTES, Target

Kind = Literal["status", "reset", "hold", "lost", "timeout", "truncate", "slow"]
_FIELDS = frozenset({"route", "kind", "status", "headers", "body", "times", "match", "seconds"})
_DEFAULT_SECONDS = 5.0
_NO_JOB = ("token", "list", "analyze")


class InvalidFaultError(ValueError):
    """The request for a fault makes no sense; the message says why."""


@dataclass(eq=False)
class Fault:
    """One order. ``times`` is how often it still strikes, None for always."""

    id: int
    route: str
    kind: Kind
    status: int = 503
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    times: int | None = 1
    match: str | None = None
    seconds: float = _DEFAULT_SECONDS
    lifted: asyncio.Event = field(default_factory=asyncio.Event)

    def report(self) -> dict[str, Any]:
        """The fault as ``GET /_inspect/faults`` shows it."""
        return {
            "id": self.id,
            "route": self.route,
            "kind": self.kind,
            "status": self.status,
            "times": self.times,
            "match": self.match,
            "seconds": self.seconds,
        }


class Faults:
    """The faults that are still to strike, in the order in which they were asked for."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._held: list[Fault] = []
        self._ids = itertools.count(1)

    def add(self, order: dict[str, Any]) -> Fault:
        """Take an order.

        Raises:
            InvalidFaultError: it names an unknown route, kind or field, or a value of a wrong type.
        """
        fault = _parse(next(self._ids), order)
        self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """Forget all faults and let go of everything that is held."""
        for fault in (*self._faults, *self._held):
            fault.lifted.set()
        self._faults.clear()
        self._held.clear()

    def remaining(self) -> list[Fault]:
        """The faults that are still to strike."""
        return list(self._faults)

    def waits_for_text(self, route: str) -> bool:
        """Whether a fault on ``route`` depends on a prompt."""
        return any(fault.route == route and fault.match is not None for fault in self._faults)

    def strike(self, target: Target, concerns: Callable[[str], bool]) -> Fault | None:
        """The fault for this request, counted; ``concerns`` tells if a text is in its prompt."""
        for fault in self._faults:
            if fault.route != target.route:
                continue
            if fault.match is not None and not concerns(fault.match):
                continue
            if fault.times is not None:
                fault.times -= 1
                if fault.times == 0:
                    self._faults.remove(fault)
            if fault.kind in ("timeout", "hold", "slow") and fault not in self._held:
                self._held.append(fault)
            return fault
        return None


def _parse(number: int, order: dict[str, Any]) -> Fault:
    unknown = set(order) - _FIELDS
    if unknown:
        raise InvalidFaultError(f"unknown field '{min(unknown)}'; known: {sorted(_FIELDS)}")
    route, kind = order.get("route"), order.get("kind")
    if route not in ROUTES:
        raise InvalidFaultError(f"route is one of {', '.join(ROUTES)}; not {route!r}")
    if kind not in get_args(Kind):
        raise InvalidFaultError(f"kind is one of {', '.join(get_args(Kind))}; not {kind!r}")
    fault = Fault(number, route, cast(Kind, kind))
    fault.status = int(_number(order, "status", 503, low=200, high=599))
    fault.seconds = _number(order, "seconds", _DEFAULT_SECONDS, low=0, high=86_400)
    if order.get("times", 1) is None:
        fault.times = None
    else:
        fault.times = int(_number(order, "times", 1, low=1, high=1_000_000))
    headers = order.get("headers") or {}
    if not isinstance(headers, dict):
        raise InvalidFaultError("headers is an object of strings")
    fault.headers = {str(name): str(value) for name, value in headers.items()}
    match = order.get("match")
    if match is not None and (not isinstance(match, str) or not match):
        raise InvalidFaultError("match is a text of at least one character")
    if match is not None and route in _NO_JOB:
        raise InvalidFaultError(f"a request to the route {route} concerns no job: leave out match")
    fault.match = match
    fault.body = _body(order.get("body"))
    return fault


def _number(order: dict[str, Any], name: str, default: float, *, low: float, high: float) -> float:
    value = order.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise InvalidFaultError(f"{name} is a number from {low:g} to {high:g}; not {value!r}")
    return value


def _body(given: object) -> bytes | None:
    if given is None:
        return None
    return given.encode() if isinstance(given, str) else json.dumps(given).encode()
