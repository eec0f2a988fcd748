"""Frames, references and wishes in the fields of other services, from the request to the record."""

from __future__ import annotations

import base64
import json
import logging
import warnings
from collections.abc import Mapping
from typing import Any

import httpx
import openai
import pytest

from dailies.catalogue.rules import Sound
from dailies.engine import VideoRef
from dailies.pipeline.manifest import manifest_of
from dailies.pipeline.prepare import prepare_reference
from dailies.pipeline.submission import lacks_images, submission_of
from dailies.video.basics import Priority, Size
from dailies.video.framing import FitMode
from dailies.video.record import VideoRecord
from dailies.video.request import Role
from tests.integration.api.world import World, png
from tests.unit.inputs.pictures import decode

WISHES: dict[str, Any] = {
    "seed": 7,
    "negative_prompt": "no rain",
    "generate_audio": False,
    "provider_options": {"runway": {"strength": 0.25}},
}


def data_url(width: int = 64, height: int = 36) -> str:
    return "data:image/png;base64," + base64.b64encode(png(width, height)).decode()


def image(url: str, **more: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url}, **more}


async def create(world: World, **fields: Any) -> httpx.Response:
    return await world.alice.post(
        "/v1/videos", json={"prompt": "a pier", "model": "able", **fields}
    )


async def refused(world: World, **fields: Any) -> Mapping[str, Any]:
    answer = await create(world, **fields)
    assert answer.status_code == 400, answer.text
    assert world.engine.started == []
    error: dict[str, Any] = answer.json()["error"]
    return error


async def accepted(world: World, answer: httpx.Response) -> VideoRecord:
    assert answer.status_code == 200, answer.text
    record = await world.record(answer.json()["id"])
    assert record is not None
    return record


async def prepared(world: World, record: VideoRecord) -> VideoRecord:
    step = await prepare_reference(world.services, VideoRef(owner=record.owner, id=record.id))
    assert step["kind"] == "done", step
    found = await world.record(record.id)
    assert found is not None
    return found


async def test_wishes_reach_the_provider_s_adapter(world: World) -> None:
    answer = await create(world, **WISHES)
    assert "warnings" not in answer.json()
    record = await accepted(world, answer)
    [deployment] = world.services.catalogue.models["able"].deployments
    sent = await submission_of(world.services, record, deployment)
    assert (sent.seed, sent.negative_prompt, sent.sound) == (7, "no rain", False)
    assert sent.options == {"strength": 0.25}


async def test_as_openrouter_writes_the_options(world: World) -> None:
    options = {"options": WISHES["provider_options"], "order": ["x"]}
    answer = await create(world, provider=options)
    [warning] = answer.json()["warnings"]
    assert warning["param"] == "provider.order"
    record = await accepted(world, answer)
    assert record.request.provider_options == WISHES["provider_options"]


