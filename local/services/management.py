"""Azure's management API, as far as it tells of one account of Azure OpenAI and its models.

Bodies are those of ``Microsoft.CognitiveServices``: the account, its deployments, and the models
that it can deploy, some with the day of their retirement.
"""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.services.identity import InvalidTokenError, Tokens, bearer_of
from local.services.settings import Settings

__all__ = ["ACCOUNT_ID", "Management"]

ACCOUNT_ID = (
    "/subscriptions/7d1b1c2e-52c0-4ad5-9d3c-2f7c1a6f0002/resourceGroups/rg-local"
    "/providers/Microsoft.CognitiveServices/accounts/simulated"
)
_VERSION = "2025-12-08"


class Management:
    """The account ``ACCOUNT_ID``; ``port`` is where its deployments answer.

    A token for this API has its own address as its audience, as in each of Azure's clouds.
    """

    def __init__(self, tokens: Tokens, settings: Settings, port: int, tls_port: int) -> None:
        self._tokens = tokens
        self._settings = settings
        self._endpoint = f"http://127.0.0.1:{port}/"
        self._audience = f"https://127.0.0.1:{tls_port}"

    def routes(self) -> list[Route]:
        """The routes of the account."""
        return [
            Route(ACCOUNT_ID, self._account, methods=["GET"]),
            Route(f"{ACCOUNT_ID}/deployments", self._deployments, methods=["GET"]),
            Route(f"{ACCOUNT_ID}/models", self._models, methods=["GET"]),
        ]

    async def _account(self, request: Request) -> Response:
        properties = {"endpoint": self._endpoint, "endpoints": {"OpenAI": self._endpoint}}
        body = {"id": ACCOUNT_ID, "name": "simulated", "kind": "OpenAI", "properties": properties}
        return self._refused(request) or JSONResponse(body)

    async def _deployments(self, request: Request) -> Response:
        value = [
            {
                "id": f"{ACCOUNT_ID}/deployments/{name}",
                "name": name,
                "properties": {"model": {"format": "OpenAI", "name": model, "version": _VERSION}},
            }
            for name, model in self._settings.deployments.items()
        ]
        return self._refused(request) or JSONResponse({"value": value})

    async def _models(self, request: Request) -> Response:
        value: list[dict[str, Any]] = []
        for model in sorted(set(self._settings.deployments.values())):
            told: dict[str, Any] = {"format": "OpenAI", "name": model, "version": _VERSION}
            day = self._settings.retires.get(model)
            if day is not None:
                told["deprecation"] = {
                    "inference": f"{day}T00:00:00Z",
                    "deprecationStatus": "Planned",
                }
            value.append(told)
        return self._refused(request) or JSONResponse({"value": value})

    def _refused(self, request: Request) -> Response | None:
        token = bearer_of(request)
        if token is None:
            return _error(401, "AuthenticationFailed", "Authentication failed.")
        try:
            self._tokens.check(token, self._audience)
        except InvalidTokenError as error:
            return _error(401, "InvalidAuthenticationToken", str(error))
        if "api-version" not in request.query_params:
            return _error(400, "MissingApiVersionParameter", "The api-version is required.")
        return None


def _error(status: int, code: str, message: str) -> Response:
    return JSONResponse({"error": {"code": code, "message": message}}, status_code=status)
