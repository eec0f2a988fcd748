"""Creating videos: what is taken, what is refused and in which words."""

from __future__ import annotations

import asyncio
import base64
import json
from collections import Counter
from typing import Any

import pytest
from azure.core.exceptions import ServiceRequestError

from dailies.video.framing import FitMode
from tests.integration.api.world import World, png

IMAGE_URL = "data:image/png;base64," + base64.b64encode(png()).decode()
PREFIXES = ("/v1", "/openai/v1", "")


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("path", ["/videos", "/videos/generations"])
async def test_a_video_is_created_under_every_base_path(
    world: World, prefix: str, path: str
) -> None:
    answer = await world.alice.post(
        prefix + path, json={"model": "sora-2", "prompt": "a pier", "seconds": "8", "user": "u-1"}
    )
    video = answer.json()
    assert answer.status_code == 200
    assert video == {
        "id": video["id"],
        "object": "video",
        "model": "sora-2",
        "status": "queued",
        "phase": "accepted",
        "progress": 0,
        "created_at": int(world.now),
        # Twice as long as the four seconds that usually take a minute.
        "estimated_completion_at": int(world.now) + 120,
        "completed_at": None,
        "expires_at": None,
        "seconds": "8",
        "size": "720x1280",
        "prompt": "a pier",
        "remixed_from_video_id": None,
        "user": "u-1",
        "source": {"type": "http", "blob": None},
        "error": None,
        "usage": {"duration_seconds": 8.0},
        "provider": None,
        "deployment": None,
        "cost_usd": None,
        "cost_is_estimate": False,
    }
    assert world.engine.started == [video["id"]]
    assert int(answer.headers["openai-poll-after-ms"]) >= 100


@pytest.mark.parametrize("seconds", ["8", 8, 8.0, "8s", "8.0"])
async def test_seconds_are_a_string_or_a_number(world: World, seconds: object) -> None:
    answer = await world.alice.post("/v1/videos", json={"prompt": "a pier", "seconds": seconds})
    assert answer.json()["seconds"] == "8"


async def test_forms_are_taken_like_json(world: World) -> None:
    fields = {"model": "azure/sora-2", "prompt": "a pier", "seconds": "12", "size": "1280x720"}
    picture = {"input_reference": ("pier.png", png(), "image/png")}
    multipart = await world.alice.post("/v1/videos", data=fields, files=picture)
    urlencoded = await world.alice.post("/v1/videos", data=fields)
    for answer in (multipart, urlencoded):
        video = answer.json()
        assert (video["model"], video["seconds"], video["size"]) == ("sora-2", "12", "1280x720")


# -- reference images


async def test_an_uploaded_image_decides_the_size(world: World) -> None:
    answer = await world.alice.post(
        "/v1/videos",
        data={"prompt": "a pier", "fit": "contain"},
        files={"input_reference": ("pier.png", png(64, 36), "image/png")},
    )
    video = answer.json()
    record = await world.record(video["id"])
    assert video["size"] == "1280x720"
    assert record is not None
    first = record.request.first_frame
    assert first is not None
    assert first.file is not None
    assert first.fit is FitMode.CONTAIN
    assert await world.services.files.read(first.file.blob, max_bytes=10_000) == png(64, 36)


async def test_an_image_may_come_as_a_data_url(world: World) -> None:
    as_json = await world.alice.post(
        "/v1/videos", json={"prompt": "a pier", "input_reference": {"image_url": IMAGE_URL}}
    )
    as_form = await world.alice.post(
        "/v1/videos", data={"prompt": "a pier", "input_reference[image_url]": IMAGE_URL}
    )
    for answer in (as_json, as_form):
        assert answer.json()["size"] == "1280x720"


@pytest.mark.parametrize(
    ("reference", "code"),
    [
        ("a string", "invalid_type"),
        (7, "invalid_type"),
        ({}, "missing_required_parameter"),
        ({"image_url": 7}, "invalid_type"),
        ({"file_id": "file-1"}, "unsupported_file_id"),
        ({"image_url": "http://example.com/a.png"}, "invalid_image_url"),
        ({"image_url": "https://127.0.0.1/a.png"}, "image_url_not_allowed"),
        ({"image_url": "https://169.254.169.254/latest"}, "image_url_not_allowed"),
        ({"image_url": "data:image/png;base64,!!"}, "invalid_image_url"),
        ({"image_url": "data:image/png;base64,aGVsbG8="}, "unsupported_image_type"),
    ],
)
async def test_what_is_no_usable_image_is_refused(
    world: World, reference: object, code: str
) -> None:
    answer = await world.alice.post(
        "/v1/videos", json={"prompt": "a pier", "input_reference": reference}
    )
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == code
    assert answer.json()["error"]["param"].startswith("input_reference")