async def test_neither_options_nor_prompts_are_logged(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    # Words: of a number, the digits may stand in any time that a log tells.
    options = {"runway": {"style": "as in a dream"}}
    await accepted(world, await create(world, **{**WISHES, "provider_options": options}))
    await create(world, **{**WISHES, "provider_options": {"strength-9": {"hidden": 1}}})
    told = "\n".join(f"{record.getMessage()} {record.__dict__}" for record in caplog.records)
    assert "no rain" not in told
    assert "as in a dream" not in told
    assert "hidden" not in told


async def test_frames_and_references_are_stored_prepared_and_listed(world: World) -> None:
    answer = await create(
        world,
        frame_images=[
            image(data_url(90, 160), frame_type="last_frame"),
            image(data_url(72, 128), frame_type="first_frame"),
        ],
        input_references=[image(data_url(3000, 1000)), image(data_url(40, 50))],
        fit="contain",
    )
    record = await accepted(world, answer)
    assert record.request.size == Size(720, 1280)  # that suits the frames, not the references
    roles = [item.role for item in record.request.inputs]
    assert roles == [Role.FIRST, Role.LAST, Role.REFERENCE, Role.REFERENCE]
    assert {item.fit for item in record.request.inputs} == {FitMode.CONTAIN}
    assert len(await world.blobs(record.id)) == 4

    record = await prepared(world, record)
    [deployment] = world.services.catalogue.models["able"].deployments
    sent = await submission_of(world.services, record, deployment)
    assert not lacks_images(record.request, sent)
    assert sent.reference is not None
    assert sent.last_frame is not None
    sizes = [decode(each.data).size for each in (sent.reference, sent.last_frame, *sent.references)]
    assert sizes == [(720, 1280), (720, 1280), (2048, 683), (40, 50)]

    listed = (await manifest_of(world.services, record))["inputs"]
    assert [item["role"] for item in listed] == [
        "reference",
        "last_frame",
        "input_reference",
        "input_reference",
    ]
    blobs = await world.blobs(record.id)
    assert sorted(item["blob"] for item in listed) == sorted(blobs)

    await world.services.files.delete(str(listed[1]["blob"]))
    assert lacks_images(record.request, await submission_of(world.services, record, deployment))
    await world.change(record.id, phase=record.phase)
    deleted = await world.alice.delete(f"/v1/videos/{record.id}")
    assert deleted.status_code == 200


async def test_a_damaged_image_to_look_like_is_never_sent(world: World) -> None:
    whole = png(640, 480)
    middle = whole.index(b"IDAT") + 20
    damaged = base64.b64encode(whole[:middle] + bytes(40) + whole[middle + 40 :]).decode()
    record = await accepted(
        world,
        await create(world, input_references=[image(f"data:image/png;base64,{damaged}")]),
    )
    step = await prepare_reference(world.services, {"owner": record.owner, "id": record.id})
    assert step["kind"] == "stop"
    assert step["error"]["code"] == "invalid_image"


async def test_a_choice_of_sound_is_sent_only_where_there_is_one(world: World) -> None:
    record = await accepted(world, await create(world, generate_audio=False))
    [deployment] = world.services.catalogue.models["able"].deployments
    assert (await submission_of(world.services, record, deployment)).sound is False
    silent = deployment.model_copy(update={"sound": Sound.NEVER})
    assert (await submission_of(world.services, record, silent)).sound is None


@pytest.mark.parametrize("field", ["last_frame", "image_tail", "end_image_url"])
@pytest.mark.parametrize("value", [data_url(), "https://images.example/a.png"])
async def test_a_last_frame_of_another_name_does_not_become_the_first(
    world: World, field: str, value: str
) -> None:
    answer = await create(world, **{field: value})
    assert answer.status_code == 400
    assert "frame_images" in answer.json()["error"]["message"]


async def test_a_last_frame_alone_decides_the_size(world: World) -> None:
    frames = [image(data_url(72, 128), frame_type="last_frame")]
    record = await accepted(world, await create(world, frame_images=frames))
    assert [item.role for item in record.request.inputs] == [Role.LAST]
    assert record.request.size == Size(720, 1280)


async def test_the_official_client_s_forms(world: World) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        client = world.official
        extra = {
            **WISHES,
            "frame_images": [
                image(data_url(), frame_type="first_frame"),
                image(data_url(), frame_type="last_frame"),
            ],
            "input_references": [image(data_url())],
            "provider_options": json.dumps(WISHES["provider_options"]),
        }
        made = await client.videos.create(prompt="a pier", model="able", extra_body=extra)
    record = await world.record(made.id)
    assert record is not None
    request = record.request
    assert [item.role for item in request.inputs] == [Role.FIRST, Role.LAST, Role.REFERENCE]
    assert (request.seed, request.sound, request.negative_prompt) == (7, False, "no rain")
    assert request.provider_options == WISHES["provider_options"]


async def test_files_of_a_form_are_references(world: World) -> None:
    files = [("input_references", (f"{n}.png", png(40 + n, 40))) for n in range(2)]
    answer = await world.alice.post(
        "/v1/videos", data={"prompt": "x", "model": "able"}, files=files
    )
    record = await accepted(world, answer)
    assert [item.role for item in record.request.inputs] == [Role.REFERENCE] * 2
    assert len({item.file.sha256 for item in record.request.inputs if item.file}) == 2


@pytest.mark.parametrize(
    "options", [{"runway": {"strength": 0.25}}, {"fal": {"strength": 1, "list": [1, 2]}}]
)
async def test_options_in_a_form_that_lost_their_types_are_refused(
    world: World, options: dict[str, Any]
) -> None:
    client = world.official
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        with pytest.raises(openai.BadRequestError, match="JSON text"):
            await client.videos.create(
                prompt="x", model="able", extra_body={"provider_options": options}
            )
    assert world.engine.started == []


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"input_references": [image(data_url())] * 3}, "input_references"),
        ({"model": "sora-2", "input_references": [image(data_url())]}, "input_references"),
        (
            {"model": "sora-2", "frame_images": [image(data_url(), frame_type="last_frame")]},
            "frame_images",
        ),
        (
            {"model": "plain", "frame_images": [image(data_url(), frame_type="first_frame")]},
            "frame_images",
        ),
        (
            {
                "frame_images": [image(data_url(), frame_type="first_frame")],
                "input_reference": {"image_url": data_url()},
            },
            "frame_images",
        ),
        ({"input_references": [image("http://example.com/a.png")]}, "input_references"),
        ({"input_references": [image("https://127.0.0.1/a.png")]}, "input_references"),
        (
            {"frame_images": [image("data:image/png;base64,AAAA", frame_type="last_frame")]},
            "frame_images",
        ),
        ({"model": "sora-2", "seed": 1}, "seed"),
        ({"model": "sora-2", "negative_prompt": "rain"}, "negative_prompt"),
        ({"model": "sora-2", "generate_audio": True}, "generate_audio"),
        ({"model": "sora-2", "provider_options": {"x": 1}}, "provider_options"),
        ({"model": "sora-2", "provider": {"options": {"x": 1}}}, "provider"),
        ({"seconds": 7}, "seconds"),
        ({"provider_options": {"runway": {"image": data_url()}}}, "provider_options"),
    ],
)
async def test_what_can_t_be_had_names_the_field(
    world: World, fields: dict[str, Any], param: str
) -> None:
    error = await refused(world, **fields)
    assert error["param"] == param, error
    assert (await world.alice.get("/v1/videos")).json()["data"] == []


