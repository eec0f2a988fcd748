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