async def test_a_file_that_is_too_large_is_a_413(storage: str) -> None:
    async with World(storage, DAILIES_MAX_REFERENCE_BYTES=1024) as world:
        answer = await world.alice.post(
            "/v1/videos",
            data={"prompt": "a pier"},
            files={"input_reference": ("pier.png", bytes(1025), "image/png")},
        )
    assert answer.status_code == 413
    assert answer.json()["error"]["code"] == "file_too_large"


# -- refusals, in Azure's words


@pytest.mark.parametrize(
    ("fields", "status", "error"),
    [
        ({}, 400, ("Missing required parameter: 'prompt'.", "prompt", None)),
        (
            {"prompt": "x", "seconds": "5"},
            400,
            ("Invalid value: '5'. Supported values are: '4', '8', and '12'.", "seconds", None),
        ),
        (
            {"prompt": "x", "size": "480x480"},
            400,
            (
                "Invalid value: '480x480'. Supported values are: '720x1280' and '1280x720'.",
                "size",
                None,
            ),
        ),
        (
            {"prompt": "x", "model": "sora-3"},
            404,
            (
                "The API deployment 'sora-3' for this resource does not exist. If you created the "
                "deployment within the last 5 minutes, please wait a moment and try again. Did you "
                "mean 'sora-2' or 'sora-1' or 'sora'?",
                "model",
                "video_generation_user_error",
            ),
        ),
        (
            {"prompt": 7},
            400,
            (
                "Invalid type for 'prompt': expected a string, but got an integer instead.",
                "prompt",
                None,
            ),
        ),
        (
            {"prompt": "a" * 21, "model": "plain"},
            400,
            (
                "Invalid 'prompt': string too long. Expected a string with maximum length 20, but "
                "got a string with length 21 instead.",
                "prompt",
                None,
            ),
        ),
    ],
)
async def test_a_refusal_says_what_azure_says(
    world: World, fields: dict[str, Any], status: int, error: tuple[str, str, str | None]
) -> None:
    answer = await world.alice.post("/v1/videos", json=fields)
    told = answer.json()["error"]
    message, param, kind = error
    assert answer.status_code == status
    assert (told["message"], told["param"]) == (message, param)
    assert told["type"] == (kind or "invalid_request_error")
    assert world.engine.started == []


@pytest.mark.parametrize(
    "fields",
    [
        {"prompt": ""},
        {"prompt": "   "},
        {"prompt": "a" * 32_001},
        {"prompt": "x", "seconds": True},
        {"prompt": "x", "seconds": [4]},
        {"prompt": "x", "size": 7},
        {"prompt": "x", "user": 7},
        {"prompt": "x", "user": "u" * 513},
        {"prompt": "x", "fit": "crop"},
        {"prompt": "x", "model": "plain", "input_reference": {"image_url": IMAGE_URL}},
    ],
)
async def test_a_wrong_field_is_a_400_that_names_it(world: World, fields: dict[str, Any]) -> None:
    answer = await world.alice.post("/v1/videos", json=fields)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] in fields
    assert answer.json()["error"]["code"]


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", "application/json"),
        (b"{", "application/json"),
        (b"[]", "application/json"),
        (b"null", "application/json"),
        (b"\xff\xfe", "application/json"),
        (b"[" * 100_000, "application/json"),
        (b'{"prompt": "x", "seconds": ' + b"9" * 5000 + b"}", "application/json"),
        (b'{"prompt": "x", "seconds": ' + b"9" * 4000 + b"}", "application/json"),
        (b'{"prompt": "x", "seconds": 1e400}', "application/json"),
        (b'{"prompt": "x", "seconds": NaN}', "application/json"),
        (b"--x\r\n", "multipart/form-data"),
        (b"--x\r\nbroken", "multipart/form-data; boundary=x"),
        (b"\xff", "multipart/form-data; boundary=x; charset=idna"),
    ],
)
async def test_a_body_that_is_none_is_a_400(world: World, body: bytes, content_type: str) -> None:
    answer = await world.alice.post(
        "/v1/videos", content=body, headers={"Content-Type": content_type}
    )
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (rb'{"prompt": "x\ud800"}', "prompt"),
        (rb'{"prompt": "x", "user": "\ud83e"}', "user"),
        (rb'{"prompt": "x", "model": "\udc00"}', "model"),
        (rb'{"prompt": "x", "provider_options": {"a": ["b", "\ud800"]}}', "provider_options.a.1"),
        (rb'{"prompt": "x", "provider_options": {"\ud800": 1}}', "provider_options"),
        (rb'{"prompt": "x", "provider_options": "{\"a\": \"\\ud800\"}"}', "provider_options"),
    ],
)
async def test_half_a_surrogate_pair_is_a_400_that_names_the_field(
    world: World, body: bytes, param: str
) -> None:
    headers = {"Content-Type": "application/json"}
    answer = await world.alice.post("/v1/videos", content=body, headers=headers)
    error = answer.json()["error"]
    assert (answer.status_code, error["param"], error["code"]) == (400, param, "invalid_value")


