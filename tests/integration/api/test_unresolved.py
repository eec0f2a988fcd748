"""A video of which nobody knows whether it was ordered: what an operator, and its provider, do."""

from __future__ import annotations

import json

import httpx
import pytest

from dailies.engine import WAKE_EVENT
from dailies.video.basics import Phase
from dailies.video.record import SubmitState
from tests.integration.api.world import World

SECRET = "5" * 32


async def _held(world: World) -> str:
    created = await world.alice.post("/v1/videos", json={"prompt": "a pier"})
    video_id = str(created.json()["id"])
    await world.change(
        video_id,
        phase=Phase.UNRESOLVED,
        submit=SubmitState(
            deployment="first",
            sending_since=world.now,
            sending_mark="mark",
            unresolved_since=world.now,
            callback_token=f"{video_id.removeprefix('video_')}-{SECRET}",
        ),
    )
    return video_id


def _job(job_id: str) -> httpx.Response:
    return httpx.Response(200, json={"id": job_id, "object": "video", "status": "queued"})


async def test_its_owner_sees_that_it_waits(world: World) -> None:
    video = (await world.alice.get(f"/v1/videos/{await _held(world)}")).json()
    assert (video["status"], video["phase"]) == ("queued", "unresolved")


async def test_an_operator_adopts_the_providers_job(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "dailies")
    video_id = await _held(world)
    world.answers = [_job("job-7")]
    answer = await world.admin.post(
        f"/v1/admin/videos/{video_id}/resolve", json={"decision": "adopt", "job_id": "job-7"}
    )
    assert answer.status_code == 200, answer.text
    assert (answer.json()["phase"], answer.json()["status"]) == ("rendering", "in_progress")
    record = await world.record(video_id)
    assert record is not None
    assert record.submit.job_id == "job-7"
    assert (video_id, WAKE_EVENT) in world.engine.woken
    lines = [json.loads(line.message) for line in caplog.records]
    (decided,) = [line for line in lines if line["event"] == "video_resolved_by"]
    assert (decided["operator"], decided["decision"]) == (world.owners["admin"], "adopt")


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"decision": "guess"}, "decision"),
        ({}, "decision"),
        ({"decision": "adopt"}, "job_id"),
        ({"decision": "adopt", "job_id": "job-9"}, "job_id"),
        ({"decision": "adopt", "job_id": 7}, "job_id"),
    ],
)
async def test_what_is_wrong_with_a_decision_is_named(
    world: World, body: dict[str, object], param: str
) -> None:
    world.answers = [httpx.Response(404, json={"error": {"message": "not found"}})]
    answer = await world.admin.post(f"/v1/admin/videos/{await _held(world)}/resolve", json=body)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)


async def test_only_operators_decide(world: World) -> None:
    video_id = await _held(world)
    for client, status in ((world.alice, 403), (world.anonymous, 401)):
        answer = await client.post(f"/v1/admin/videos/{video_id}/resolve", json={"decision": "end"})
        assert answer.status_code == status
    unknown = await world.admin.post(
        f"/v1/admin/videos/{'x' * 40}/resolve", json={"decision": "end"}
    )
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "video_not_found")


async def test_what_has_ended_is_not_decided_either(world: World) -> None:
    answer = await world.admin.post(
        f"/v1/admin/videos/{await world.finished()}/resolve", json={"decision": "end"}
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "not_unresolved")


async def test_what_does_not_wait_is_not_decided(world: World) -> None:
    created = await world.alice.post("/v1/videos", json={"prompt": "a pier"})
    answer = await world.admin.post(
        f"/v1/admin/videos/{created.json()['id']}/resolve", json={"decision": "resend"}
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "not_unresolved")


@pytest.mark.parametrize(
    "path",
    [
        "/callbacks/azure-sora-2/{token}",  # which calls nobody
        "/callbacks/fal/{token}",
        "/callbacks/azure-sora-2/nonsense",
        "/callbacks/azure-sora-2/{token}x",
    ],
)
async def test_a_call_from_nobody_we_know_is_a_404(world: World, path: str) -> None:
    record = await world.record(await _held(world))
    assert record is not None
    answer = await world.anonymous.post(
        path.format(token=record.submit.callback_token), content=b'{"id": "job-7"}'
    )
    assert answer.status_code == 404
    assert SECRET not in answer.text
    assert not world.upstream


async def test_a_call_that_is_too_long_is_refused(world: World) -> None:
    answer = await world.anonymous.post("/callbacks/fal/token", content=bytes(2 * 1024**2))
    assert answer.status_code == 413
