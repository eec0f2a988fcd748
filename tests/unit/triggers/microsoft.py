"""Microsoft's coordinator, without what no test needs.

Taken from ``azure_functions_runtime/http_v2.py`` (azure-functions-runtime 1.3.0, which wants Python
3.13); in ``azure_functions_worker/http_v2.py`` it is the same. Its licence:

    Copyright (c) Microsoft Corporation. All rights reserved. Licensed under the MIT License.
"""

from __future__ import annotations

import asyncio
from typing import Any


class AsyncContextReference:
    """See the module."""

    def __init__(self) -> None:
        self._http_request: Any = None
        self._http_response: Any = None
        self._http_request_available_event = asyncio.Event()
        self._http_response_available_event = asyncio.Event()

    @property
    def http_request(self) -> Any:
        return self._http_request

    @http_request.setter
    def http_request(self, value: Any) -> None:
        self._http_request = value
        self._http_request_available_event.set()

    @property
    def http_response(self) -> Any:
        return self._http_response

    @http_response.setter
    def http_response(self, value: Any) -> None:
        self._http_response = value
        self._http_response_available_event.set()

    @property
    def http_request_available_event(self) -> asyncio.Event:
        return self._http_request_available_event

    @property
    def http_response_available_event(self) -> asyncio.Event:
        return self._http_response_available_event


class HttpCoordinator:
    """See the module."""

    def __init__(self) -> None:
        self._context_references: dict[str, AsyncContextReference] = {}

    def set_http_request(self, invoc_id: str, http_request: Any) -> None:
        if invoc_id not in self._context_references:
            self._context_references[invoc_id] = AsyncContextReference()
        context_ref = self._context_references[invoc_id]
        context_ref.http_request = http_request

    def set_http_response(self, invoc_id: str, http_response: Any) -> None:
        if invoc_id not in self._context_references:
            raise KeyError(f"No context reference found for invocation {invoc_id}")
        context_ref = self._context_references[invoc_id]
        context_ref.http_response = http_response

    async def get_http_request_async(self, invoc_id: str) -> Any:
        if invoc_id not in self._context_references:
            self._context_references[invoc_id] = AsyncContextReference()
        await self._context_references[invoc_id].http_request_available_event.wait()
        return self._pop_http_request(invoc_id)

    async def await_http_response_async(self, invoc_id: str) -> Any:
        if invoc_id not in self._context_references:
            raise KeyError(f"No context reference found for invocation {invoc_id}")
        await self._context_references[invoc_id].http_response_available_event.wait()
        return self._pop_http_response(invoc_id)

    def _pop_http_request(self, invoc_id: str) -> Any:
        context_ref = self._context_references[invoc_id]
        request = context_ref.http_request
        if request is not None:
            context_ref.http_request = None
            return request
        raise ValueError(f"No http request found for invocation {invoc_id}")

    def _pop_http_response(self, invoc_id: str) -> Any:
        context_ref = self._context_references[invoc_id]
        response = context_ref.http_response
        if response is not None:
            context_ref.http_response = None
            return response
        raise ValueError(f"No http response found for invocation {invoc_id}")


async def catch_all(request: Any) -> Any:
    """See the module; there it is made when the server starts."""
    invoc_id = request.headers["x-ms-invocation-id"]
    http_coordinator.set_http_request(invoc_id, request)
    http_resp = await http_coordinator.await_http_response_async(invoc_id)
    if isinstance(http_resp, Exception):
        raise http_resp
    return http_resp


http_coordinator = HttpCoordinator()
