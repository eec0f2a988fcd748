"""Errors on the wire: OpenAI's envelope, whatever went wrong."""

from __future__ import annotations

import logging

from azure.core.exceptions import AzureError
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from dailies.errors import RequestError, SettingsError, Unavailable
from dailies.logs import log_event

__all__ = ["error_response", "install"]

_CODES = {404: "not_found", 405: "method_not_allowed", 413: "too_large"}


def error_response(error: RequestError) -> JSONResponse:
    """``{"error": {message, type, param, code}}`` with the error's status."""
    headers = {}
    if isinstance(error, Unavailable):
        headers["Retry-After"] = str(error.retry_after)
    if error.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    body = {
        "message": error.message,
        "type": error.type,
        "param": error.param,
        "code": error.code,
    }
    return JSONResponse({"error": body}, status_code=error.status, headers=headers)


def install(app: FastAPI) -> None:
    """Answer every error of every route in the envelope."""

    @app.exception_handler(RequestError)
    async def _request_error(_request: Request, error: RequestError) -> JSONResponse:
        return error_response(error)

    @app.exception_handler(SettingsError)
    async def _settings_error(_request: Request, error: SettingsError) -> JSONResponse:
        return error_response(Unavailable(str(error), retry_after=60, code="configuration_error"))

    @app.exception_handler(AzureError)
    async def _storage_error(_request: Request, error: AzureError) -> JSONResponse:
        log_event(
            "storage_unavailable", level=logging.WARNING, reason=type(error).__name__, exc_info=True
        )
        return error_response(
            Unavailable(
                "Storage does not answer at the moment. Nothing was lost; send the request again "
                "(with the same Idempotency-Key, if you gave one).",
                retry_after=10,
                code="storage_unavailable",
            )
        )

    @app.exception_handler(HTTPException)
    async def _http_error(request: Request, error: HTTPException) -> JSONResponse:
        body = {
            "message": f"{error.detail}: {request.method} {request.url.path}",
            "type": "invalid_request_error",
            "param": None,
            "code": _CODES.get(error.status_code),
        }
        return JSONResponse({"error": body}, status_code=error.status_code, headers=error.headers)
