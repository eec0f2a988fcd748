"""``safety_identifier``: kept, and told to who takes it, or its sender is told that nobody does."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import pytest

from dailies.catalogue import Catalogue
from dailies.pipeline.submission import submission_of
from dailies.providers.registry import check_deployment
from dailies.video.record import VideoRecord
from tests.integration.api.world import World

USER = hashlib.sha256(b"carol@example.com").hexdigest()
DAILIES = """
default_model: theirs
models:
  theirs:
    deployments:
      - name: theirs
        provider: other-dailies
        endpoint: https://other.example
        deployment: sora-2
        credential: api-key
        api_key: key
        options: {names: {safety_identifier: safety_identifier}}
        sizes: [720x1280]
        seconds: [4]
        variants: [video]
        operations: [create]
        prices: null
"""


async def created(world: World, **fields: Any) -> tuple[VideoRecord, list[dict[str, str]]]:
    body = {"prompt": "A kite", "safety_identifier": USER, **fields}
    answer = await world.alice.post("/v1/videos", json=body)
    assert answer.status_code == 200, answer.text
    record = await world.record(answer.json()["id"])
    assert record is not None
    return record, answer.json().get("warnings", [])


async def test_it_is_kept_and_its_sender_is_told_that_no_provider_takes_it(world: World) -> None:
    record, (warning,) = await created(world)
    assert record.request.safety_identifier == USER
    assert (warning["param"], warning["code"]) == ("safety_identifier", "not_passed_on")
    (deployment,) = world.services.catalogue.models["sora-2"].deployments
    sent = await submission_of(world.services, record, deployment)
    assert sent.safety_identifier is None


async def test_a_provider_that_takes_it_is_told(world: World) -> None:
    catalogue = Catalogue.parse(DAILIES, {}, check=check_deployment())
    world.services = replace(world.services, catalogue=catalogue)
    record, warnings = await created(world, model="theirs")
    assert warnings == []
    (deployment,) = catalogue.models["theirs"].deployments
    sent = await submission_of(world.services, record, deployment)
    assert sent.safety_identifier == USER


@pytest.mark.parametrize(
    ("value", "code"), [("a" * 65, "string_above_max_length"), (7, "invalid_type")]
)
async def test_what_is_none_is_refused(world: World, value: object, code: str) -> None:
    body = {"prompt": "A kite", "safety_identifier": value}
    error = (await world.alice.post("/v1/videos", json=body)).json()["error"]
    assert (error["param"], error["code"]) == ("safety_identifier", code)


async def test_another_one_is_another_request(world: World) -> None:
    key = {"Idempotency-Key": "end-user"}
    body = {"prompt": "A kite", "safety_identifier": USER}
    made = await world.alice.post("/v1/videos", json=body, headers=key)
    assert (await world.alice.post("/v1/videos", json=body, headers=key)).json() == made.json()
    other = await world.alice.post(
        "/v1/videos", json={**body, "safety_identifier": "another"}, headers=key
    )
    assert other.status_code == 409


async def test_a_remix_has_its_own(world: World) -> None:
    source = await world.finished()
    body = {"prompt": "At dusk", "safety_identifier": USER}
    answer = await world.alice.post(f"/v1/videos/{source}/remix", json=body)
    record = await world.record(answer.json()["id"])
    assert record is not None
    assert record.request.safety_identifier == USER
    assert [warning["code"] for warning in answer.json()["warnings"]] == ["not_passed_on"]


async def test_a_dry_run_tells_it_too(world: World) -> None:
    body = {"prompt": "A kite", "safety_identifier": USER}
    answer = await world.alice.post("/v1/videos?dry_run=true", json=body)
    assert [warning["code"] for warning in answer.json()["warnings"]] == ["not_passed_on"]
