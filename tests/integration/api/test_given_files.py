"""No file that a caller sends is dropped in silence: it is read, or refused with where it goes."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tests.integration.api.given import IMAGE_URL, JOBS, PICTURE
from tests.integration.api.world import CLIP, World, png


def _right(path: str, source: str) -> dict[str, str]:
    """The fields of a form that the path would accept."""
    if path.endswith("/video_batches"):
        return {}
    if path.endswith("/jobs"):
        return {"prompt": "a pier", "model": "sora"}
    if path.endswith("/resolve"):
        return {"decision": "end"}
    if path.endswith("/characters"):
        return {"name": "Ada", "model": "files"}
    if path.endswith(("/edits", "/extensions")):
        return {"prompt": "a pier", "video[id]": source, "seconds": "4"}
    return {"prompt": "a pier"}


async def test_no_call_leaves_a_file_unread(world: World) -> None:
    source = await world.finished()
    made = len(world.engine.started)
    document = world.app.openapi()["paths"]
    paths = [path for path, methods in document.items() if "requestBody" in methods.get("post", {})]
    assert len(paths) >= 8
    for path in paths:
        is_operators = path.startswith("/orchestrations") or "/admin/" in path
        client = world.admin if is_operators else world.alice
        files = {"picture": PICTURE}
        if path.endswith("/characters"):
            files["video"] = ("clip.mp4", CLIP, "video/mp4")
        if path.endswith("/video_batches"):
            files["file"] = ("shots.jsonl", b'{"prompt": "a pier"}', "application/jsonl")
        answer = await client.post(
            path.replace("{video_id}", source).replace("{owner}", "alice"),
            data=_right(path, source),
            files=files,
        )
        assert answer.status_code == 400, (path, answer.text)
        assert "picture" in answer.text or "pier.png" in answer.text, (path, answer.text)
    assert len(world.engine.started) == made
    assert world.upstream == []


@pytest.mark.parametrize(
    "name",
    [
        "image",
        "images",
        "input_reference[]",
        "first_frame",
        "x",
        "prompt2",
    ],
)
@pytest.mark.parametrize("path", ["/v1/videos", "/openai/v1/videos/generations"])
async def test_a_picture_under_another_name_says_which_is_read(
    world: World, path: str, name: str
) -> None:
    answer = await world.alice.post(path, data={"prompt": "a pier"}, files={name: PICTURE})
    error = answer.json()["error"]
    assert (answer.status_code, error["param"], error["code"]) == (400, name, "unexpected_file")
    assert "'input_reference'" in error["message"]
    assert world.engine.started == []


async def test_a_second_picture_is_not_left_out(world: World) -> None:
    answer = await world.alice.post(
        "/v1/videos",
        data={"prompt": "a pier"},
        files=[("input_reference", PICTURE), ("input_reference", ("b.png", png(36, 64)))],
    )
    error = answer.json()["error"]
    assert (answer.status_code, error["param"], error["code"]) == (
        400,
        "input_reference",
        "too_many_files",
    )
    assert world.engine.started == []


@pytest.mark.parametrize("where", ["list", "object", "twice"])
async def test_a_picture_in_a_data_url_is_not_left_out_either(world: World, where: str) -> None:
    url = "data:image/png;base64," + base64.b64encode(png()).decode()
    bodies = {
        "list": f'{{"prompt": "x", "pictures": ["{url}"]}}',
        "object": f'{{"prompt": "x", "picture": {{"of": {{"me": "{url}"}}}}}}',
        "twice": '{"prompt": "x"' + f', "input_reference": {{"image_url": "{url}"}}' * 2 + "}",
    }
    answer = await world.alice.post(
        "/v1/videos", content=bodies[where], headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 400, answer.text
    assert "input_reference" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("field", "where"),
    [
        ({"foo": IMAGE_URL}, "foo"),
        ({"foo": {"bar": [IMAGE_URL]}}, "foo.bar"),
        ({"foo": [{"bar": {"baz": IMAGE_URL}}]}, "foo.bar.baz"),
        ({"metadata": {"picture": IMAGE_URL}}, "metadata.picture"),
    ],
)
@pytest.mark.parametrize("way", ["create", "remix", "edits", "extensions", "jobs"])
async def test_a_file_in_a_field_that_nobody_knows_is_named_by_its_place(
    world: World, way: str, field: dict[str, Any], where: str
) -> None:
    source = await world.finished()
    ways: dict[str, tuple[str, dict[str, Any]]] = {
        "create": ("/v1/videos", {}),
        "remix": (f"/v1/videos/{source}/remix", {}),
        "edits": ("/v1/videos/edits", {"video": {"id": source}}),
        "extensions": ("/v1/videos/extensions", {"video": {"id": source}, "seconds": "4"}),
        "jobs": (JOBS, {"model": "sora"}),
    }
    path, right = ways[way]
    made = len(world.engine.started)
    answer = await world.alice.post(path, json={"prompt": "x", **right, **field})
    error = answer.json().get("error", answer.json())
    assert (answer.status_code, error["param"], error["code"]) == (400, where, "unexpected_file")
    assert len(world.engine.started) == made


@pytest.mark.parametrize(
    "value",
    [
        IMAGE_URL,
        [IMAGE_URL],
        {"a": 1},
        "abc",
        ["https://example.com/a.png"],
        [{"url": IMAGE_URL}],
        7,
    ],
)
async def test_what_is_no_file_of_a_job_is_refused(world: World, value: object) -> None:
    body = {"prompt": "a pier", "model": "sora", "inpaint_items": [], "files": value}
    answer = await world.alice.post(JOBS, json=body)
    error = answer.json()
    assert (answer.status_code, error["code"]) == (400, "unexpected_file"), answer.text
    assert error["param"].partition(".")[0] == "files"
    assert "a part 'files' of a multipart form with a file name" in error["message"]
    assert world.engine.started == []


@pytest.mark.parametrize(
    "part", [(None, "abc"), (None, IMAGE_URL), ("", png()), (None, png()), ("", "abc")]
)
async def test_a_file_of_a_job_needs_a_name(world: World, part: Any) -> None:
    answer = await world.alice.post(
        JOBS,
        data={"prompt": "a pier", "model": "sora"},
        files=[("files", part)],
    )
    assert (answer.status_code, answer.json()["param"]) == (400, "files"), answer.text
    assert world.engine.started == []


async def test_two_files_of_a_job_need_two_names(world: World) -> None:
    item = {"type": "image", "file_name": "pier.png"}
    answer = await world.alice.post(
        JOBS,
        data={"prompt": "a pier", "model": "sora", "inpaint_items": json.dumps([item])},
        files=[("files", PICTURE), ("files", PICTURE)],
    )
    assert (answer.status_code, answer.json()["param"]) == (400, "files")
