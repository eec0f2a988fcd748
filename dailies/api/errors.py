"""Errors on the wire: OpenAI's envelope, whatever went wrong."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from azure.core.exceptions import AzureError
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import Scope

from dailies.api.front import serves
from dailies.api.observe import note
from dailies.telemetry.logs import log_event
from dailies.video.errors import (
    Conflict,
    InvalidBatch,
    InvalidRequest,
    OverBudget,
    RequestError,
    SettingsError,
    TooMany,
    Unavailable,
)

__all__ = ["error_response", "install", "note_error"]

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.\[\]-]{0,39}")
_CODES = {404: "not_found", 405: "method_not_allowed", 413: "too_large"}


def error_response(error: RequestError) -> JSONResponse:
    """``{"error": {message, type, param, code}}`` with the error's status."""
    headers = {}
    if isinstance(error, TooMany | Unavailable):
        headers["Retry-After"] = str(error.retry_after)
    is_settled = isinstance(error, Conflict) and error.code != "busy"
    if is_settled or isinstance(error, OverBudget):
        # Official clients retry every 409 and 429 by themselves, unless they are told not to.
        headers["x-should-retry"] = "false"
    if error.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return _envelope(
        error.status,
        error.message,
        error.type,
        error.param,
        error.code,
        headers=headers,
        more=_more(error),
    )


def _more(error: RequestError) -> Mapping[str, Any]:
    """What the envelope of some errors has beside."""
    if isinstance(error, OverBudget):
        return {"budget": error.budget}
    if isinstance(error, InvalidBatch):
        return {"faults": error.faults, "fault_count": error.fault_count}
    return {}


def note_error(request: Request, error: RequestError) -> None:
    """Put the code of a refusal, and the field, into the line that is logged about the request."""
    # A field's name may be the caller's own words: only what looks like a name is logged.
    is_name = error.param is not None and _NAME.fullmatch(error.param)
    note(request, code=error.code, param=error.param if is_name else None)


def install(app: FastAPI) -> None:
    """Answer every error of every route in the envelope."""

    @app.exception_handler(RequestError)
    async def _request_error(request: Request, error: RequestError) -> JSONResponse:
        note_error(request, error)
        return error_response(error)

    @app.exception_handler(RequestValidationError)
    async def _invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        place = [str(part) for part in first["loc"][1:]]
        refusal = InvalidRequest(
            f"Invalid '{'.'.join(place)}': {first['msg']}.",
            param=".".join(place) or None,
            code="invalid_value",
        )
        note_error(request, refusal)
        return error_response(refusal)

    @app.exception_handler(SettingsError)
    async def _settings_error(request: Request, error: SettingsError) -> JSONResponse:
        # With its name: nobody can be told from an operator while the keys can't be read, and this
        # is what a new deployment is looked at by.
        unavailable = Unavailable(str(error), retry_after=60, code="configuration_error")
        note_error(request, unavailable)
        return error_response(unavailable)

    @app.exception_handler(AzureError)
    async def _storage_error(request: Request, error: AzureError) -> JSONResponse:
        log_event(
            "storage_unavailable", level=logging.WARNING, reason=type(error).__name__, fault=error
        )
        unavailable = Unavailable(
            "Storage does not answer at the moment. Nothing was lost; send the request again "
            "(with the same Idempotency-Key, if you gave one).",
            retry_after=10,
            code="storage_unavailable",
        )
        note_error(request, unavailable)
        return error_response(unavailable)

    @app.exception_handler(HTTPException)
    async def _http_error(request: Request, error: HTTPException) -> JSONResponse:
        headers = dict(error.headers or {})
        note(request, code=_CODES.get(error.status_code))
        if error.status_code == 405:
            headers["Allow"] = ", ".join(_allowed(request.scope))
        return _envelope(
            error.status_code,
            f"{error.detail}: {request.method} {request.scope['path']}",
            "invalid_request_error",
            None,
            _CODES.get(error.status_code),
            headers=headers,
        )


def _allowed(scope: Scope) -> list[str]:
    """Every method of the path: the framework names those of one of its routes only."""
    methods = ("GET", "POST", "PUT", "PATCH", "DELETE")
    found = [method for method in methods if serves(scope, method)]
    return ["GET", "HEAD", *found[1:]] if "GET" in found else found


def _envelope(
    status: int,
    message: str,
    type: str,
    param: str | None,
    code: str | None,
    *,
    headers: dict[str, str],
    more: Mapping[str, Any] = MappingProxyType({}),
) -> JSONResponse:
    # A caller's words may hold half a surrogate pair, which is no text that can be sent.
    safe = message.encode("utf-8", "replace").decode("utf-8")
    error = {"message": safe, "type": type, "param": param, "code": code, **more}
    return JSONResponse({"error": error}, status_code=status, headers=headers)
