"""A batch on the running stack: from a form with an image to its table of results."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import httpx

from tests.e2e.checks import assert_delivered
from tests.pictures import png
from tests.stack import RunningStack

_LABEL = "[sim label=batch]"


def test_a_form_of_shots_and_an_image_becomes_videos_and_a_table(stack: RunningStack) -> None:
    shots = [
        {"prompt": f"it moves {_LABEL}", "image_file": "one.png", "custom_id": "one"},
        {"prompt": f"a pier {_LABEL}", "custom_id": "two"},
        {"prompt": f"refused {_LABEL} [sim moderation]", "custom_id": "three"},
    ]
    lines = "\n".join(json.dumps(shot) for shot in shots).encode()
    files = [
        ("file", ("shots.jsonl", lines, "application/jsonl")),
        ("images", ("one.png", png(7), "image/png")),
    ]
    said = {"defaults": '{"model": "sora-2", "seconds": "4"}', "max_in_progress": "2"}
    answer = stack.api.post("/v1/video_batches", files=files, data=said)
    assert answer.status_code == 200, answer.text
    path = f"/v1/video_batches/{answer.json()['id']}"

    def ended() -> dict[str, Any] | None:
        batch: dict[str, Any] = stack.api.get(path).json()
        return batch if batch["status"] == "completed" else None

    batch = stack.wait_until(ended, what="the end of the batch")
    rows = {shot["custom_id"]: shot for shot in stack.api.get(f"{path}/videos").json()["data"]}
    for name in ("one", "two"):
        assert_delivered(stack, stack.video(rows[name]["video_id"]))
    assert batch["counts"]["completed"] + batch["counts"]["failed"] == 3
    moved = stack.api.get(f"{path}/results")
    table = list(csv.DictReader(io.StringIO(httpx.get(moved.headers["location"]).text)))
    assert [row["custom_id"] for row in table] == ["one", "two", "three"]
    event = stack.wait_until(
        lambda: [e for e in stack.events() if e["id"] == f"{batch['id']}.completed"],
        what="its event",
    )[0]
    assert event["data"]["counts"]["total"] == 3


def test_a_dropped_file_waits_for_its_images_and_is_a_batch(stack: RunningStack) -> None:
    shots = [
        {"defaults": {"model": "sora-2", "seconds": "4"}, "name": "dropped"},
        {"prompt": f"dropped with a batch, 1 {_LABEL}", "image_file": "one.png"},
        {"prompt": f"dropped with a batch, 2 {_LABEL}", "image_file": "two.png"},
    ]
    lines = "\n".join(json.dumps(shot) for shot in shots).encode()
    stack.drop("shoot/batch.jsonl", lines)
    for number, name in enumerate(("one.png", "two.png")):
        stack.drop(f"shoot/{name}", png(20 + number), {"prompt": "not of its own"})

    def ended() -> list[dict[str, Any]]:
        events = [e for e in stack.events() if e["type"] == "dailies.batch.completed"]
        return [e["data"] for e in events if e["data"]["blob"] == "shoot/batch.jsonl"]

    [batch] = stack.wait_until(ended, within=180, what="the end of the dropped batch")
    assert (batch["name"], batch["counts"]["completed"]) == ("dropped", 2)
    assert len(stack.jobs("dropped with a batch")) == 2
    assert stack.jobs("not of its own") == []
