"""Where a request and its invocation meet in the worker, as in Microsoft's.

Source: ``HttpCoordinator`` of ``azure_functions_worker/http_v2.py``: the same names, and the same
waits without a limit, so that an app that guards itself against those does so here too.
"""

from __future__ import annotations

import asyncio
from typing import Any

__all__ = [
    "INVOCATION_HEADER",
    "AsyncContextReference",
    "HttpCoordinator",
    "catch_all",
    "http_coordinator",
]

INVOCATION_HEADER = "x-ms-invocation-id"
"""The header by which a request names its invocation."""


class AsyncContextReference:
    """What is known of one invocation: its request until it is taken, and its answer."""

    def __init__(self) -> None:
        self._http_request: Any = None
        self._http_response: Any = None
        self.http_request_available_event = asyncio.Event()
        self.http_response_available_event = asyncio.Event()

    @property
    def http_request(self) -> Any:
        """The request, while nobody has taken it."""
        return self._http_request

    @http_request.setter
    def http_request(self, value: Any) -> None:
        self._http_request = value
        self.http_request_available_event.set()

    @property
    def http_response(self) -> Any:
        """The answer, or the exception in place of one, while nobody has taken it."""
        return self._http_response

    @http_response.setter
    def http_response(self, value: Any) -> None:
        self._http_response = value
        self.http_response_available_event.set()


class HttpCoordinator:
    """Brings requests to their invocations, and the answers back.

    A reference is never forgotten: Microsoft's worker keeps each for as long as it lives.
    """

    def __init__(self) -> None:
        self._context_references: dict[str, AsyncContextReference] = {}

    def set_http_request(self, invoc_id: str, http_request: Any) -> None:
        """A request has come."""
        reference = self._context_references.setdefault(invoc_id, AsyncContextReference())
        reference.http_request = http_request

    def set_http_response(self, invoc_id: str, http_response: Any) -> None:
        """A function has answered, or failed.

        :raises KeyError: neither the request nor the invocation is known.
        """
        self._context_references[invoc_id].http_response = http_response

    async def get_http_request_async(self, invoc_id: str) -> Any:
        """Wait for the request of an invocation, and take it."""
        reference = self._context_references.setdefault(invoc_id, AsyncContextReference())
        await reference.http_request_available_event.wait()
        request, reference.http_request = reference.http_request, None
        if request is None:
            raise ValueError(f"No http request found for invocation {invoc_id}")
        return request

    async def await_http_response_async(self, invoc_id: str) -> Any:
        """Wait for the answer to a request, and take it.

        :raises KeyError: the request is not known.
        :raises ValueError: the function returned nothing.
        """
        reference = self._context_references[invoc_id]
        await reference.http_response_available_event.wait()
        response, reference.http_response = reference.http_response, None
        if response is None:
            raise ValueError(f"No http response found for invocation {invoc_id}")
        return response


http_coordinator = HttpCoordinator()


async def catch_all(request: Any) -> Any:
    """What the server calls with each request; gives the answer of the request's invocation.

    :raises Exception: what the function raised.
    """
    invocation_id = request.headers[INVOCATION_HEADER]
    http_coordinator.set_http_request(invocation_id, request)
    answer = await http_coordinator.await_http_response_async(invocation_id)
    if isinstance(answer, Exception):
        raise answer
    return answer
