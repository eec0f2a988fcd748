"""Why something was refused: callers are told what they can change, the log tells the rest."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from dailies.engine import Step, VideoRef
from dailies.pipeline.check import check_video
from dailies.pipeline.submit import submit_video
from tests.integration.api.world import CLIP, World

PROMPT = "A lighthouse keeper dances with his shadow"
WHY = f"Because '{PROMPT}' is not for us, see https://aka.ms/why"
REQUEST_ID = "1b4e28ba-2fa1-11d2-883f-0016d3cca427"


@pytest.fixture(autouse=True)
def _levels(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "dailies")


def line(caplog: pytest.LogCaptureFixture, event: str) -> dict[str, Any]:
    """The last line of an event; none repeats the prompt."""
    lines = [json.loads(r.message) for r in caplog.records if r.name == "dailies"]
    assert "lighthouse" not in json.dumps(lines)
    found: dict[str, Any] = [line for line in lines if line["event"] == event][-1]
    return found


def refusal(status: int, body: object) -> httpx.Response:
    return httpx.Response(status, json=body, headers={"apim-request-id": REQUEST_ID})


async def video(world: World) -> VideoRef:
    answer = await world.alice.post("/v1/videos", json={"prompt": PROMPT})
    return {"id": answer.json()["id"], "owner": world.owners["alice"]}


async def submitted(world: World, answer: httpx.Response) -> Step:
    world.answers = [answer, answer]  # a refused token is replaced once
    return await submit_video(world.services, await video(world))


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 413, 422, 429, 503])
async def test_the_log_has_the_provider_s_own_words(
    world: World, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    await submitted(world, refusal(status, {"error": {"message": WHY}}))
    told = line(caplog, "submit_answered")
    assert told["message"] == "Because '[prompt]' is not for us, see https://aka.ms/why"
    assert (told["http_status"], told["provider_request_id"]) == (status, REQUEST_ID)


async def test_what_a_validator_says_is_read(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    detail = [{"type": "literal_error", "loc": ["body", "seconds"], "msg": "Input should be 4"}]
    step = await submitted(world, refusal(422, {"detail": detail}))
    assert line(caplog, "submit_answered")["message"] == "body.seconds: Input should be 4"
    assert "body.seconds: Input should be 4" in step["error"]["message"]


@pytest.mark.parametrize(
    ("status", "code", "remedy"),
    [
        (401, "invalid_credential", "AZURE_CLIENT_ID"),
        (403, "missing_role", "Cognitive Services OpenAI User"),
        (404, "deployment_not_found", "AZURE_OPENAI_ENDPOINT"),
    ],
)
async def test_what_only_the_operator_can_mend_is_told_in_the_log_alone(
    world: World, status: int, code: str, remedy: str, caplog: pytest.LogCaptureFixture
) -> None:
    step = await submitted(world, refusal(status, {"error": {"message": "No."}}))
    assert remedy in line(caplog, "submit_answered")["remedy"]
    assert step["error"]["code"] == code
    assert remedy not in step["error"]["message"]
    assert "first.example" not in step["error"]["message"]


async def test_what_was_accepted_is_told_with_its_ids(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    job = {"id": f"job-{REQUEST_ID}", "object": "video", "status": "queued"}
    await submitted(world, refusal(200, job))
    told = line(caplog, "submit_answered")
    assert (told["job_id"], told["provider_request_id"]) == (job["id"], REQUEST_ID)
    assert "message" not in told


async def test_a_poll_that_is_refused_says_why(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    job = {"id": f"job-2-{REQUEST_ID}", "object": "video", "status": "queued"}
    made = await video(world)
    world.answers = [httpx.Response(200, json=job)]
    await submit_video(world.services, made)
    world.answers = [refusal(403, {"error": {"message": WHY}})]
    await check_video(world.services, made)
    told = line(caplog, "job_checked")
    assert told["message"] == "Because '[prompt]' is not for us, see https://aka.ms/why"
    assert told["provider_request_id"] == REQUEST_ID


async def test_a_character_that_is_refused_says_why(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.answers = [refusal(403, {"error": {"message": "No such role."}})]
    answer = await world.alice.post(
        "/v1/videos/characters",
        data={"name": "Ada", "model": "files"},
        files={"video": ("ada.mp4", CLIP)},
    )
    assert "Cognitive Services" not in answer.text
    told = line(caplog, "character_refused")
    assert (told["message"], told["provider_request_id"]) == ("No such role.", REQUEST_ID)
    assert "Cognitive Services OpenAI User" in told["remedy"]


@pytest.mark.parametrize(
    "setting", ["DAILIES_UNRESOLVED_SUBMIT", "DAILIES_SUBMIT_DEADLINE_SECONDS"]
)
async def test_a_deadline_is_the_operator_s(
    storage: str, setting: str, caplog: pytest.LogCaptureFixture
) -> None:
    values: dict[str, Any] = {
        "DAILIES_UNRESOLVED_SUBMIT": "fail",
        "DAILIES_SUBMIT_DEADLINE_SECONDS": "60",
    }
    async with World(storage, **{setting: values[setting]}) as world:
        made = await video(world)
        world.answers = [httpx.Response(500), *[httpx.Response(200, json=_NO_JOBS)] * 2]
        if setting == "DAILIES_SUBMIT_DEADLINE_SECONDS":
            world.answers = [httpx.Response(429)]
        step = await submit_video(world.services, made)
        for _ in range(2):
            if step["kind"] == "wait":
                world.now += 3600
                step = await submit_video(world.services, made)
    assert step["kind"] == "stop"
    assert "DAILIES" not in step["error"]["message"]
    assert setting in line(caplog, "video_stopped")["remedy"]


_NO_JOBS: Mapping[str, Any] = {"object": "list", "data": [], "has_more": False}


# -- our own refusals


@pytest.mark.parametrize(
    ("path", "body", "code", "param"),
    [
        ("/v1/videos", {"prompt": "x", "seconds": "5"}, "invalid_value", "seconds"),
        ("/v1/videos", {"prompt": "x", "seed": 1}, "unsupported_parameter", "seed"),
        ("/v1/videos", {}, "missing_required_parameter", "prompt"),
        ("/v1/video/generations/jobs", {"model": "sora"}, "missing_required_parameter", "prompt"),
        ("/v1/nowhere", {}, "not_found", None),
    ],
)
async def test_the_line_of_a_refused_request_names_code_and_field(
    world: World,
    path: str,
    body: dict[str, object],
    code: str,
    param: str | None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    await world.alice.post(path, json=body)
    told = line(caplog, "request")
    assert (told["code"], told.get("param")) == (code, param)


async def test_a_field_that_is_no_name_is_not_logged(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    files = {"a lighthouse, and my password": b"x"}
    answer = await world.alice.post("/v1/videos", data={"prompt": "x"}, files=files)
    assert answer.status_code == 400
    assert "param" not in line(caplog, "request")


async def test_a_stranger_is_not_told_of_settings(storage: str) -> None:
    async with World(storage, DAILIES_API_KEYS="") as world:
        answer = await world.alice.get("/v1/videos")
    assert answer.status_code == 401
    assert "DAILIES" not in answer.text
