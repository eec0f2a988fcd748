"""Batches and failures in the studio: what many videos at once, and one that failed, ask for."""

from __future__ import annotations

import csv
import io
import json
import re
import secrets
from pathlib import Path

from playwright.sync_api import FilePayload, Page, expect

from tests.stack import RunningStack


def _file(*lines: object) -> FilePayload:
    text = "\n".join(json.dumps(line) for line in lines)
    return FilePayload(name="shots.jsonl", mimeType="application/jsonl", buffer=text.encode())


def test_a_batch_is_priced_as_a_whole_before_it_is_ordered_and_its_results_are_saved(
    studio: Page, stack: RunningStack
) -> None:
    name = f"Storyboard {secrets.token_hex(4)}"
    studio.get_by_role("link", name="Batches").click()
    chooser = studio.get_by_label("File of shots")
    chooser.set_input_files(_file({"prompt": "a pier", "secnods": "4"}))
    order = studio.get_by_role("button", name="Make all")
    expect(studio.get_by_text("1 fault; nothing is made")).to_be_visible()
    expect(order).to_be_disabled()

    settings = {"name": name, "defaults": {"model": "sora-2", "seconds": "4"}}
    shots = [{"prompt": f"{name}, scene {number}"} for number in (1, 2, 3)]
    studio.locator("input[type=file]").set_input_files(_file(settings, *shots))
    expect(studio.get_by_text(re.compile("3 shots: 3 . sora-2"))).to_be_visible()
    expect(order).to_contain_text("at most $1.20")
    assert name not in stack.api.get("/v1/video_batches").text
    order.click()

    batch = studio.get_by_role("article", name=f"Batch {name}")
    expect(batch).to_contain_text("3 of 3 ready")
    expect(batch).to_contain_text("$1.20 of at most $1.20")
    with studio.expect_download() as saving:
        batch.get_by_role("button", name="Results as CSV").click()
    rows = list(csv.DictReader(io.StringIO(Path(saving.value.path()).read_text("utf-8"))))
    assert [row["status"] for row in rows] == ["completed"] * 3
    studio.get_by_role("link", name="Videos").click()
    expect(studio.get_by_role("article", name=f"{name}, scene 2")).to_be_visible()


def test_a_batch_is_paused_and_cancelled(studio: Page) -> None:
    name = f"Storm {secrets.token_hex(4)}"
    studio.get_by_role("link", name="Batches").click()
    settings = {"name": name, "max_in_progress": 1, "defaults": {"model": "sora-2"}}
    shots = [{"prompt": f"{name} {number} [sim render=600]"} for number in (1, 2)]
    studio.locator("input[type=file]").set_input_files(_file(settings, *shots))
    studio.get_by_role("button", name="Make all").click()
    batch = studio.get_by_role("article", name=f"Batch {name}")
    batch.get_by_role("button", name="Pause").click()
    expect(batch.get_by_text("paused", exact=True)).to_be_visible()
    batch.get_by_role("button", name="Resume").click()
    expect(batch.get_by_text("in progress", exact=True)).to_be_visible()
    batch.get_by_role("button", name="Cancel").click()
    expect(batch.get_by_text("cancelled", exact=True)).to_be_visible()


def test_a_failed_video_says_why_and_is_made_again(studio: Page, stack: RunningStack) -> None:
    prompt = f"A wave breaks {secrets.token_hex(4)} [sim outcome=failed]"
    stack.create(prompt)
    card = studio.get_by_role("article", name=prompt)
    expect(card).to_contain_text("Failed")
    card.get_by_role("link").click()
    studio.get_by_role("button", name="Try again").click()
    expect(card).to_have_count(2)
    expect(card.first).to_contain_text("Failed")  # as its prompt says, once more
    videos = stack.api.get("/v1/videos").json()["data"]
    assert len([video for video in videos if video["prompt"] == prompt]) == 2


def test_a_video_under_way_is_cancelled(studio: Page, stack: RunningStack) -> None:
    prompt = f"A slow tide {secrets.token_hex(4)} [sim render=900]"
    stack.create(prompt)
    card = studio.get_by_role("article", name=prompt)
    expect(card.get_by_role("progressbar")).to_be_visible()
    card.get_by_role("link").click()
    studio.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    expect(studio.get_by_role("dialog").get_by_role("heading")).to_have_text("Cancelled")
