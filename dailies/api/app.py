"""The FastAPI application."""

from __future__ import annotations

from fastapi import FastAPI

from dailies.api import errors, operations, videos

__all__ = ["PREFIXES", "create_app"]

PREFIXES = ("/openai/v1", "/v1")
"""Azure's base path and OpenAI's."""


def create_app() -> FastAPI:
    """The app. Each request brings its ``Context`` in ``scope["state"]["dailies"]``."""
    app = FastAPI(
        title="Dailies",
        summary="Prompts and reference images become finished videos.",
        version="1",
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
    )
    errors.install(app)
    app.include_router(operations.router)
    for prefix in PREFIXES:
        app.include_router(videos.router, prefix=prefix)
    return app
