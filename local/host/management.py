"""The HTTP API of the Durable extension: ``/runtime/webhooks/durabletask/…`` and the RPC endpoint.

Routes, answers and headers are those of the extension's ``HttpApiHandler``. The webhooks need the
system key; the RPC endpoint listens on the loopback interface for the worker's durable client.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route, Router

from .queries import (
    flag,
    id_to_token,
    moment,
    number,
    page_size,
    second,
    statuses,
    token_to_id,
)
from .status_view import history_view
from .taskhub.client import (
    HubClient,
    InstanceExistsError,
    InstanceFinalError,
    InstanceNotFoundError,
    InstanceRunsError,
)
from .taskhub.entities import split_entity_id
from .taskhub.known import UnknownFunctionError
from .taskhub.rows import Instance

__all__ = ["ManagementApi"]

_POLL_AFTER_S = "5"
_CONTINUATION = "x-ms-continuation-token"

Handler = Callable[[Request], Awaitable[Response]]


class ManagementApi:
    """The routes, to be mounted under any prefix.

    :param links: the management URLs of an instance for an answer to a request,
        by its id.
    """

    def __init__(self, client: HubClient, links: Callable[[str], Mapping[str, str]]) -> None:
        self._client = client
        self._links = links
        self.router = Router(
            [
                _route("/orchestrators/{name}", self._start, "POST"),
                _route("/orchestrators/{name}/{id}", self._start, "POST"),
                _route("/entities", self._list_entities, "GET"),
                _route("/entities/{name}", self._list_entities, "GET"),
                _route("/entities/{name}/{key}", self._entity_state, "GET"),
                _route("/entities/{name}/{key}", self._signal_entity, "POST", "DELETE"),
                _route("/instances", self._list, "GET"),
                _route("/instances", self._purge_many, "DELETE"),
                _route("/instances/", self._list, "GET"),
                _route("/instances/", self._purge_many, "DELETE"),
                _route("/instances/{id}", self._status, "GET"),
                _route("/instances/{id}", self._purge, "DELETE"),
                _route("/instances/{id}/raiseEvent/{event}", self._raise_event, "POST"),
                _route("/instances/{id}/terminate", self._terminate, "POST"),
                _route("/instances/{id}/suspend", self._suspend, "POST"),
                _route("/instances/{id}/resume", self._resume, "POST"),
                _route("/instances/{id}/restart", self._restart, "POST"),
                _route("/instances/{id}/rewind", self._rewind, "POST"),
            ],
            redirect_slashes=False,
        )

    # -- orchestrations --------------------------------------------------------------------

    async def _start(self, request: Request) -> Response:
        body = await request.body()
        instance_id = self._client.start(
            request.path_params["name"],
            request.path_params.get("id"),
            json.dumps(_json(body) if body else ""),
            version=request.query_params.get("version", ""),
            traceparent=request.headers.get("traceparent", ""),
        )
        await self._wait(request, instance_id)
        instance = self._client.get(instance_id)
        if instance.is_final and "timeout" in request.query_params:
            if instance.status == "Completed":
                return JSONResponse(_parsed(instance.output))
            return JSONResponse(_status(instance, show_input=True))
        return self._check_status(instance_id)

    async def _wait(self, request: Request, instance_id: str) -> None:
        """Wait for the end of an instance for as long as the query asks (seconds)."""
        timeout = number(request.query_params.get("timeout"))
        interval = number(request.query_params.get("pollingInterval"))
        if not timeout or not interval:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                while not self._client.get(instance_id).is_final:  # noqa: ASYNC110 - polls as asked
                    await asyncio.sleep(interval)

    def _check_status(self, instance_id: str) -> Response:
        links = dict(self._links(instance_id))
        links.pop("rewindPostUri")
        headers = {"Location": links["statusQueryGetUri"], "Retry-After": "10"}
        return JSONResponse(links, 202, headers)

    async def _status(self, request: Request) -> Response:
        instance = self._client.get(request.path_params["id"])
        query = request.query_params
        document = _status(instance, show_input=flag(query.get("showInput"), default=True))
        if flag(query.get("showHistory")) and instance.status != "Pending":
            document["historyEvents"] = history_view(
                self._client.history(instance.instance_id),
                show_output=flag(query.get("showHistoryOutput")),
                show_input=flag(query.get("showInput"), default=True),
            )
        if not instance.is_final:
            location = self._links(instance.instance_id)["statusQueryGetUri"].partition("?")[0]
            headers = {"Location": location, "Retry-After": _POLL_AFTER_S}
            return JSONResponse(document, 202, headers)
        failed = instance.status == "Failed"
        wants_500 = flag(query.get("returnInternalServerErrorOnFailure"))
        return JSONResponse(document, 500 if failed and wants_500 else 200)

    async def _list(self, request: Request) -> Response:
        query = request.query_params
        size = page_size(query.get("pageSize"))
        found = self._client.query(
            created_from=moment(query.get("createdTimeFrom")),
            created_to=moment(query.get("createdTimeTo")),
            statuses=statuses(query.getlist("runtimeStatus")),
            prefix=query.get("instanceIdPrefix", ""),
            after=token_to_id(request.headers.get(_CONTINUATION)),
            limit=size,
        )
        show_input = flag(query.get("showInput"), default=True)
        # The header is always there; it is empty on the last page.
        token = id_to_token(found[-1].instance_id) if len(found) == size else ""
        headers = {_CONTINUATION: token}
        return JSONResponse([_status(i, show_input=show_input) for i in found], 200, headers)

    async def _purge(self, request: Request) -> Response:
        deleted = self._client.purge(request.path_params["id"])
        if not deleted:
            return Response(status_code=404)
        return JSONResponse({"instancesDeleted": deleted})

    async def _purge_many(self, request: Request) -> Response:
        query = request.query_params
        created_from = moment(query.get("createdTimeFrom"))
        if created_from is None:
            return PlainTextResponse("Please provide value for 'createdTimeFrom' parameter.", 400)
        deleted = self._client.purge_many(
            created_from,
            moment(query.get("createdTimeTo")),
            statuses(query.getlist("runtimeStatus")),
        )
        if not deleted:
            return Response(status_code=404)
        return JSONResponse({"instancesDeleted": deleted})

    async def _raise_event(self, request: Request) -> Response:
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        instance = self._client.get(request.path_params["id"])
        if kind != "application/json" and not instance.is_final:
            message = "Only application/json request content is supported"
            return JSONResponse({"Message": message}, 400)
        data = "null" if instance.is_final else json.dumps(_json(await request.body()))
        self._client.raise_event(instance.instance_id, request.path_params["event"], data)
        return Response(status_code=202)

    async def _terminate(self, request: Request) -> Response:
        self._client.terminate(request.path_params["id"], request.query_params.get("reason"))
        return Response(status_code=202)

    async def _suspend(self, request: Request) -> Response:
        self._client.suspend(request.path_params["id"], request.query_params.get("reason"))
        return Response(status_code=202)

    async def _resume(self, request: Request) -> Response:
        self._client.resume(request.path_params["id"], request.query_params.get("reason"))
        return Response(status_code=202)

    async def _restart(self, request: Request) -> Response:
        with_new_id = flag(request.query_params.get("restartWithNewInstanceId"), default=True)
        try:
            new_id = self._client.restart(request.path_params["id"], with_new_id=with_new_id)
        except InstanceNotFoundError as error:
            message = "InstanceId does not match a valid orchestration instance."
            return _fault(400, message, error)
        return self._check_status(new_id)

    async def _rewind(self, request: Request) -> Response:
        instance = self._client.get(request.path_params["id"])
        if instance.status != "Failed":
            message = f"This orchestration has status {instance.status} and can't be rewound."
            return JSONResponse(message, 412)
        message = "The local functions host does not rewind instances: restart this one instead."
        return JSONResponse(message, 501)

    # -- entities --------------------------------------------------------------------------

    async def _list_entities(self, request: Request) -> Response:
        query = request.query_params
        size = page_size(query.get("pageSize"))
        after = token_to_id(request.headers.get(_CONTINUATION))
        found = self._client.entities(request.path_params.get("name", ""), after, size)
        fetch = flag(query.get("fetchState"))
        items = []
        for identity, state, updated in found:
            name, key = split_entity_id(identity)
            item: dict[str, Any] = {
                "entityId": {"name": name, "key": key},
                "lastOperationTime": second(updated),
            }
            if fetch:
                item["state"] = json.loads(state)
            items.append(item)
        headers = {_CONTINUATION: id_to_token(found[-1][0]) if len(found) == size else ""}
        return JSONResponse(items, 200, headers)

    async def _entity_state(self, request: Request) -> Response:
        name, key = request.path_params["name"], request.path_params["key"]
        state = self._client.entity_state(name, "" if key == "$" else key)
        if state is None:
            return Response(status_code=404)
        return Response(state, 200, media_type="application/json")

    async def _signal_entity(self, request: Request) -> Response:
        operation = request.query_params.get("op", "")
        if request.method == "DELETE":
            operation = "delete"
        body = await request.body()
        argument: str | None = None
        if body:
            kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
            value = _json(body) if kind == "application/json" else body.decode()
            argument = json.dumps(value)
        name, key = request.path_params["name"], request.path_params["key"]
        self._client.signal_entity(name, key, operation, argument)
        return Response(status_code=202)


class _BadJsonError(ValueError):
    """A request's body is not JSON."""


