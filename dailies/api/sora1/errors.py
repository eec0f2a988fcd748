"""Errors of the jobs API: a flat envelope, as the specification has it.

What Azure's gateway answers before the API itself is asked (a wrong key, an unknown deployment, an
``api-version`` that does not exist) comes in the wrapped envelope, there and here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute

from dailies.api.documents import answers, content_answers
from dailies.api.errors import error_response, note_error
from dailies.protocols.openai.objects import ErrorBody, ErrorEnvelope
from dailies.video.errors import Forbidden, InvalidRequest, RequestError, Unauthenticated

__all__ = [
    "FlatError",
    "FlatErrorsRoute",
    "check_api_version",
    "flat_answers",
    "flat_content_answers",
]

_GATEWAY_CODES = ("DeploymentNotFound", "BadRequest")
_API_VERSIONS = ("preview", "v1")

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class FlatError(JSONResponse):
    """``{code, message, param, type, inner_error}`` of an error, with its status and headers."""

    def __init__(self, error: RequestError) -> None:
        wrapped = error_response(error)
        fields = json.loads(bytes(wrapped.body))["error"]
        headers = {
            name: value
            for name, value in wrapped.headers.items()
            if name not in ("content-length", "content-type")
        }
        super().__init__({**fields, "inner_error": None}, error.status, headers)


class FlatErrorBody(ErrorBody):
    """The jobs API's own errors: the fields without an envelope around them."""

    inner_error: dict[str, Any] | None


_ENVELOPE = FlatErrorBody | ErrorEnvelope


def flat_answers(*errors: int, **further: Any) -> dict[int | str, dict[str, Any]]:
    """``answers`` of a route whose errors are flat, or wrapped where the gateway gives them."""
    return answers(*errors, envelope=_ENVELOPE, **further)


def flat_content_answers() -> dict[int | str, dict[str, Any]]:
    """``content_answers`` of the same."""
    return content_answers("video/mp4", "image/webp", "image/jpg", "image/jpeg", envelope=_ENVELOPE)


class FlatErrorsRoute(APIRoute):
    """A route whose own errors are flat; the gateway's go on to the app's handlers."""

    def get_route_handler(self) -> Handler:
        """See ``APIRoute``."""
        handle = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                return await handle(request)
            except RequestError as error:
                gateways = isinstance(error, Unauthenticated | Forbidden)
                if gateways or error.code in _GATEWAY_CODES:
                    raise
                note_error(request, error)
                return FlatError(error)

        return answer


def check_api_version(request: Request) -> None:
    """``api-version`` is ``preview``; ``v1`` and none at all mean the same.

    Raises:
        InvalidRequest: it is another one.
    """
    version = request.query_params.get("api-version")
    if version not in (None, *_API_VERSIONS):
        raise InvalidRequest(
            f"API version not supported: {version[:64]}. Use api-version=preview.",
            param="api-version",
            code="BadRequest",
        )
