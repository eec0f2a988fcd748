"""Answers that are errors, in the form of the service that gives them.

ServiceError            status, body, headers
└── made by             openai_error (Sora), event_grid_error, identity_error
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

BAD_BEARER = (
    "Unauthorized. Access token is missing, invalid, audience is incorrect "
    "(https://cognitiveservices.azure.com), or have expired."
)
BAD_API_KEY = (
    "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a "
    "valid key for an active subscription and use a correct regional API endpoint for your "
    "resource."
)


class ServiceError(Exception):
    """Ends a request with ``status`` and a JSON ``body``."""

    def __init__(
        self, status: int, body: Mapping[str, Any], headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(f"{status}: {body}")
        self.status = status
        self.body = body
        self.headers = dict(headers or {})


async def answer_service_error(request: Request, exc: Exception) -> JSONResponse:
    """The exception handler for ``ServiceError``."""
    assert isinstance(exc, ServiceError)
    return JSONResponse(exc.body, status_code=exc.status, headers=exc.headers)


async def answer_routing_error(request: Request, exc: Exception) -> JSONResponse:
    """No such path or method, in the form of Azure's gateway."""
    assert isinstance(exc, HTTPException)
    message = "Resource not found" if exc.status_code == 404 else exc.detail
    error = {"code": str(exc.status_code), "message": message}
    return JSONResponse({"error": error}, status_code=exc.status_code, headers=exc.headers)


def openai_error(
    status: int,
    message: str,
    *,
    kind: str = "invalid_request_error",
    param: str | None = None,
    code: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> ServiceError:
    """The OpenAI envelope: ``{"error": {message, type, param, code}}``."""
    error = {"message": message, "type": kind, "param": param, "code": code}
    return ServiceError(status, {"error": error}, headers)


def gateway_error(
    status: int, code: str, message: str, headers: Mapping[str, str] | None = None
) -> ServiceError:
    """The form of Azure's own gateway: ``{"error": {code, message}}``."""
    return ServiceError(status, {"error": {"code": code, "message": message}}, headers)


def event_grid_error(status: int, code: str, message: str) -> ServiceError:
    """Event Grid's envelope, with the message repeated in ``details``."""
    detail = {"code": "InputJsonInvalid" if code == "BadRequest" else code, "message": message}
    return ServiceError(status, {"error": {"code": code, "message": message, "details": [detail]}})


def identity_error(status: int, message: str) -> ServiceError:
    """App Service's identity endpoint: ``{"statusCode", "message"}``."""
    return ServiceError(status, {"statusCode": status, "message": message})


def missing_parameter(name: str) -> ServiceError:
    """A required parameter is absent."""
    return openai_error(
        400,
        f"Missing required parameter: '{name}'.",
        param=name,
        code="missing_required_parameter",
    )


def invalid_value(name: str, value: object, supported: list[str]) -> ServiceError:
    """A parameter is none of the values that may be asked for."""
    quoted = [f"'{item}'" for item in supported]
    if len(quoted) > 2:
        listing = f"{', '.join(quoted[:-1])}, and {quoted[-1]}"
    else:
        listing = " and ".join(quoted)
    return openai_error(
        400,
        f"Invalid value: '{value}'. Supported values are: {listing}.",
        param=name,
        code="invalid_value",
    )


def invalid_type(name: str, expected: str, value: object) -> ServiceError:
    """A parameter has another JSON type than it should."""
    return openai_error(
        400,
        f"Invalid type for '{name}': expected {expected}, but got {_type_name(value)} instead.",
        param=name,
        code="invalid_type",
    )


def _type_name(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    names = {str: "a string", int: "an integer", float: "a decimal", list: "an array"}
    return names.get(type(value), "an object")
