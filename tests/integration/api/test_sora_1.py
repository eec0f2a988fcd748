"""The jobs API of Sora 1, and its variants through the videos protocol."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from dailies.api.sora1 import routes
from dailies.protocols.sora1.ids import generation_id, job_id, video_of_job
from dailies.video.basics import Phase, Variant, VideoError
from dailies.video.framing import CropBounds
from dailies.video.record import GeneratedVideo, VideoRecord
from dailies.video.request import InputKind
from tests.integration.api.world import World, png
from tests.media import write_clip

ROOT = "/openai/v1/video/generations"
PREVIEW = {"api-version": "preview"}
BOUNDS = {"left_fraction": 0.1, "top_fraction": 0.1, "right_fraction": 0.9, "bottom_fraction": 0.9}


async def create(world: World, **fields: Any) -> httpx.Response:
    body = {"model": "sora", "prompt": "a pier", "width": 480, "height": 480, **fields}
    return await world.alice.post(f"{ROOT}/jobs", params=PREVIEW, json=body)


async def send(
    world: World, items: object, *files: tuple[str, bytes], **fields: str
) -> httpx.Response:
    """A create as a form, with files."""
    body = {"model": "sora", "prompt": "a pier", "width": "480", "height": "480", **fields}
    if items is not None:
        body["inpaint_items"] = items if isinstance(items, str) else json.dumps(items)
    parts = [("files", (name, data, "application/octet-stream")) for name, data in files]
    return await world.alice.post(f"{ROOT}/jobs", params=PREVIEW, data=body, files=parts)


async def record_of(world: World, job: dict[str, Any]) -> VideoRecord:
    record = await world.record(video_of_job(job["id"]) or "")
    assert record is not None
    return record


async def succeeded(world: World, number: int = 2) -> str:
    """A job of alice's that made so many videos; the id of the video."""
    job = (await create(world, n_variants=number)).json()
    video_id = video_of_job(job["id"]) or ""
    made = []
    for place in range(number):
        files = {
            Variant.VIDEO: await world.services.files.put(
                f"{video_id}/video-{place + 1}.mp4",
                b"video" * (place + 1),
                content_type="video/mp4",
            ),
            Variant.THUMBNAIL: await world.services.files.put(
                f"{video_id}/thumbnail-{place + 1}.jpg", b"picture", content_type="image/jpeg"
            ),
        }
        made.append(GeneratedVideo(id=f"gen_upstream_{place}", files=files))
    await world.change(
        video_id,
        phase=Phase.DONE,
        completed_at=world.now,
        files=made[0].files,
        generations=tuple(made),
    )
    return video_id


async def test_a_job_is_a_video(world: World) -> None:
    answer = await create(world, n_seconds=7, n_variants=3)
    job = answer.json()
    assert answer.status_code == 201
    assert job == {
        "object": "video.generation.job",
        "id": job["id"],
        "status": "queued",
        "created_at": int(world.now),
        "finished_at": None,
        "expires_at": None,
        "generations": [],
        "prompt": "a pier",
        "model": "sora",
        "n_variants": 3,
        "n_seconds": 7,
        "height": 480,
        "width": 480,
        "failure_reason": None,
    }
    video = (await world.alice.get(f"/v1/videos/{video_of_job(job['id'])}")).json()
    assert (video["model"], video["seconds"], video["size"]) == ("sora", "7", "480x480")
    assert world.engine.started == [video["id"]]


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"model": None}, "model"),
        ({"model": 7}, "model"),
        ({"model": "sora-2"}, "model"),
        ({"prompt": ""}, "prompt"),
        ({"width": 481}, "width"),
        ({"width": None}, "width"),
        ({"height": "many"}, "width"),
        ({"n_seconds": 0}, "n_seconds"),
        ({"n_seconds": 21}, "n_seconds"),
        ({"n_variants": 5}, "n_variants"),
        ({"width": 1280, "height": 720, "n_variants": 3}, "n_variants"),
        ({"width": 1920, "height": 1080, "n_variants": 2}, "n_variants"),
        ({"size": "480x480"}, "size"),
        ({"seconds": "5"}, "seconds"),
        ({"inpaint_items": [{"type": "image", "file_name": "a.png"}]}, "inpaint_items"),
        ({"inpaint_items": "no json"}, "inpaint_items"),
    ],
)
async def test_what_is_wrong_is_told_in_a_flat_envelope(
    world: World, fields: dict[str, Any], param: str
) -> None:
    answer = await create(world, **fields)
    assert answer.status_code == 400
    error = answer.json()
    assert set(error) == {"code", "message", "param", "type", "inner_error"}
    assert error["param"] == param
    assert world.engine.started == []


async def test_the_gateway_s_errors_are_wrapped(world: World) -> None:
    unknown = await create(world, model="nothing")
    assert unknown.status_code == 404
    assert unknown.json()["error"]["code"] == "DeploymentNotFound"
    old = await world.alice.get(f"{ROOT}/jobs", params={"api-version": "2024-10-21"})
    assert old.status_code == 400
    assert "API version not supported" in old.json()["error"]["message"]
    stranger = await world.anonymous.get(f"{ROOT}/jobs", params=PREVIEW)
    assert stranger.status_code == 401
    assert "error" in stranger.json()


