"""Functions that receive requests and give answers as streams."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from urllib.parse import unquote_to_bytes

import azure.durable_functions as df
import azure.functions as func
from azurefunctions.extensions.http.fastapi import (
    JSONResponse,
    Request,
    Response,
    StreamingResponse,
)

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route(route="echo/{*rest}")
@app.durable_client_input(client_name="client")
async def echo(
    req: Request, context: func.Context, client: df.DurableOrchestrationClient
) -> JSONResponse:
    document = {
        "method": req.method,
        "path": req.scope["raw_path"].decode("latin-1"),
        "query": req.scope["query_string"].decode("latin-1"),
        "rest": req.path_params.get("rest"),
        "headers": [[n.decode("latin-1"), v.decode("latin-1")] for n, v in req.scope["headers"]],
        "bytes": len(await req.body()),
        "invocation_id": context.invocation_id,
        "traceparent": context.trace_context.trace_parent,
        "has_client": client is not None,
    }
    return JSONResponse(document, 201, {"X-Custom": "yes"})


@app.route(route="digest")
async def digest(req: Request) -> JSONResponse:
    """The length and the hash of a body that is never whole in memory."""
    found, size = hashlib.sha256(), 0
    async for chunk in req.stream():
        found.update(chunk)
        size += len(chunk)
    return JSONResponse({"bytes": size, "sha256": found.hexdigest()})


@app.route(route="zeros/{count:int}")
async def zeros(req: Request) -> StreamingResponse:
    """So many bytes, made as they are sent."""
    count = int(req.path_params["count"])

    async def pieces() -> AsyncIterator[bytes]:
        left = count
        while left:
            yield bytes(min(left, 65_536))
            left -= min(left, 65_536)

    headers = {"Content-Length": str(count)}
    return StreamingResponse(pieces(), headers=headers, media_type="application/octet-stream")


@app.route(route="ticks")
async def ticks(req: Request) -> StreamingResponse:
    """A piece at once, and the next when somebody asks for it at /tick."""

    async def pieces() -> AsyncIterator[bytes]:
        yield b"first\n"
        await _tick.wait()
        yield b"second\n"

    return StreamingResponse(pieces(), media_type="text/plain")


@app.route(route="tick")
async def tick(req: Request) -> Response:
    _tick.set()
    return Response(status_code=204)


_tick = asyncio.Event()


@app.route(route="refuses")
async def refuses(req: Request) -> Response:
    """Answers without a look at the body."""
    return JSONResponse({"no": True}, 403)


@app.route(route="header")
async def header(req: Request) -> Response:
    """Has the query in a header of its answer."""
    response = Response()
    response.raw_headers.append((b"x-odd", unquote_to_bytes(req.url.query)))
    return response


@app.route(route="raises")
async def raises(req: Request) -> Response:
    raise LookupError("for the test")


@app.route(route="breaks")
async def breaks(req: Request) -> StreamingResponse:
    """Fails in the middle of its answer."""

    async def pieces() -> AsyncIterator[bytes]:
        yield b"some"
        await asyncio.sleep(0.1)
        raise LookupError("in the middle")

    return StreamingResponse(pieces(), headers={"Content-Length": "100"})


@app.route(route="plain")
def plain(req: Request) -> str:
    """A synchronous function; what is no response becomes JSON."""
    return json.dumps({"thread": True})
