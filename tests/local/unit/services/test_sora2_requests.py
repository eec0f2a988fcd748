"""What Sora 2 refuses, in Azure's words."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from tests.local.unit.services.simulator import VIDEOS, Simulator

GOOD = {"model": "sora-2", "prompt": "a cat"}


def png(width: int, height: int, kind: str = "PNG") -> bytes:
    data = BytesIO()
    Image.new("RGB", (width, height), "teal").save(data, kind)
    return data.getvalue()


@pytest.mark.parametrize(
    ("body", "status", "message", "param", "code"),
    [
        (
            {"prompt": "a cat"},
            400,
            "Missing required parameter: 'model'.",
            "model",
            "missing_required_parameter",
        ),
        (
            {"model": "sora-2"},
            400,
            "Missing required parameter: 'prompt'.",
            "prompt",
            "missing_required_parameter",
        ),
        (
            GOOD | {"seconds": "5"},
            400,
            "Invalid value: '5'. Supported values are: '4', '8', and '12'.",
            "seconds",
            "invalid_value",
        ),
        (
            GOOD | {"seconds": 4},
            400,
            "Invalid type for 'seconds': expected one of '4', '8', or '12', but got an integer "
            "instead.",
            "seconds",
            "invalid_type",
        ),
        (
            GOOD | {"size": "480x480"},
            400,
            "Invalid value: '480x480'. Supported values are: '720x1280', '1280x720', '1024x1792', "
            "and '1792x1024'.",
            "size",
            "invalid_value",
        ),
        (
            GOOD | {"size": "1792x1024"},
            400,
            "Invalid value: '1792x1024'. Supported values are: '720x1280' and '1280x720'.",
            "size",
            "invalid_value",
        ),
        (
            GOOD | {"input_reference": "https://example.com/cat.png"},
            400,
            "Invalid type for 'input_reference': expected a file, but got a string instead.",
            "input_reference",
            "invalid_type",
        ),
        (GOOD | {"n": 2}, 400, "Unknown parameter: 'n'.", "n", "unknown_parameter"),
        (
            GOOD | {"model": "none"},
            404,
            "The API deployment 'none' for this resource does not exist. If you created the "
            "deployment within the last 5 minutes, please wait a moment and try again.",
            None,
            None,
        ),
    ],
)
async def test_bad_requests_get_azures_answer(
    simulator: Simulator,
    body: dict[str, Any],
    status: int,
    message: str,
    param: str | None,
    code: str | None,
) -> None:
    answer = await simulator.http.post(VIDEOS, json=body)
    assert answer.status_code == status
    error = answer.json()["error"]
    assert (error["message"], error["param"], error["code"]) == (message, param, code)
    assert (await simulator.http.get("/_inspect/jobs")).json() == []


@pytest.mark.parametrize(
    ("prompt", "code"), [("", "empty_string"), ("x" * 32_001, "string_above_max_length")]
)
async def test_a_prompt_has_1_to_32000_characters(
    simulator: Simulator, prompt: str, code: str
) -> None:
    answer = await simulator.http.post(VIDEOS, json=GOOD | {"prompt": prompt})
    assert answer.json()["error"]["code"] == code
    await simulator.make("x" * 32_000)


async def test_what_is_no_json_is_said_so(simulator: Simulator) -> None:
    answer = await simulator.http.post(VIDEOS, content=b"{nope")
    assert answer.status_code == 400
    assert "could not parse the JSON body" in answer.json()["error"]["message"]


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
async def test_a_reference_of_the_exact_size_is_taken(simulator: Simulator, kind: str) -> None:
    data = png(720, 1280, kind)
    answer = await simulator.http.post(
        VIDEOS, data=GOOD | {"seconds": "8"}, files={"input_reference": ("r", data)}
    )
    assert answer.status_code == 200, answer.text
    assert answer.json()["seconds"] == "8"
    (job,) = (await simulator.http.get("/_inspect/jobs")).json()
    assert (job["reference"]["width"], job["reference"]["height"]) == (720, 1280)
    assert job["reference"]["bytes"] == len(data)


async def test_a_reference_of_another_size_is_refused(simulator: Simulator) -> None:
    answer = await simulator.http.post(
        VIDEOS, data=GOOD, files={"input_reference": ("r.png", png(1280, 720))}
    )
    assert answer.status_code == 400
    assert answer.json() == {
        "error": {
            "message": "Inpaint image must match the requested width and height",
            "type": "invalid_request_error",
            "param": None,
            "code": None,
        }
    }


async def test_a_reference_is_judged_by_its_content(simulator: Simulator) -> None:
    for data in (b"<html>", png(720, 1280)[:200], png(720, 1280, "GIF")):
        answer = await simulator.http.post(
            VIDEOS, data=GOOD, files={"input_reference": ("r.png", data, "image/png")}
        )
        assert answer.status_code == 400
        assert answer.json()["error"]["code"] == "unsupported_file_mimetype"


async def test_inputs_can_be_moderated_before_there_is_a_job(simulator: Simulator) -> None:
    answer = await simulator.http.post(VIDEOS, json=GOOD | {"prompt": "a moderated input"})
    assert answer.status_code == 400
    assert "blocked by our moderation system when checking inputs" in answer.text
    answer = await simulator.http.post(VIDEOS, json=GOOD | {"prompt": "trip the content filter"})
    error = answer.json()["error"]
    assert (error["code"], error["innererror"]["code"]) == (
        "content_filter",
        "ResponsibleAIPolicyViolation",
    )
    assert (await simulator.http.get("/_inspect/jobs")).json() == []


@pytest.mark.parametrize(
    "directive", ["[sim fail=1]", "[sim outcome=nothing]", "[sim render=soon]", "[sim render]"]
)
async def test_a_directive_that_is_not_understood_is_refused(
    simulator: Simulator, directive: str
) -> None:
    answer = await simulator.http.post(VIDEOS, json=GOOD | {"prompt": f"a cat {directive}"})
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "invalid_directive"


@pytest.mark.parametrize(
    ("version", "status"), [("preview", 200), ("v1", 200), ("2024-02-01", 400)]
)
async def test_only_two_api_versions_are_known(
    simulator: Simulator, version: str, status: int
) -> None:
    answer = await simulator.http.get(VIDEOS, params={"api-version": version})
    assert answer.status_code == status


async def test_a_retired_deployment_is_gone_for_every_call(
    make_simulator: Callable[..., Simulator],
) -> None:
    simulator = make_simulator(unlimited=True)
    video = await simulator.make("a cat [sim render=0]")
    change = {"retired": ["sora-2"]}
    assert (await simulator.http.patch("/_inspect/settings", json=change)).status_code == 200
    one = f"{VIDEOS}/{video['id']}"
    assert (await simulator.http.post(VIDEOS, json=GOOD)).status_code == 410
    assert (await simulator.http.get(one)).status_code == 410
    assert (await simulator.http.get(f"{one}/content")).status_code == 410
    assert (await simulator.http.delete(one)).status_code == 410
    assert (await simulator.http.get(VIDEOS)).status_code == 200, "sora-2-pro is still there"