async def test_an_image_and_its_item(world: World) -> None:
    item = {"frame_index": 10, "type": "image", "file_name": "dog.png", "crop_bounds": BOUNDS}
    answer = await send(world, [item], ("dog.png", png()))
    assert answer.status_code == 201, answer.text
    [kept] = (await record_of(world, answer.json())).request.inputs
    assert (kept.type, kept.frame_index, kept.fit) == (InputKind.IMAGE, 10, None)
    assert kept.crop == CropBounds(0.1, 0.1, 0.9, 0.9)
    assert kept.file is not None
    assert await world.services.files.read(kept.file.blob, max_bytes=10_000) == png()


async def test_a_clip_and_its_item(world: World, clip: bytes) -> None:
    item = {"frame_index": 0, "type": "video", "file_name": "dog.mp4"}
    answer = await send(world, [item], ("dog.mp4", clip))
    assert answer.status_code == 201, answer.text
    [kept] = (await record_of(world, answer.json())).request.inputs
    assert kept.file is not None
    assert (kept.file.bytes, kept.file.content_type) == (len(clip), "video/mp4")


def item(name: str, **fields: Any) -> dict[str, Any]:
    return {"type": "image", "file_name": name, **fields}


@pytest.mark.parametrize(
    ("items", "says"),
    [
        ([item("other.png")], "belongs"),
        ([item("a.png"), item("b.png", frame_index=1)], "No attached file"),
        ([item("a.png", type="video")], "is an image"),
        ([item("a.png", type="sound")], "'image' or 'video'"),
        ([item("a.png", frame_index=150)], "frames 0 to 149"),
        ([item("a.png", frame_index=-1)], "whole number"),
        ([item("a.png", crop_bounds={"left_fraction": 2})], "from 0 to 1"),
        ([item("a.png", crop_bounds={"left": 0.1})], "left_fraction"),
        ([item("a.png", frame_index=n) for n in range(3)], "up to 2 images"),
        ([item("a.png"), item("a.png", type="video", frame_index=9)], "up to 2 images"),
        ([item("a.png"), item("a.png")], "same frame"),
        (None, "belongs"),
        ("{}", "array"),
    ],
)
async def test_items_that_can_t_be_used(world: World, items: object, says: str) -> None:
    answer = await send(world, items, ("a.png", png()))
    assert answer.status_code == 400, answer.text
    assert says in answer.json()["message"]


async def test_a_clip_that_is_too_long(world: World, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "long.mp4", seconds=6, width=64, height=64).read_bytes()
    answer = await send(world, [item("long.mp4", type="video")], ("long.mp4", clip))
    assert (answer.status_code, answer.json()["code"]) == (400, "video_too_long")


async def test_one_key_makes_one_job_of_the_same_files(world: World, clip: bytes) -> None:
    world.alice.headers["Idempotency-Key"] = "once"
    items = [item("dog.mp4", type="video")]
    first = await send(world, items, ("dog.mp4", clip))
    again = await send(world, items, ("dog.mp4", clip))
    assert first.json()["id"] == again.json()["id"]
    assert again.headers["Idempotent-Replayed"] == "true"
    other = await send(world, items, ("dog.mp4", clip + b"\0\0\0\x08free"))
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")


async def test_jobs_are_listed_by_page_and_without_other_videos(world: World) -> None:
    jobs = []
    for _ in range(3):
        jobs.append((await create(world)).json()["id"])
        await world.alice.post("/v1/videos", json={"prompt": "another", "model": "sora-2"})
        world.now += 1
    jobs.reverse()
    first = (await world.alice.get(f"{ROOT}/jobs", params={"limit": "2"})).json()
    assert [job["id"] for job in first["data"]] == jobs[:2]
    assert (first["has_more"], first["first_id"], first["last_id"]) == (True, jobs[0], jobs[1])
    rest = (await world.alice.get(f"{ROOT}/jobs", params={"after": jobs[1]})).json()
    assert ([job["id"] for job in rest["data"]], rest["has_more"]) == (jobs[2:], False)
    ahead = (await world.alice.get(f"{ROOT}/jobs", params={"before": jobs[1]})).json()
    assert [job["id"] for job in ahead["data"]] == jobs[:1]
    none = (await world.alice.get(f"{ROOT}/jobs", params={"statuses": "succeeded"})).json()
    assert none["data"] == []
    assert (await world.bob.get(f"{ROOT}/jobs")).json()["data"] == []


async def test_a_search_for_a_status_ends_and_can_be_gone_on_with(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routes, "_SCANNED_AT_ONCE", 2)
    monkeypatch.setattr(routes, "_MOST_SCANNED", 4, raising=False)
    done = job_id(await succeeded(world))
    jobs = []
    for _ in range(5):
        world.now += 1
        jobs.append((await create(world)).json()["id"])
    jobs.reverse()
    query = {"statuses": "succeeded"}
    page = (await world.alice.get(f"{ROOT}/jobs", params=query)).json()
    assert (page["data"], page["has_more"], page["last_id"]) == ([], True, jobs[3])
    query["after"] = page["last_id"]
    page = (await world.alice.get(f"{ROOT}/jobs", params=query)).json()
    assert ([job["id"] for job in page["data"]], page["has_more"]) == ([done], False)
    assert page["last_id"] == done