async def test_a_clip_is_no_frame_and_no_reference(world: World, clip: bytes) -> None:
    answer = await world.alice.post(
        "/v1/videos",
        data={"prompt": "x", "model": "able"},
        files={"input_references": ("clip.mp4", clip)},
    )
    error = answer.json()["error"]
    assert (answer.status_code, error["param"]) == (400, "input_references")
    assert "takes no video" in error["message"]


async def test_a_length_becomes_the_nearest_where_that_is_asked_for(world: World) -> None:
    answer = await create(world, duration=7, seconds_fit="nearest")
    assert (answer.status_code, answer.json()["seconds"]) == (200, "5")
    for nothing in (-1, 0, 601):
        refused = await create(world, duration=nothing, seconds_fit="nearest")
        assert (refused.status_code, refused.json()["error"]["param"]) == (400, "duration")
    unused = await create(world, seconds_fit="nearest")
    assert [w["param"] for w in unused.json()["warnings"]] == ["seconds_fit"]


async def test_requests_with_other_pictures_or_wishes_are_others(world: World) -> None:
    one, other = image(data_url()), image(data_url(36, 64))
    bodies: list[dict[str, Any]] = [
        {},
        {"seed": 7},
        {"seed": 8},
        {"generate_audio": False},
        {"generate_audio": True},
        {"negative_prompt": "rain"},
        {"provider_options": WISHES["provider_options"]},
        {"frame_images": [{**one, "frame_type": "first_frame"}]},
        {"frame_images": [{**one, "frame_type": "last_frame"}]},
        {"input_references": [one]},
        {"input_references": [other]},
        {"input_references": [one, other]},
        {"input_references": [other, one]},
    ]
    hashes = []
    for number, fields in enumerate(bodies):
        body = {"prompt": "a pier", "model": "able", "size": "1280x720", **fields}
        answers = [
            await world.alice.post(
                "/v1/videos", json=body, headers={"Idempotency-Key": f"key-{number}"}
            )
            for _ in range(2)
        ]
        assert answers[1].headers["Idempotent-Replayed"] == "true"
        hashes.append((await accepted(world, answers[0])).request_hash)
    assert len(set(hashes)) == len(bodies)


# -- which goes first, and how long it may wait


async def test_priority_and_expiry_reach_the_record(world: World) -> None:
    record = await accepted(world, await create(world, priority="HIGH", expires_after="600"))
    assert (record.priority, record.expires_at) == (Priority.HIGH, record.created_at + 600)
    plain = await accepted(world, await create(world))
    assert (plain.priority, plain.expires_at) == (Priority.NORMAL, None)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("priority", "urgent", "'low'"),
        ("priority", 1, "a string"),
        ("expires_after", 0, "from 1 to 604800"),
        ("expires_after", 604_801, "from 1 to 604800"),
        ("expires_after", "soon", "an integer"),
        ("expires_after", {"seconds": 600}, "an integer"),
    ],
)
async def test_what_is_no_priority_or_no_time_is_a_400(
    world: World, field: str, value: object, message: str
) -> None:
    error = await refused(world, **{field: value})
    assert error["param"] == field
    assert message in error["message"]
