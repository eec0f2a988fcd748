"""A function app that uses every durable feature that the host promises."""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Generator
from datetime import timedelta
from typing import Any

import azure.durable_functions as df
import azure.functions as func

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)

Steps = Generator[Any, Any, Any]


@app.route(route="start/{name}", methods=["POST"])
@app.durable_client_input(client_name="client")
async def start(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    body = req.get_body()
    instance_id = await client.start_new(
        req.route_params["name"],
        req.params.get("id"),
        json.loads(body) if body else None,
    )
    return client.create_check_status_response(req, instance_id)


@app.orchestration_trigger(context_name="context")
def chain(context: df.DurableOrchestrationContext) -> Steps:
    value = context.get_input()
    for _ in range(3):
        value = yield context.call_activity("increment", value)
    return value


@app.activity_trigger(input_name="value")
def increment(value: int) -> int:
    return value + 1