@pytest.mark.parametrize("query", [{"limit": "0"}, {"after": "x"}, {"statuses": "done"}])
async def test_a_list_that_can_t_be_had(world: World, query: dict[str, str]) -> None:
    answer = await world.alice.get(f"{ROOT}/jobs", params=query)
    assert answer.status_code == 400
    assert answer.json()["param"] == next(iter(query))


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"phase": Phase.WAITING}, "queued"),
        ({"phase": Phase.RENDERING, "progress": 2}, "preprocessing"),
        ({"phase": Phase.RENDERING, "progress": 10}, "running"),
        ({"phase": Phase.RENDERING, "progress": 90}, "processing"),
        ({"phase": Phase.ARCHIVING}, "processing"),
        ({"phase": Phase.CANCELLED}, "cancelled"),
    ],
)
async def test_the_words_of_a_job(world: World, changes: dict[str, Any], status: str) -> None:
    job = (await create(world)).json()["id"]
    await world.change(video_of_job(job) or "", **changes)
    assert (await world.alice.get(f"{ROOT}/jobs/{job}")).json()["status"] == status


async def test_a_refused_prompt_is_input_moderation(world: World) -> None:
    job = (await create(world)).json()["id"]
    await world.services.records.update(
        world.owners["alice"],
        video_of_job(job) or "",
        lambda record: record.failed(VideoError("content_filter", "It was blocked."), world.now),
    )
    found = (await world.alice.get(f"{ROOT}/jobs/{job}")).json()
    assert (found["status"], found["failure_reason"]) == ("failed", "input_moderation")


async def test_generations_and_their_content(world: World) -> None:
    video_id = await succeeded(world)
    job = (await world.alice.get(f"{ROOT}/jobs/{job_id(video_id)}")).json()
    assert [made["id"] for made in job["generations"]] == [
        generation_id(video_id, 0),
        generation_id(video_id, 1),
    ]
    second = generation_id(video_id, 1)
    assert (await world.alice.get(f"{ROOT}/{second}")).json() == job["generations"][1]
    head = await world.alice.head(f"{ROOT}/{second}/content/video", params={"quality": "low"})
    assert (head.status_code, head.headers["content-length"]) == (200, "10")
    assert head.headers["last-modified"].endswith("GMT")
    got = await world.alice.get(f"{ROOT}/{second}/content/video")
    assert got.status_code == 302
    assert "/video-2.mp4?" in got.headers["location"]
    picture = await world.alice.head(f"{ROOT}/{second}/content/thumbnail")
    assert picture.headers["content-type"] == "image/jpg"
    wrong = await world.alice.get(f"{ROOT}/{second}/content/video", params={"quality": "best"})
    assert (wrong.status_code, wrong.json()["param"]) == (400, "quality")


async def test_variants_in_the_videos_protocol(world: World) -> None:
    video_id = await succeeded(world)
    for index, name in ((None, "video-1"), ("0", "video-1"), ("1", "video-2")):
        query = {} if index is None else {"variant_index": index}
        answer = await world.alice.get(f"/v1/videos/{video_id}/content", params=query)
        assert f"/{name}.mp4?" in answer.headers["location"]
    for index, status in (("2", 404), ("-1", 400), ("one", 400)):
        query = {"variant_index": index}
        answer = await world.alice.get(f"/v1/videos/{video_id}/content", params=query)
        assert (answer.status_code, answer.json()["error"]["param"]) == (status, "variant_index")


async def test_nobody_else_s_job_is_seen(world: World) -> None:
    video_id = await succeeded(world)
    job, generation = job_id(video_id), generation_id(video_id, 0)
    for path in (f"jobs/{job}", generation, f"{generation}/content/video"):
        assert (await world.bob.get(f"{ROOT}/{path}")).status_code == 404
    assert (await world.bob.delete(f"{ROOT}/jobs/{job}")).status_code == 404


async def test_a_video_of_another_model_is_no_job(world: World) -> None:
    video_id = await world.finished()
    assert (await world.alice.get(f"{ROOT}/jobs/{job_id(video_id)}")).status_code == 404
    assert (await world.alice.get(f"{ROOT}/{generation_id(video_id, 0)}")).status_code == 404


async def test_deleting_an_ended_job_and_cancelling_one_that_runs(world: World) -> None:
    ended = await succeeded(world)
    answer = await world.alice.delete(f"{ROOT}/jobs/{job_id(ended)}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert await world.record(ended) is None
    assert await world.blobs(ended) == []
    running = (await create(world)).json()
    assert (await world.alice.delete(f"{ROOT}/jobs/{running['id']}")).status_code == 204
    assert (await record_of(world, running)).cancel_requested
