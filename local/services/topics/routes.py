"""``POST /topics/{name}/api/events``."""

from __future__ import annotations

import hmac

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from local.services.errors import event_grid_error
from local.services.identity import InvalidTokenError, Tokens, bearer_of
from local.services.topics.cloudevents import LARGEST, parse_events, too_large
from local.services.topics.delivery import Deliverer
from local.services.topics.store import TopicStore

AUDIENCE = "https://eventgrid.azure.net"
API_VERSION = "2018-01-01"


class Topics:
    """Every name is a topic; ``key``, if given, is accepted in place of a token."""

    def __init__(
        self, store: TopicStore, deliverer: Deliverer, tokens: Tokens, key: str | None
    ) -> None:
        self._store = store
        self._deliverer = deliverer
        self._tokens = tokens
        self._key = key

    def routes(self) -> list[Route]:
        """The route to publish to."""
        return [Route("/topics/{name}/api/events", self._publish, methods=["POST"])]

    async def _publish(self, request: Request) -> Response:
        self._authorize(request)
        version = request.query_params.get("api-version")
        if version != API_VERSION:
            raise event_grid_error(
                400, "BadRequest", f"The api-version must be {API_VERSION}, not '{version}'."
            )
        body = bytearray()
        async for piece in request.stream():
            body += piece
            if len(body) > LARGEST:
                raise too_large()
        events = parse_events(request.headers.get("content-type", ""), bytes(body))
        self._store.accept(request.path_params["name"], events)
        self._deliverer.wake()
        return Response(status_code=200)

    def _authorize(self, request: Request) -> None:
        key = request.headers.get("aeg-sas-key")
        if key is not None:
            if self._key is None or not hmac.compare_digest(key.encode(), self._key.encode()):
                raise event_grid_error(401, "Unauthorized", "The request's aeg-sas-key is wrong.")
            return
        token = bearer_of(request)
        if token is None:
            raise event_grid_error(
                401,
                "Unauthorized",
                "Request must contain one of the following authorization signature: aeg-sas-token, "
                "aeg-sas-key, Authorization.",
            )
        try:
            self._tokens.check(token, AUDIENCE)
        except InvalidTokenError as exc:
            raise event_grid_error(
                401, "Unauthorized", f"The request's token was not accepted: {exc}."
            ) from exc
