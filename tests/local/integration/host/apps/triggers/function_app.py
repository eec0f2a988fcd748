"""A function app with the triggers that the host itself watches."""

import json
import os
from pathlib import Path

import azure.functions as func

app = func.FunctionApp()


def note(name: str, document: object) -> int:
    """Append a line to a file of this test run; returns how many lines it has now."""
    path = Path(os.environ["NOTES_DIR"]) / name
    with path.open("a") as file:
        file.write(f"{json.dumps(document)}\n")
    return len(path.read_text().splitlines())


@app.blob_trigger(
    arg_name="blob",
    path="references/{folder}/{name}.{ext}",
    connection="TEST_STORAGE",
    source=func.BlobSource.LOGS_AND_CONTAINER_SCAN,
)
def dropped(blob: func.InputStream) -> None:
    note_blob("dropped", blob)


@app.blob_trigger(
    arg_name="blob",
    path="references/{name}",
    connection="TEST_STORAGE",
    source=func.BlobSource.EVENT_GRID,
)
def announced(blob: func.InputStream) -> None:
    note_blob("announced", blob)


def note_blob(name: str, blob: func.InputStream) -> None:
    content = blob.read()
    note(
        name,
        {
            "name": blob.name,
            "uri": blob.uri,
            "length": blob.length,
            "metadata": getattr(blob, "metadata", None),
            "content": content.decode(),
        },
    )


@app.blob_trigger(
    arg_name="blob",
    path="poisonous/{name}",
    connection="TEST_STORAGE",
    source=func.BlobSource.LOGS_AND_CONTAINER_SCAN,
)
def poisoned(blob: func.InputStream) -> None:
    note("poisoned", blob.name)
    raise ValueError("it is always like that")


@app.blob_trigger(
    arg_name="blob",
    path="elsewhere/{name}",
    connection="NOT_CONFIGURED",
    source=func.BlobSource.EVENT_GRID,
)
def unreachable(blob: func.InputStream) -> None:
    note("unreachable", blob.name)


@app.timer_trigger(arg_name="timer", schedule="%EVERY_SECOND%")
def ticks(timer: func.TimerRequest) -> None:
    note("ticks", timer.past_due)


@app.timer_trigger(arg_name="timer", schedule="0 0 0 1 1 *", run_on_startup=True)
async def yearly(timer: func.TimerRequest) -> None:
    note("yearly", timer.past_due)


@app.event_grid_trigger(arg_name="event")
def classic(event: func.EventGridEvent) -> None:
    note("classic", [event.id, event.event_type, event.get_json()])


@app.event_grid_trigger(arg_name="event")
def failing(event: func.EventGridEvent) -> None:
    if event.event_type == "bad":
        raise ValueError("a bad event")


@app.queue_trigger(arg_name="message", queue_name="q", connection="TEST_STORAGE")
def queued(message: func.QueueMessage) -> None:
    note("queued", message.id)


@app.timer_trigger(arg_name="timer", schedule="%EVERY_SECOND%")
@app.blob_output(arg_name="target", path="copies/{rand-guid}", connection="TEST_STORAGE")
def copies(timer: func.TimerRequest, target: func.Out[str]) -> None:
    target.set("a copy")


@app.route(route="administration")
def reserved(req: func.HttpRequest) -> str:
    return "never"
