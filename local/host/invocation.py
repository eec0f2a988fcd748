"""A call of a function, and what comes of it."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from .functions import Function

__all__ = [
    "FunctionCaller",
    "FunctionFault",
    "Invocation",
    "InvocationResult",
    "WorkerLostError",
    "WorkerNotReadyError",
    "new_traceparent",
]


class WorkerLostError(Exception):
    """The worker died, or was killed for a timeout, before the function answered."""


class WorkerNotReadyError(Exception):
    """No worker can take a call; the message gives the reason."""


@dataclass(frozen=True)
class FunctionFault:
    """What a function raised."""

    type: str
    message: str
    stack: str

    @property
    def text(self) -> str:
        """``Type: message``, as Azure reports it."""
        return f"{self.type}: {self.message}"


@dataclass(frozen=True)
class InvocationResult:
    """What a function returned, or raised."""

    value: Mapping[str, Any] | None
    """``{"type": …}`` of the returned value (for HTTP also status, headers, cookies), if any."""
    content: bytes
    fault: FunctionFault | None

    @property
    def text(self) -> str:
        """The content of a string or JSON result."""
        return self.content.decode()


@dataclass(frozen=True)
class Invocation:
    """One call of a function."""

    function: Function
    inputs: Mapping[str, Mapping[str, Any]]
    """Per parameter ``{"type": …, "value": …}``; without ``value`` it is the payload."""
    payload: bytes = b""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    traceparent: str = ""
    tracestate: str = ""
    id: str = field(default_factory=lambda: str(uuid.uuid4()))


class FunctionCaller(Protocol):
    """What triggers and the task hub need of the worker."""

    async def wait_ready(self) -> None:
        """Wait until functions can be called."""

    async def invoke(self, call: Invocation) -> InvocationResult:
        """Call a function.

        :raises WorkerLostError: the worker died before it answered.
        :raises WorkerNotReadyError: no worker can take the call.
        """


def new_traceparent() -> str:
    """A W3C trace context for an invocation that brings none."""
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"
