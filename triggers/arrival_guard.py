"""Limits how long the worker waits for a request that the host does not bring.

The host sends an invocation over its channel, and the request itself to the worker's HTTP server.
Microsoft's ``HttpCoordinator`` lets each wait for the other without a limit, and a request may
never come: the host's forwarder refuses some headers, a caller may have left already, or have named
another invocation. Then the invocation stays until ``functionTimeout``, which ends the worker and
all that it does. One request without a key is enough.

Here both wait a few seconds, and what is kept of a request goes when it is over. All else is left
to the coordinator: that of ``azure_functions_worker/http_v2.py`` (seen with 4.34), or, from Python
3.13 on, of ``azure_functions_runtime/http_v2.py`` (1.3.0). Any other is left as it is.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import logging
from collections import Counter
from collections.abc import Callable, MutableMapping
from typing import Any

from dailies.telemetry.logs import log_event

__all__ = ["NeverCameError", "UnclaimedError", "guard", "report"]

_STEPS = 5
_STEP_SECONDS = 1.0
"""A loop that stood still, with the request already in its socket, has used up one step at most."""

_WAITS = {"get_http_request_async": ("invoc_id",), "await_http_response_async": ("invoc_id",)}
_NOTES = {
    "set_http_request": ("invoc_id", "http_request"),
    "set_http_response": ("invoc_id", "http_response"),
}
"""The coordinator's methods, and what they take."""
_MARK = "_dailies_guard"


class NeverCameError(Exception):
    """The host did not bring the request of an invocation."""


class UnclaimedError(Exception):
    """No invocation asked for a request."""


def guard(serve: Callable[..., object]) -> None:
    """Limit the waits of the coordinator that ``serve`` uses.

    Args:
        serve: what the worker has its HTTP server call; the coordinator is a global beside it,
            whatever the worker's package is called.
    """
    beside = getattr(serve, "__globals__", {})
    coordinator = beside.get("http_coordinator")
    if isinstance(getattr(coordinator, _MARK, None), _Guard):
        return  # the worker starts its server anew when an instance in waiting becomes this app's
    reason = _strange(coordinator, beside.get("AsyncContextReference"))
    if reason is None:
        setattr(coordinator, _MARK, _Guard(coordinator))
    _unguarded[:] = [] if reason is None else [reason]


def report() -> None:
    """Log once that a coordinator was left as it is; to be called from within an invocation, as the
    host drops what is logged before the first."""
    while _unguarded:
        log_event("arrivals_unguarded", level=logging.WARNING, reason=_unguarded.pop())


_unguarded: list[str] = []


def _strange(coordinator: Any, reference: Any) -> str | None:
    """What about a coordinator is not as it is known; None if nothing is."""
    if not isinstance(getattr(coordinator, "_context_references", None), dict):
        return "there is no coordinator with references"
    for name, parameters in (_WAITS | _NOTES).items():
        method = getattr(coordinator, name, None)
        if _parameters(method) != parameters:
            return f"{name} is not called with {', '.join(parameters)}"
        if inspect.iscoroutinefunction(method) is not (name in _WAITS):
            return f"{name} is {'no' if name in _WAITS else 'a'} coroutine function"
    if not isinstance(getattr(reference, "http_request", None), property):
        return "a reference does not tell whether its request was taken"
    return None


def _parameters(method: Any) -> tuple[str, ...]:
    try:
        return tuple(inspect.signature(method).parameters)
    except (TypeError, ValueError):  # it is no function, or none of Python's
        return ()


class _Guard:
    """Stands in for the methods of one coordinator.

    A reference holds a request from when it comes until an invocation takes it; then it is empty
    until the answer is there.
    """

    def __init__(self, coordinator: Any) -> None:
        self._references: MutableMapping[str, Any] = coordinator._context_references
        self._request = coordinator.get_http_request_async
        self._response = coordinator.await_http_response_async
        self._answer = coordinator.set_http_response
        self._waiting: Counter[str] = Counter()
        """For each invocation, the requests whose answer is waited for: one, unless a caller has
        named it."""
        coordinator.get_http_request_async = self.get_http_request_async
        coordinator.await_http_response_async = self.await_http_response_async
        coordinator.set_http_response = self.set_http_response

    async def get_http_request_async(self, invoc_id: str) -> Any:
        """The request of an invocation, for its function.

        Raises:
            NeverCameError: it did not come in time.
        """
        for _ in range(_STEPS):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_STEP_SECONDS):
                    return await self._request(invoc_id)
        if self._holds_request(invoc_id):
            return await self._request(invoc_id)
        log_event("request_never_came", level=logging.WARNING, invocation_id=invoc_id)
        raise NeverCameError("the host did not bring the request of this invocation")

    async def await_http_response_async(self, invoc_id: str) -> Any:
        """The answer to a request, however long its function takes.

        Raises:
            UnclaimedError: no invocation asked for the request in time.
        """
        self._waiting[invoc_id] += 1
        try:
            for _ in range(_STEPS):
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_STEP_SECONDS):
                        return await self._response(invoc_id)
                if not self._holds_request(invoc_id):
                    return await self._response(invoc_id)
            raise UnclaimedError("no invocation asked for this request")
        finally:
            self._waiting[invoc_id] -= 1
            if not self._waiting[invoc_id]:
                # The worker itself keeps some 2 KB of each request for ever.
                del self._waiting[invoc_id]
                self._references.pop(invoc_id, None)

    def set_http_response(self, invoc_id: str, http_response: Any) -> None:
        """Answer the request of an invocation, if anybody waits for that.

        An error raised here would leave the invocation without an end.
        """
        if self._waiting[invoc_id]:
            self._answer(invoc_id, http_response)
        else:
            self._references.pop(invoc_id, None)

    def _holds_request(self, invoc_id: str) -> bool:
        reference = self._references.get(invoc_id)
        return reference is not None and reference.http_request is not None
