"""The jobs API: parameters, statuses, generations."""

from __future__ import annotations

import json
from io import BytesIO
from typing import Any

import httpx
import pytest
from PIL import Image

from tests.local.unit.services.simulator import JOBS, Simulator

GENERATIONS = "/openai/v1/video/generations"
GOOD = {"model": "sora", "prompt": "a cat", "width": 480, "height": 480, "n_seconds": 5}
PREVIEW = {"api-version": "preview"}


def png(width: int = 64, height: int = 48) -> bytes:
    data = BytesIO()
    Image.new("RGB", (width, height), "teal").save(data, "PNG")
    return data.getvalue()


async def create(simulator: Simulator, body: dict[str, Any]) -> httpx.Response:
    return await simulator.http.post(JOBS, params=PREVIEW, json=body)


async def made(simulator: Simulator, **change: Any) -> dict[str, Any]:
    answer = await create(simulator, GOOD | change)
    assert answer.status_code == 201, answer.text
    await simulator.services.library.wait_until_idle()
    job: dict[str, Any] = answer.json()
    return job


async def send(simulator: Simulator, items: Any, *names: str) -> httpx.Response:
    fields = {name: str(value) for name, value in GOOD.items()}
    fields["inpaint_items"] = items if isinstance(items, str) else json.dumps(items)
    files = [("files", (name, png(), "image/png")) for name in names]
    return await simulator.http.post(JOBS, params=PREVIEW, data=fields, files=files)


async def test_a_new_job_looks_as_in_the_quickstart(simulator: Simulator) -> None:
    job = await made(simulator)
    assert job.pop("id").startswith("task_")
    assert job == {
        "object": "video.generation.job",
        "status": "queued",
        "created_at": simulator.time,
        "finished_at": None,
        "expires_at": None,
        "generations": [],
        "prompt": "a cat",
        "model": "sora",
        "n_variants": 1,
        "n_seconds": 5,
        "height": 480,
        "width": 480,
        "failure_reason": None,
    }


async def test_statuses_come_in_order_and_end_with_generations(simulator: Simulator) -> None:
    job = await made(simulator, prompt="a cat [sim render=100]", n_variants=3)
    seen: list[str] = []
    for _ in range(21):
        answer = await simulator.http.get(f"{JOBS}/{job['id']}", params=PREVIEW)
        now = answer.json()
        if not seen or seen[-1] != now["status"]:
            seen.append(now["status"])
        simulator.wait(5)
    assert seen == ["queued", "preprocessing", "running", "processing", "succeeded"]
    assert len({generation["id"] for generation in now["generations"]}) == 3
    assert len({spec.key for spec in simulator.encoded}) == 3, "each variant is its own picture"
    generation = now["generations"][2]
    single = await simulator.http.get(f"{GENERATIONS}/{generation['id']}", params=PREVIEW)
    assert single.json() == generation
    assert (generation["object"], generation["job_id"]) == ("video.generation", job["id"])

    content = f"{GENERATIONS}/{generation['id']}/content"
    head = await simulator.http.head(f"{content}/video", params=PREVIEW)
    assert (head.headers["content-length"], head.headers["accept-ranges"]) == ("100", "bytes")
    assert head.headers["last-modified"]
    assert head.content == b""
    for quality, status in (("high", 200), ("low", 200), ("best", 400)):
        query = PREVIEW | {"quality": quality}
        assert (await simulator.http.get(f"{content}/video", params=query)).status_code == status
    thumbnail = await simulator.http.get(f"{content}/thumbnail", params=PREVIEW)
    assert thumbnail.headers["content-type"] == "image/jpg"


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"width": 500}, "width"),
        ({"width": "480"}, "width"),
        ({"n_seconds": 0}, "n_seconds"),
        ({"n_seconds": 21}, "n_seconds"),
        ({"n_variants": 5}, "n_variants"),
        ({"width": 1280, "height": 720, "n_variants": 3}, "n_variants"),
        ({"width": 1920, "height": 1080, "n_variants": 2}, "n_variants"),
        ({"prompt": None}, "prompt"),
        ({"size": "480x480"}, "size"),
    ],
)
async def test_bad_parameters_get_the_flat_envelope(
    simulator: Simulator, change: dict[str, Any], param: str
) -> None:
    answer = await create(simulator, GOOD | change)
    assert answer.status_code == 400
    error = answer.json()
    assert set(error) == {"code", "message", "param", "type", "inner_error"}
    assert error["param"] == param


async def test_moderation_names_its_policy(simulator: Simulator) -> None:
    answer = await create(simulator, GOOD | {"prompt": "a moderated input"})
    assert answer.json()["inner_error"]["code"] == "ResponsibleAIPolicyViolation"