async def test_a_whole_surrogate_pair_is_a_character(world: World) -> None:
    headers = {"Content-Type": "application/json"}
    answer = await world.alice.post(
        "/v1/videos", content=rb'{"prompt": "x\ud83e\ude81"}', headers=headers
    )
    assert (answer.status_code, answer.json()["prompt"]) == (200, "x🪁")


# -- what the app stands on


async def test_an_engine_that_does_not_answer_leaves_the_start_to_the_sweeper(
    world: World,
) -> None:
    world.engine.fault = RuntimeError("the extension is restarting")
    answer = await world.alice.post("/v1/videos", json={"prompt": "a pier"})
    assert answer.status_code == 200
    opened = [video.id async for video in world.services.records.open.videos()]
    assert answer.json()["id"] in opened


async def test_storage_that_does_not_answer_is_a_503_with_retry_after(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fault(*_: object) -> None:
        raise ServiceRequestError("connection refused")

    monkeypatch.setattr(world.services.records, "insert", fault)
    answer = await world.alice.post("/v1/videos", json={"prompt": "a pier"})
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "storage_unavailable"
    assert int(answer.headers["Retry-After"]) > 0


async def test_an_owner_may_be_kept_to_a_number_of_unfinished_videos(storage: str) -> None:
    async with World(storage, DAILIES_MAX_UNFINISHED=2) as world:
        headers = {"Idempotency-Key": "k-1"}
        body = {"prompt": "a pier"}
        first = await world.alice.post("/v1/videos", json=body, headers=headers)
        second = await world.alice.post("/v1/videos", json=body)
        third = await world.alice.post("/v1/videos", json=body)
        replay = await world.alice.post("/v1/videos", json=body, headers=headers)
        bobs = await world.bob.post("/v1/videos", json=body)
        assert (first.status_code, second.status_code) == (200, 200)
        assert third.status_code == 429
        assert third.json()["error"]["type"] == "video_generation_user_error"
        assert third.json()["error"]["message"].startswith("Too many running tasks")
        assert int(third.headers["Retry-After"]) > 0
        assert (replay.status_code, replay.json()["id"]) == (200, first.json()["id"])
        assert bobs.status_code == 200


async def test_no_more_are_taken_however_many_come_at_once(storage: str) -> None:
    async with World(storage, DAILIES_MAX_UNFINISHED=3) as world:
        body = {"prompt": "a pier"}
        answers = await asyncio.gather(
            *(world.alice.post("/v1/videos", json=body) for _ in range(20))
        )
        codes = Counter(answer.status_code for answer in answers)
        assert codes == {200: 3, 429: 17}


async def test_where_there_is_ample_room_few_are_counted_and_the_limit_holds(storage: str) -> None:
    async with World(storage, DAILIES_MAX_UNFINISHED=45) as world:
        costs, codes = [], []
        for _ in range(50):
            before = world.table_requests
            answer = await world.alice.post("/v1/videos", json={"prompt": "a pier"})
            codes.append(answer.status_code)
            costs.append(world.table_requests - before)
        assert codes == [200] * 45 + [429] * 5
        # The first is counted for, the two that follow are not.
        assert costs[1] == costs[2] < costs[0]


async def test_without_a_limit_nothing_is_counted(storage: str) -> None:
    async with World(storage) as limited, World(storage, DAILIES_MAX_UNFINISHED=0) as unlimited:
        costs = []
        for world in (limited, unlimited):
            answer = await world.alice.post("/v1/videos", json={"prompt": "a pier"})
            assert answer.status_code == 200
            costs.append(world.table_requests)
        assert costs[1] < costs[0]


async def test_operators_get_durable_s_payload_and_others_do_not(world: World) -> None:
    refused = await world.alice.post("/orchestrations/generate-video", json={"prompt": "a pier"})
    taken = await world.admin.post("/orchestrations/generate-video", json={"prompt": "a pier"})
    assert refused.status_code == 403
    assert taken.status_code == 202
    assert taken.headers["Location"] == taken.json()["statusQueryGetUri"]
    assert "hub.example" not in json.dumps((await world.admin.get("/v1/videos")).json())


async def test_a_retrieve_answers_in_the_form_of_the_create(world: World) -> None:
    """The first makes its answer by itself, FastAPI that of the second."""
    made = await world.alice.post("/v1/videos", json={"prompt": "A pier \N{EM DASH} at dawn"})
    read = await world.alice.get(f"/v1/videos/{made.json()['id']}")
    assert read.content == made.content
    same = ("content-type", "openai-poll-after-ms", "cache-control", "x-content-type-options")
    assert [read.headers[name] for name in same] == [made.headers[name] for name in same]
    assert set(read.headers) == set(made.headers)
