"""Fields of a request that nobody knows, or that change nothing, are told of in its answer."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.integration.api.given import IMAGE_URL, JOBS, PICTURE, create, refused
from tests.integration.api.world import CLIP, World


async def test_a_mistyped_field_is_answered_by_a_warning(world: World) -> None:
    video = (await create(world, secnods="8", zzz=[1])).json()
    assert video["warnings"] == [
        {
            "param": "secnods",
            "code": "unknown_parameter",
            "message": "Unknown parameter: 'secnods' was ignored. Did you mean 'seconds'?",
        },
        {
            "param": "zzz",
            "code": "unknown_parameter",
            "message": "Unknown parameter: 'zzz' was ignored.",
        },
    ]
    assert "warnings" not in (await world.alice.get(f"/v1/videos/{video['id']}")).json()


async def test_every_answer_to_a_request_has_its_warnings(world: World) -> None:
    source = await world.finished()
    world.answers = [httpx.Response(200, json={"id": "char_up", "object": "character"})]
    answers = [
        await world.alice.post(f"/v1/videos/{source}/remix", json={"prompt": "x", "promt": "y"}),
        await world.alice.post(
            "/v1/videos/edits", json={"prompt": "x", "promt": "y", "video": {"id": source}}
        ),
        await world.alice.post(JOBS, json={"prompt": "x", "promt": "y", "model": "sora"}),
        await world.alice.post(
            "/v1/videos/characters",
            data={"name": "Ada", "promt": "y", "model": "files"},
            files={"video": ("ada.mp4", CLIP)},
        ),
        await world.admin.post("/orchestrations/generate-video", json={"prompt": "x", "promt": 1}),
    ]
    for answer in answers:
        assert answer.is_success, answer.text
        assert [warning["param"] for warning in answer.json()["warnings"]] == ["promt"]


async def test_a_key_within_a_field_counts_as_well(world: World) -> None:
    reference = {"image_url": IMAGE_URL, "image_ulr": "x"}
    (warning,) = (await create(world, input_reference=reference)).json()["warnings"]
    assert warning["param"] == "input_reference.image_ulr"
    assert "Did you mean 'input_reference.image_url'?" in warning["message"]


@pytest.mark.parametrize(
    "fields",
    [
        {"input_reference": {"image_url": {"url": IMAGE_URL, "detail": "low"}}},
        {"image_url": {"url": IMAGE_URL, "detail": "low"}},
    ],
)
async def test_a_key_deep_within_a_field_counts_too(world: World, fields: dict[str, Any]) -> None:
    (warning,) = (await create(world, **fields)).json()["warnings"]
    assert warning["param"] in ("input_reference.image_url.detail", "image_url.detail")


async def test_a_picture_is_not_named_in_two_ways(world: World) -> None:
    error = await refused(world, input_reference={"image_url": IMAGE_URL, "file_id": "file_abc"})
    assert (error["param"], error["code"]) == ("input_reference", "unsupported_file_id")


async def test_lists_of_official_clients_are_fields_like_others(world: World) -> None:
    answer = await world.alice.post(
        "/v1/videos",
        data={"prompt": "a pier", "foo[]": ["1", "2"]},
        files={"input_reference": PICTURE},
    )
    (warning,) = answer.json()["warnings"]
    assert (warning["param"], warning["code"]) == ("foo[]", "unknown_parameter")
    answer = await world.alice.post(
        "/v1/videos", data={"prompt": "a pier", "seconds[]": ["4", "8"]}
    )
    error = answer.json()["error"]
    assert (answer.status_code, error["param"]) == (400, "seconds[]")
    assert "Write it 'seconds'" in error["message"]


async def test_what_changes_nothing_is_told(world: World) -> None:
    (warning,) = (await create(world, fit="contain")).json()["warnings"]
    assert (warning["param"], warning["code"]) == ("fit", "unused_parameter")
    (warning,) = (await create(world, metadata={"a": "b"})).json()["warnings"]
    assert "'user' is kept" in warning["message"]


async def test_what_clients_send_by_themselves_is_nothing_to_warn_of(world: World) -> None:
    answer = await world.alice.post(
        "/v1/videos?custom_llm_provider=openai&api-version=preview",
        json={"prompt": "a pier", "custom_llm_provider": "azure", "user": "u"},
        headers={"custom-llm-provider": "openai"},
    )
    assert answer.status_code == 200
    assert "warnings" not in answer.json()


async def test_a_thousand_odd_fields_do_no_harm(world: World) -> None:
    odd = {f"field {number} \u20ac" + "x" * 100: 1 for number in range(1000)}
    answer = await world.alice.post(
        "/v1/videos",
        content=json.dumps({"prompt": "a pier", **odd}),
        headers={"Content-Type": "application/json"},
    )
    assert answer.status_code == 200
    *told, last = answer.json()["warnings"]
    assert len(told) == 20
    assert last["param"].startswith("field 20 ")
    assert "and 979 more were ignored" in last["message"]
    assert all(len(warning["param"]) <= 64 for warning in answer.json()["warnings"])
