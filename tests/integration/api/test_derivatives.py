"""Remixes, edits, extensions and characters."""

from __future__ import annotations

import json
import secrets

import httpx
import pytest

from dailies.pipeline.submit import submit_video
from dailies.video.basics import Operation, Phase
from dailies.video.record import VideoRecord
from tests.integration.api.world import CLIP, World

DAY = 86_400.0


def _job() -> httpx.Response:
    """A job that no other test has."""
    job = {"id": f"job-{secrets.token_hex(4)}", "object": "video", "status": "queued"}
    return httpx.Response(200, json=job)


async def _derive(world: World, path: str, source: str, **fields: object) -> httpx.Response:
    """Ask for a video made from ``source``: ``remix``, ``edits`` or ``extensions``."""
    body = {"prompt": "now in fog", **fields}
    if path == "remix":
        return await world.alice.post(f"/v1/videos/{source}/remix", json=body)
    return await world.alice.post(f"/v1/videos/{path}", json={**body, "video": {"id": source}})


@pytest.mark.parametrize(
    ("path", "fields", "seconds", "billed", "operation"),
    [
        ("remix", {}, "4", 4.0, Operation.REMIX),
        ("edits", {}, "4", 4.0, Operation.EDIT),
        ("extensions", {"seconds": "16"}, "20", 16.0, Operation.EXTEND),
        ("extensions", {"seconds": 8}, "12", 8.0, Operation.EXTEND),
    ],
)
async def test_a_video_is_made_from_a_video(
    world: World,
    path: str,
    fields: dict[str, object],
    seconds: str,
    billed: float,
    operation: Operation,
) -> None:
    source = await world.finished()
    video = (await _derive(world, path, source, **fields)).json()
    assert video["remixed_from_video_id"] == source
    assert (video["seconds"], video["size"]) == (seconds, "720x1280")
    assert video["usage"] == {"duration_seconds": billed}
    assert world.engine.started[-1] == video["id"]
    record = await world.record(video["id"])
    assert record is not None
    assert record.request.operation is operation
    assert record.request.source_job_id == "job-1"
    assert record.request.deployment == "first"


async def test_the_provider_is_asked_to_start_from_its_own_job(world: World) -> None:
    source = await world.finished()
    video_id = (await _derive(world, "remix", source)).json()["id"]
    world.answers = [_job()]
    step = await submit_video(world.services, {"id": video_id, "owner": world.owners["alice"]})
    assert step["kind"] == "done"
    request = world.upstream[-1]
    assert str(request.url) == "https://first.example/openai/v1/videos/job-1/remix"
    assert json.loads(request.content) == {"prompt": "now in fog"}


async def test_forms_name_the_source_as_official_clients_do(world: World) -> None:
    source = await world.finished()
    answer = await world.alice.post(
        "/v1/videos/edits", data={"prompt": "now in fog", "video[id]": source}
    )
    assert answer.json()["remixed_from_video_id"] == source


async def test_a_source_that_the_provider_has_forgotten_is_a_clear_error(world: World) -> None:
    source = await world.finished(expires_in=DAY)
    world.now += DAY
    answer = await _derive(world, "remix", source)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "source_expired")
    assert "Create the video again" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("path", "route"), [("remix", "edits"), ("edits", "edits"), ("extensions", "extensions")]
)
async def test_a_provider_that_takes_files_is_given_ours_instead(
    world: World, path: str, route: str
) -> None:
    source = await world.finished(model="files", deployment="files", expires_in=DAY)
    world.now += DAY
    video_id = (await _derive(world, path, source, seconds="4")).json()["id"]
    world.answers = [_job()]
    step = await submit_video(world.services, {"id": video_id, "owner": world.owners["alice"]})
    assert step["kind"] == "done"
    request = world.upstream[-1]
    assert request.url.path == f"/openai/v1/videos/{route}"
    assert int(request.headers["Content-Length"]) == len(request.content)
    assert CLIP in request.content
    assert b'name="prompt"\r\n\r\nnow in fog\r\n' in request.content


async def test_a_source_whose_file_went_meanwhile_fails_and_sends_nothing(world: World) -> None:
    source = await world.finished(model="files", deployment="files", expires_in=DAY)
    world.now += DAY
    video_id = (await _derive(world, "edits", source)).json()["id"]
    await world.services.files.delete_folder(f"{source}/")
    step = await submit_video(world.services, {"id": video_id, "owner": world.owners["alice"]})
    assert (step["kind"], step["error"]["code"]) == ("stop", "source_expired")
    assert world.upstream == []


async def test_a_source_must_be_completed(world: World) -> None:
    created = await world.alice.post("/v1/videos", json={"prompt": "a pier"})
    for source in (created.json()["id"], await world.failed()):
        answer = await _derive(world, "remix", source)
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "source_not_completed")


async def test_a_model_may_not_do_it(world: World) -> None:
    source = await world.finished(model="plain", deployment="plain")
    answer = await _derive(world, "remix", source)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "unsupported_operation")


