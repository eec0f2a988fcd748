"""A function app that uses every durable feature that the host promises, and its HTTP triggers."""

import asyncio
import json
import logging
import os
import threading
import time
from collections.abc import Generator
from datetime import timedelta
from pathlib import Path
from typing import Any, TypedDict

import azure.durable_functions as df
import azure.functions as func

from durable_client import DurableOrchestrations

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)

Steps = Generator[Any, Any, Any]
Context = df.DurableOrchestrationContext


def note(name: str, text: str = "x") -> int:
    """Append a line to a file of this test run; returns how many lines it has now."""
    path = Path(os.environ["NOTES_DIR"]) / name
    with path.open("a") as file:
        file.write(f"{text}\n")
    return len(path.read_text().splitlines())


def given(context: Context) -> Any:
    """The input of an orchestration."""
    return context.get_input()


# -- starting and managing, through the SDK's client ------------------------------------------


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


@app.route(route="client/{operation}/{id}", methods=["POST"])
@app.durable_client_input(client_name="client")
async def manage(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    instance_id = req.route_params["id"]
    argument: Any = json.loads(req.get_body() or b"null")
    match req.route_params["operation"]:
        case "start_unless_it_runs":
            await DurableOrchestrations(client).start(argument["name"], instance_id, argument)
        case "raise":
            await client.raise_event(instance_id, argument["name"], argument["data"])
        case "terminate":
            await client.terminate(instance_id, argument)
        case "suspend":
            await client.suspend(instance_id, argument)
        case "resume":
            await client.resume(instance_id, argument)
        case "restart":
            new_id = await client.restart(instance_id, restart_with_new_instance_id=False)
            return func.HttpResponse(json.dumps(new_id))
        case "purge":
            result = await client.purge_instance_history(instance_id)
            return func.HttpResponse(str(result.instances_deleted))
        case "signal":
            entity = df.EntityId("Counter", instance_id)
            await client.signal_entity(entity, argument["op"], argument.get("input"))
        case "entity":
            state = await client.read_entity_state(df.EntityId("Counter", instance_id))
            return func.HttpResponse(json.dumps([state.entity_exists, state.entity_state]))
        case "status":
            status = await client.get_status(instance_id)
            return func.HttpResponse(json.dumps(status.to_json()))
    return func.HttpResponse("done")


# -- orchestrations --------------------------------------------------------------------------


@app.orchestration_trigger(context_name="context")
def chain(context: Context) -> Steps:
    value = given(context)
    for _ in range(3):
        value = yield context.call_activity("increment", value)
    return value


@app.orchestration_trigger(context_name="context")
def fan_out(context: Context) -> Steps:
    tasks = [context.call_activity("increment", n) for n in range(given(context))]
    results = yield context.task_all(tasks)
    return sum(results)


@app.orchestration_trigger(context_name="context")
def race(context: Context) -> Steps:
    timer: Any = context.create_timer(context.current_utc_datetime + timedelta(hours=1))
    winner = yield context.task_any([timer, context.call_activity("increment", 1)])
    if winner is timer:
        return "timer"
    timer.cancel()
    return winner.result


@app.orchestration_trigger(context_name="context")
def timers(context: Context) -> Steps:
    begun = context.current_utc_datetime
    yield context.create_timer(begun + timedelta(seconds=given(context)))
    return (context.current_utc_datetime - begun).total_seconds()


@app.orchestration_trigger(context_name="context")
def open_timer(context: Context) -> Steps:
    timer = context.create_timer(context.current_utc_datetime + timedelta(seconds=2))
    yield context.task_any([timer, context.call_activity("increment", 1)])
    return "not before the timer"


@app.orchestration_trigger(context_name="context")
def retries(context: Context) -> Steps:
    options = df.RetryOptions(50, 3)
    argument = {**given(context), "key": f"flaky-{context.instance_id}"}
    try:
        result = yield context.call_activity_with_retry("flaky", options, argument)
    except Exception as error:  # noqa: BLE001 - the SDK raises nothing more specific
        result = str(error)
    following = yield context.call_activity("increment", 41)
    return [result, following]


@app.orchestration_trigger(context_name="context")
def retries_in_parallel(context: Context) -> Steps:
    options = df.RetryOptions(50, 3)
    tasks = [
        context.call_activity_with_retry(
            "flaky", options, {"failures": n, "key": f"parallel-{n}-{context.instance_id}"}
        )
        for n in range(3)
    ]
    return (yield context.task_all(tasks))


@app.orchestration_trigger(context_name="context")
def fails(context: Context) -> Steps:
    yield context.call_activity("broken", given(context))


@app.orchestration_trigger(context_name="context")
def parent(context: Context) -> Steps:
    inner = yield context.call_sub_orchestrator("chain", given(context))
    named = yield context.call_sub_orchestrator("chain", inner, f"{context.instance_id}-child")
    try:
        yield context.call_sub_orchestrator_with_retry("fails", df.RetryOptions(50, 2), "boom")
    except Exception as error:  # noqa: BLE001 - the SDK raises nothing more specific
        return [inner, named, str(error)]
    return "unexpected"


@app.orchestration_trigger(context_name="context")
def waits(context: Context) -> Steps:
    context.set_custom_status("waiting")
    first = yield context.wait_for_external_event("go")
    context.set_custom_status({"got": first})
    yield context.call_activity("increment", 1)
    return first


@app.orchestration_trigger(context_name="context")
def waits_for_child(context: Context) -> Steps:
    context.set_custom_status("with a child")
    yield context.call_sub_orchestrator("waits", None, f"{context.instance_id}-child")


@app.orchestration_trigger(context_name="context")
def loud_status(context: Context) -> Steps:
    context.set_custom_status("x" * given(context))
    yield context.call_activity("increment", 1)


@app.orchestration_trigger(context_name="context")
def counting_down(context: Context) -> Steps:
    left = given(context)
    yield context.call_activity("increment", left)
    if left:
        context.set_custom_status(f"{left} left")
        context.continue_as_new(left - 1)
        return None
    return "done"


@app.orchestration_trigger(context_name="context")
def counts(context: Context) -> Steps:
    entity = df.EntityId("Counter", given(context)["key"])
    for _ in range(given(context).get("signals", 0)):
        context.signal_entity(entity, "add", 1)
    before = yield context.call_entity(entity, "get")
    yield context.call_entity(entity, "add", 10)
    after = yield context.call_entity(entity, "get")
    return [before, after]


@app.orchestration_trigger(context_name="context")
def upsets_entity(context: Context) -> Steps:
    try:
        yield context.call_entity(df.EntityId("Counter", "upset"), "fail")
    except Exception as error:  # noqa: BLE001 - the SDK raises nothing more specific
        return str(error)
    return "unexpected"


@app.orchestration_trigger(context_name="context")
def calls_nobody(context: Context) -> Steps:
    yield context.call_activity("nobody", 1)


@app.orchestration_trigger(context_name="context")
def no_generator(context: Context) -> Any:
    return {"input": given(context)}


@app.orchestration_trigger(context_name="context")
def survives(context: Context) -> Steps:
    """For crash tests: five activities, a timer and a call of the shared counter."""
    number = given(context)
    total = 0
    for step in range(3):
        total += yield context.call_activity("increment", number + step)
    yield context.create_timer(context.current_utc_datetime + timedelta(seconds=0.05))
    parts = [context.call_activity("increment", n) for n in range(2)]
    total += sum((yield context.task_all(parts)))
    yield context.call_entity(df.EntityId("Counter", "survivors"), "add", 1)
    return total


# -- activities and entities -----------------------------------------------------------------


@app.activity_trigger(input_name="value")
def increment(value: int) -> int:
    return value + 1


class FlakyInput(TypedDict):
    """How often the activity fails, counted under a key."""

    key: str
    failures: int


@app.activity_trigger(input_name="value")
async def flaky(value: FlakyInput) -> str:
    attempts = note(value["key"])
    if attempts <= value["failures"]:
        raise RuntimeError(f"attempt {attempts}")
    return f"after {attempts}"


@app.activity_trigger(input_name="value")
def broken(value: str) -> str:
    raise ValueError(value)


@app.activity_trigger(input_name="value")
def lasting(value: float) -> str:
    note("lasting", str(os.getpid()))
    time.sleep(value)
    return "lasted"


@app.orchestration_trigger(context_name="context")
def lasts(context: Context) -> Steps:
    return (yield context.call_activity("lasting", given(context)))


@app.entity_trigger(context_name="context", entity_name="Counter")
def counter(context: df.DurableEntityContext) -> None:
    value = context.get_state(lambda: 0)
    match context.operation_name:
        case "add":
            context.set_state(value + context.get_input())
        case "get":
            context.set_result(value)
        case "delete":
            context.destruct_on_exit()
        case "fail":
            raise ValueError("no such operation")


# -- plain HTTP ------------------------------------------------------------------------------


@app.route(route="echo/{*rest}")
def echo(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    document = {
        "method": req.method,
        "url": req.url,
        "rest": req.route_params.get("rest"),
        "query": dict(req.params),
        "headers": dict(req.headers),
        "bytes": len(req.get_body()),
        "traceparent": context.trace_context.trace_parent,
        "invocation_id": context.invocation_id,
        "function": context.function_name,
    }
    headers = {"X-Custom": "yes", "Set-Cookie": "a=b; Path=/"}
    return func.HttpResponse(json.dumps(document), headers=headers, mimetype="application/json")


@app.route(route="echo/literal")
def literal(req: func.HttpRequest) -> str:
    return "the literal route"


@app.route(route="odd/literal")
def a_literal(req: func.HttpRequest) -> str:
    return "the literal route"


@app.route(route="odd/{*rest}")
def odd(req: func.HttpRequest) -> str:
    return "the rest"


@app.route(route="numbers/{n:int}", methods=["GET", "HEAD"])
def numbers(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(req.route_params["n"], status_code=201)


@app.route(route="secured", auth_level=func.AuthLevel.FUNCTION)
def secured(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("function")


@app.route(route="operators", auth_level=func.AuthLevel.ADMIN)
def operators(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("admin")


@app.route(route="raises")
def raises(req: func.HttpRequest) -> func.HttpResponse:
    logging.warning("about to fail")
    raise LookupError("for the test")


@app.route(route="dies")
def dies(req: func.HttpRequest) -> func.HttpResponse:
    os._exit(9)


@app.route(route="switched_off")
def switched_off(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("never")


logging.warning("heard nowhere: at import")
_later: set[asyncio.Task[None]] = set()


@app.route(route="tells")
async def tells(req: func.HttpRequest) -> func.HttpResponse:
    async def within() -> None:
        logging.warning("heard: in a task of the invocation")

    async def afterwards() -> None:
        await asyncio.sleep(0.2)
        logging.warning("heard nowhere: afterwards")

    logging.warning("heard: in the invocation")
    await asyncio.create_task(within())
    await asyncio.to_thread(logging.warning, "heard nowhere: in a thread")
    _later.add(asyncio.create_task(afterwards()))
    return func.HttpResponse("told")


@app.route(route="tells_in_thread")
def tells_in_thread(req: func.HttpRequest) -> func.HttpResponse:
    logging.warning("heard: in a thread of the pool")
    own = threading.Thread(target=logging.warning, args=("heard nowhere: in a thread of its own",))
    own.start()
    own.join()
    return func.HttpResponse("told")