def _json(body: bytes) -> Any:
    """The value of a body; what JSON has no number for becomes a text, as with Newtonsoft's."""
    try:
        return json.loads(body, parse_float=_number, parse_constant=str)
    except ValueError as error:
        raise _BadJsonError(str(error)) from None


def _number(text: str) -> float | str:
    value = float(text)
    return value if math.isfinite(value) else f"{'-' if value < 0 else ''}Infinity"


def _route(path: str, handler: Handler, *methods: str) -> Route:
    """A route whose handler's expected errors become the extension's answers."""

    async def answer(request: Request) -> Response:
        # The path comes with its encoded slashes; what is in between is decoded whole.
        parts = {name: unquote(value) for name, value in request.path_params.items()}
        request.scope["path_params"] = parts
        try:
            return await handler(request)
        except InstanceNotFoundError:
            return Response(status_code=404)
        except InstanceFinalError:
            return Response(status_code=410)
        except InstanceExistsError as error:
            return JSONResponse({"Message": str(error)}, 409)
        except InstanceRunsError as error:
            return JSONResponse(str(error), 412)
        except _BadJsonError as error:
            return _fault(400, "Invalid JSON content", error)
        except UnknownFunctionError as error:
            return _fault(400, "One or more of the arguments submitted is incorrect", error)

    return Route(path, answer, methods=list(methods))


def _fault(status: int, message: str, error: Exception) -> Response:
    document = {
        "Message": message,
        "ExceptionMessage": str(error),
        "ExceptionType": type(error).__name__,
    }
    return JSONResponse(document, status)


def _status(instance: Instance, *, show_input: bool) -> dict[str, Any]:
    return {
        "name": instance.name,
        "instanceId": instance.instance_id,
        "runtimeStatus": instance.status,
        "input": _parsed(instance.input) if show_input else None,
        "customStatus": _parsed(instance.custom_status),
        "output": _parsed(instance.output),
        "createdTime": second(instance.created_at),
        "lastUpdatedTime": second(instance.updated_at),
    }


def _parsed(text: str | None) -> Any:
    return None if text is None else json.loads(text)