async def test_a_deployment_that_is_gone_can_start_from_nothing(world: World) -> None:
    source = await world.finished(deployment="removed")
    answer = await _derive(world, "remix", source)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "source_unavailable")


@pytest.mark.parametrize(
    ("path", "body", "param"),
    [
        ("edits", {"prompt": "x"}, "video"),
        ("edits", {"prompt": "x", "video": {}}, "video.id"),
        ("edits", {"prompt": "x", "video": {"id": 7}}, "video.id"),
        ("edits", {"prompt": "x", "video": {"id": ""}}, "video.id"),
        ("edits", {"prompt": "x", "video": 7}, "video"),
        ("edits", {"prompt": "x", "video_id": {"id": 7}}, "video_id.id"),
        ("edits", {"video": {"id": "SOURCE"}}, "prompt"),
        ("extensions", {"prompt": "x", "video": {"id": "SOURCE"}}, "seconds"),
        ("extensions", {"prompt": "x", "video": {"id": "SOURCE"}, "seconds": "12"}, "seconds"),
        ("SOURCE/remix", {}, "prompt"),
    ],
)
async def test_a_wrong_field_is_a_400_that_names_it(
    world: World, path: str, body: dict[str, object], param: str
) -> None:
    source = await world.finished()
    text = json.dumps(body).replace("SOURCE", source)
    answer = await world.alice.post(
        f"/v1/videos/{path.replace('SOURCE', source)}",
        content=text,
        headers={"Content-Type": "application/json"},
    )
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == param


async def test_an_extension_has_a_longest_length(world: World) -> None:
    source = await world.finished()
    first = (await _derive(world, "extensions", source, seconds="16")).json()
    assert first["seconds"] == "20"
    await world.change(first["id"], phase=Phase.DONE, submit=(await _record(world, source)).submit)
    answer = await _derive(world, "extensions", first["id"], seconds="4")
    assert answer.status_code == 400
    assert "at most 20" in answer.json()["error"]["message"]


async def test_an_uploaded_video_is_refused_with_what_to_do(world: World) -> None:
    answer = await world.alice.post(
        "/v1/videos/edits", data={"prompt": "x"}, files={"video": ("a.mp4", CLIP)}
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "unsupported_video_file")


async def _record(world: World, video_id: str) -> VideoRecord:
    record = await world.record(video_id)
    assert record is not None
    return record


# -- sent again under its key


async def _lose(world: World, source: str, fate: str) -> None:
    """Let the source, or what a video can be made of it from, be gone."""
    if fate == "deleted":
        assert (await world.alice.delete(f"/v1/videos/{source}")).status_code == 200
    elif fate == "withdrawn from the catalogue":
        record = await _record(world, source)
        await world.change(source, submit=record.submit.model_copy(update={"deployment": "gone"}))
    else:
        world.now += DAY


@pytest.mark.parametrize("fate", ["deleted", "forgotten", "withdrawn from the catalogue"])
@pytest.mark.parametrize("model", ["first", "files"])
@pytest.mark.parametrize("path", ["remix", "edits", "extensions"])
async def test_a_key_answers_also_when_its_source_is_gone(
    world: World, path: str, model: str, fate: str
) -> None:
    name = "sora-2" if model == "first" else model
    source = await world.finished(model=name, deployment=model, expires_in=DAY)
    world.alice.headers["Idempotency-Key"] = "once"
    first = await _derive(world, path, source, seconds="4")
    assert first.status_code == 200, first.text
    await _lose(world, source, fate)
    again = await _derive(world, path, source, seconds="4")
    assert (again.status_code, again.headers.get("Idempotent-Replayed")) == (200, "true")
    assert again.json()["id"] == first.json()["id"]
    for other in (
        await _derive(world, path, source, seconds="4", prompt="now in snow"),
        await _derive(world, path, source, seconds="4", user="someone"),
        await _derive(world, path, f"video_{'0' * 32}", seconds="4"),
    ):
        assert (other.status_code, other.json()["error"]["code"]) == (409, "idempotency_key_reused")


async def test_a_key_whose_own_video_is_gone_makes_none_again(world: World) -> None:
    source = await world.finished()
    world.alice.headers["Idempotency-Key"] = "once"
    first = (await _derive(world, "remix", source)).json()["id"]
    assert (await world.alice.delete(f"/v1/videos/{first}")).status_code == 200
    again = await _derive(world, "remix", source)
    assert (again.status_code, again.json()["error"]["code"]) == (409, "video_deleted")


# -- a create that names a source


@pytest.mark.parametrize(
    "fields", [{}, {"model": "azure/sora-2", "seconds": 4, "size": "720x1280"}]
)
async def test_a_create_that_names_a_video_is_a_remix(
    world: World, fields: dict[str, object]
) -> None:
    source = await world.finished()
    body = {"prompt": "now in fog", "remix_video_id": source, **fields}
    video = (await world.alice.post("/v1/videos", json=body)).json()
    assert video["remixed_from_video_id"] == source
    record = await world.record(video["id"])
    assert record is not None
    assert record.request.operation is Operation.REMIX
    assert record.request.source_job_id == "job-1"


