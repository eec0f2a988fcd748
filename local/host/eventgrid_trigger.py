"""The webhooks that Event Grid calls: handshakes, and events in both of its schemas."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from .functions import Function
from .invocation import FunctionCaller
from .worker_process import Invocation, WorkerLostError, WorkerNotReadyError

__all__ = ["EventGridTriggers", "WebhookError", "handshake", "read_events"]

_log = logging.getLogger("host.eventgrid")

Event = Mapping[str, Any]


class WebhookError(ValueError):
    """The request is not one that Event Grid sends."""


def handshake(request: Request, events: Sequence[Event]) -> Response | None:
    """The answer that proves the webhook willing, if that is what the request asks for.

    The Event Grid schema echoes a code; CloudEvents 1.0 uses ``OPTIONS`` (abuse protection).
    """
    if request.method == "OPTIONS":
        origin = request.headers.get("webhook-request-origin", "")
        headers = {"WebHook-Allowed-Origin": origin, "WebHook-Allowed-Rate": "*"}
        return Response(status_code=200, headers=headers)
    kind = request.headers.get("aeg-event-type", "")
    validates = [
        e for e in events if e.get("eventType") == "Microsoft.EventGrid.SubscriptionValidationEvent"
    ]
    if kind == "SubscriptionValidation" or (validates and not kind):
        if not validates:
            raise WebhookError("the validation request holds no validation event")
        return JSONResponse({"validationResponse": validates[0]["data"]["validationCode"]})
    if kind == "Unsubscribe":
        return Response(status_code=202)
    return None


async def read_events(request: Request) -> list[Event]:
    """The events of a request, one or an array of them.

    :raises WebhookError: the body is something else.
    """
    if request.method == "OPTIONS":
        return []
    try:
        document = json.loads(await request.body())
    except ValueError as error:
        raise WebhookError(f"the body is not JSON: {error}") from None
    events = document if isinstance(document, list) else [document]
    if not all(isinstance(event, dict) for event in events):
        raise WebhookError("the body must be an event or an array of events")
    return events


class EventGridTriggers:
    """Runs the functions with an Event Grid trigger, once for each event."""

    def __init__(self, caller: FunctionCaller) -> None:
        self._caller = caller
        self._functions: dict[str, Function] = {}

    def index(self, functions: Sequence[Function]) -> None:
        """Serve these functions and no others."""
        self._functions = {function.name: function for function in functions}

    async def handle(self, request: Request) -> Response:
        """Answer ``/runtime/webhooks/EventGrid?functionName=…``; the key has been checked.

        The answer comes when the function has ended. One that failed is answered with 500, so that
        Event Grid delivers again, all events of the request. CloudEvents are refused.
        """
        function = self._functions.get(request.query_params.get("functionName", ""))
        if function is None:
            return PlainTextResponse("There is no such Event Grid function.", 404)
        try:
            events = await read_events(request)
            answer = handshake(request, events)
        except WebhookError as error:
            return PlainTextResponse(str(error), 400)
        if answer is not None:
            return answer
        if any("specversion" in event for event in events):
            return PlainTextResponse("CloudEvents are not taken here.", 400)
        done = await asyncio.gather(*(self._run(function, event) for event in events))
        if all(done):
            return Response(status_code=202)
        return PlainTextResponse(f"Exception while executing function: {function.name}", 500)

    async def _run(self, function: Function, event: Event) -> bool:
        value = {"type": "json", "value": json.dumps(event)}
        call = Invocation(
            function,
            {str(function.trigger["name"]): value},
            metadata={"data": event.get("data")},
            traceparent=str(event.get("traceparent", "")),
        )
        try:
            result = await self._caller.invoke(call)
        except (WorkerLostError, WorkerNotReadyError) as error:
            _log.error("function %s did not finish: %s", function.name, error)
            return False
        if result.fault is not None:
            _log.error("function %s failed: %s", function.name, result.fault.type)
            for line in result.fault.stack.rstrip().splitlines():
                _log.error("  %s", line)
        return result.fault is None