async def test_the_gateway_answers_in_the_wrapped_envelope(simulator: Simulator) -> None:
    no_version = await simulator.http.post(JOBS, json=GOOD)
    assert no_version.status_code == 400
    unknown = await create(simulator, GOOD | {"model": "sora-2"})
    assert unknown.status_code == 404
    for answer in (no_version, unknown):
        assert answer.json()["error"]["message"]


async def test_an_image_is_placed_where_it_was_asked_for(simulator: Simulator) -> None:
    bounds = {
        "left_fraction": 0.1,
        "top_fraction": 0.2,
        "right_fraction": 0.9,
        "bottom_fraction": 0.8,
    }
    items = [
        {"frame_index": 0, "type": "image", "file_name": "a.png"},
        {"frame_index": 149, "type": "image", "file_name": "b.png", "crop_bounds": bounds},
    ]
    answer = await send(simulator, items, "a.png", "b.png")
    assert answer.status_code == 201, answer.text
    await simulator.services.library.wait_until_idle()
    first, second = simulator.encoded[0].inputs
    assert (first.frame_index, first.crop.right) == (0, 1.0)
    assert (second.frame_index, second.crop.left, second.crop.bottom) == (149, 0.1, 0.8)
    (job,) = (await simulator.http.get("/_inspect/jobs")).json()
    assert [reference["width"] for reference in job["references"]] == [64, 64]


IMAGE = {"type": "image", "file_name": "a.png"}


@pytest.mark.parametrize(
    "items",
    [
        "{nope",
        {},
        [IMAGE | {"file_name": "other.png"}],
        [IMAGE | {"frame_index": 150}],
        [IMAGE | {"frame_index": "0"}],
        [IMAGE | {"type": "sound"}],
        [IMAGE, IMAGE],
        [IMAGE, IMAGE | {"frame_index": 1}, IMAGE | {"frame_index": 2}],
        [IMAGE, {"type": "video", "file_name": "a.png"}],
        [IMAGE | {"crop_bounds": {"left_fraction": 0.5, "right_fraction": 0.5}}],
        [IMAGE | {"crop_bounds": {"left_fraction": 1.5}}],
        [{"type": "video", "file_name": "a.png"}],
    ],
)
async def test_bad_inpaint_items_are_refused(simulator: Simulator, items: Any) -> None:
    answer = await send(simulator, items, "a.png")
    assert answer.status_code == 400, answer.text
    assert answer.json()["param"] in ("inpaint_items", "files")


async def test_jobs_are_listed_newest_first_in_pages(simulator: Simulator) -> None:
    made_ids = [(await made(simulator, prompt=f"{n} [sim label=x]"))["id"] for n in range(5)]
    first = (await simulator.http.get(JOBS, params=PREVIEW | {"limit": "3"})).json()
    assert [job["id"] for job in first["data"]] == made_ids[:1:-1]
    assert first["has_more"]
    query = PREVIEW | {"after": first["last_id"]}
    rest = (await simulator.http.get(JOBS, params=query)).json()
    assert [job["id"] for job in rest["data"]] == made_ids[1::-1]
    assert not rest["has_more"]
    failed = (await simulator.http.get(JOBS, params=PREVIEW | {"statuses": "failed"})).json()
    assert failed["data"] == []


async def test_a_deleted_job_and_its_generations_are_gone(simulator: Simulator) -> None:
    job = await made(simulator, prompt="x [sim render=0]")
    one = f"{JOBS}/{job['id']}"
    generation = (await simulator.http.get(one, params=PREVIEW)).json()["generations"][0]["id"]
    assert (await simulator.http.delete(one, params=PREVIEW)).status_code == 204
    for path in (one, f"{GENERATIONS}/{generation}", f"{GENERATIONS}/{generation}/content/video"):
        assert (await simulator.http.get(path, params=PREVIEW)).status_code == 404


@pytest.mark.parametrize(
    ("outcome", "status", "reason"),
    [
        ("failed", "failed", "internal_error"),
        ("moderated", "failed", "output_moderation"),
        ("cancelled", "cancelled", None),
    ],
)
async def test_a_job_can_end_badly(
    simulator: Simulator, outcome: str, status: str, reason: str | None
) -> None:
    job = await made(simulator, prompt=f"x [sim render=0 outcome={outcome}]")
    now = (await simulator.http.get(f"{JOBS}/{job['id']}", params=PREVIEW)).json()
    assert (now["status"], now["failure_reason"]) == (status, reason)
    assert now["finished_at"] == simulator.time