async def test_a_form_can_name_a_video_to_remix(world: World) -> None:
    source = await world.finished()
    form = {"prompt": "now in fog", "remix_video_id": source}
    video = (await world.alice.post("/v1/videos", data=form)).json()
    assert video["remixed_from_video_id"] == source


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"seconds": "8"}, "seconds"),
        ({"size": "1280x720"}, "size"),
        ({"model": "files"}, "model"),
        ({"input_reference": {"image_url": "data:image/png;base64,aGVsbG8="}}, "input_reference"),
    ],
)
async def test_what_a_remix_would_ignore_is_refused(
    world: World, fields: dict[str, object], param: str
) -> None:
    body = {"prompt": "now in fog", "remix_video_id": await world.finished(), **fields}
    answer = await world.alice.post("/v1/videos", json=body)
    assert answer.status_code == 400
    assert (answer.json()["error"]["param"], answer.json()["error"]["code"]) == (
        param,
        "unsupported_parameter",
    )


async def test_only_an_own_video_can_be_named(world: World) -> None:
    body = {"prompt": "now in fog", "remix_video_id": await world.finished()}
    assert (await world.bob.post("/v1/videos", json=body)).status_code == 404
    assert (await world.bob.post("/v1/videos", json={**body, "remix_video_id": 7})).json()["error"][
        "code"
    ] == "invalid_type"


@pytest.mark.parametrize("became", ["not_found", "deleted"])
@pytest.mark.parametrize(
    ("path", "named", "param"),
    [
        ("", {"remix_video_id": "SOURCE"}, "remix_video_id"),
        ("/edits", {"video": {"id": "SOURCE"}}, "video.id"),
        ("/edits", {"video": "SOURCE"}, "video"),
        ("/extensions", {"video": {"id": "SOURCE"}, "seconds": "4"}, "video.id"),
        ("/extensions", {"video_id": "SOURCE", "seconds": "4"}, "video_id"),
        ("/SOURCE/remix", {}, "video_id"),
    ],
)
async def test_a_source_that_is_not_there_is_named_as_the_caller_names_it(
    world: World, path: str, named: dict[str, object], param: str, became: str
) -> None:
    source = await world.finished()
    client = world.bob if became == "not_found" else world.alice
    if became == "deleted":
        assert (await world.alice.delete(f"/v1/videos/{source}")).status_code == 200
    answer = await client.post(
        f"/v1/videos{path}".replace("SOURCE", source),
        content=json.dumps({"prompt": "in fog", **named}).replace("SOURCE", source),
        headers={"Content-Type": "application/json"},
    )
    error = answer.json()["error"]
    assert (answer.status_code, error["param"]) == (404, param), answer.text
    assert error["code"] == f"video_{became}"


# -- characters


async def test_a_character_is_kept_by_the_provider_and_belongs_to_its_owner(
    world: World,
) -> None:
    world.answers = [httpx.Response(200, json={"id": "char_up", "object": "character"})]
    created = await world.alice.post(
        "/v1/videos/characters",
        data={"name": "Ada", "model": "files"},
        files={"video": ("ada.mp4", CLIP)},
    )
    character = created.json()
    assert character["name"] == "Ada"
    assert character["object"] == "character"
    assert character["id"].startswith("char_")
    assert world.upstream[-1].url == "https://files.example/openai/v1/videos/characters"
    path = f"/v1/videos/characters/{character['id']}"
    assert (await world.alice.get(path)).json() == character
    assert (await world.bob.get(path)).status_code == 404


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"title": "Ada"}, "name"),
        ({"name": "   "}, "name"),
        ({"name": "n" * 81}, "name"),
        ({"name": "Ada"}, "video"),
    ],
)
async def test_a_wrong_character_is_a_400(world: World, fields: dict[str, str], param: str) -> None:
    answer = await world.alice.post("/v1/videos/characters", data=fields)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)


@pytest.mark.parametrize(
    ("upstream", "status"), [(400, 400), (404, 400), (429, 429), (500, 503), (401, 503)]
)
async def test_what_the_provider_says_is_passed_on(
    world: World, upstream: int, status: int
) -> None:
    world.answers = [httpx.Response(upstream, json={"error": {"message": "No."}})] * 2
    answer = await world.alice.post(
        "/v1/videos/characters",
        data={"name": "Ada", "model": "files"},
        files={"video": ("ada.mp4", CLIP)},
    )
    assert answer.status_code == status


async def test_a_model_that_keeps_none_says_so(world: World) -> None:
    answer = await world.alice.post(
        "/v1/videos/characters", data={"name": "Ada"}, files={"video": ("ada.mp4", CLIP)}
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "unsupported_operation")
