"""Where providers tell that something has become of a job."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request, Response
from starlette.requests import ClientDisconnect

from dailies.api.context import RequestContext
from dailies.pipeline.callbacks import receive_callback
from dailies.video.errors import NotFound, TooLarge

__all__ = ["router"]

_MOST_BYTES = 1024**2
_LONGEST_SECONDS = 20.0

router = APIRouter(tags=["operations"], include_in_schema=False)


@router.post("/callbacks/{provider}/{token}", status_code=204)
async def called_back(
    provider: str, token: str, request: Request, context: RequestContext
) -> Response:
    """Take a call. The address is secret, and its content is not believed, so it needs no key."""
    body = await _body(request)
    headers = {name.lower(): value for name, value in request.headers.items()}
    taken = await receive_callback(
        context.services, context.orchestrations, provider, token, headers, body
    )
    if not taken:
        # Also to who calls too early: they call again.
        raise NotFound("There is nothing to call back here.", code="unknown_callback")
    return Response(status_code=204)


async def _body(request: Request) -> bytes:
    body = bytearray()
    try:
        async with asyncio.timeout(_LONGEST_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > _MOST_BYTES:
                    raise TooLarge(f"More than {_MOST_BYTES:,} bytes.", code="body_too_large")
    except (TimeoutError, ClientDisconnect):
        raise NotFound("The call did not arrive.", code="unknown_callback") from None
    return bytes(body)
