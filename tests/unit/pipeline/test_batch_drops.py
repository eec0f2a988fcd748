"""Dropped batches: a file and the images in its folder, whichever comes first."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

import pytest

from dailies.batches.turn import take_turn
from dailies.drops.accept import accept_drop, reject_drop
from dailies.drops.arrivals import blob_announced
from dailies.engine import ACCEPT_BATCH, ACCEPT_DROP, InstanceState, Orchestrations
from dailies.protocols.drop.announcements import Announcement
from dailies.protocols.drop.payloads import Drop
from dailies.stores.uploads import UploadState
from dailies.video.batch import Batch
from tests.unit.pipeline.test_drop import picture
from tests.unit.pipeline.world import World

SHOTS = [{"prompt": "it moves", "image_file": "a.png"}, {"prompt": "it sails"}]


class Engine:
    """Notes what is started."""

    def __init__(self) -> None:
        self.started: list[tuple[str, Mapping[str, Any]]] = []

    async def start(self, name: str, instance_id: str, payload: Mapping[str, Any]) -> None:
        self.started.append((name, payload))

    async def state(self, instance_id: str) -> InstanceState:
        return InstanceState.MISSING


def put(world: World, name: str = "shoot/batch.jsonl", shots: list[Any] = SHOTS) -> Drop:
    """Drop a batch."""
    body = "\n".join(json.dumps(shot) for shot in shots).encode()
    return {"blob": name, "etag": world.files.container.drop(name, body)}


async def batches(world: World) -> list[Batch]:
    """Those of whoever drops."""
    owner = world.services.settings.drop_owner
    return list(await world.services.batches.list(owner, after=None, limit=10))


async def test_a_batch_is_accepted_once_all_its_images_are_there() -> None:
    world = World()
    drop = put(world)
    assert (await accept_drop(world.services, drop))[0] == {"kind": "waiting"}
    image = world.files.container.drop("shoot/a.png", picture())
    answer, batch = await accept_drop(world.services, drop)
    assert isinstance(batch, Batch)
    assert (answer["kind"], batch.total, batch.blob) == ("accepted", 2, "shoot/batch.jsonl")
    of_image: Drop = {"blob": "shoot/a.png", "etag": image}
    assert (await accept_drop(world.services, of_image))[0] == {"kind": "gone"}
    ref: Any = {"id": batch.id, "owner": batch.owner, "traceparent": None}
    await take_turn(world.services, cast(Orchestrations, Engine()), ref)
    page = await world.services.records.list(batch.owner, after=None, limit=9, ascending=True)
    first, second = sorted(page.records, key=lambda record: record.batch_line or 0)
    assert (first.batch_id, first.batch_line) == (batch.id, 1)
    assert len(first.request.inputs) == 1
    assert second.request.inputs == ()


async def test_one_upload_is_one_batch_however_often_it_is_told_of() -> None:
    world = World()
    drop = put(world, shots=[{"prompt": "a"}])
    for _ in range(3):
        answer, _ = await accept_drop(world.services, drop)
        assert answer["kind"] == "accepted"
    assert len(await batches(world)) == 1
    history = await world.services.drops.get(drop["blob"])
    assert [upload.state for upload in history.uploads] == [UploadState.ACCEPTED]
    world.now += 1
    await accept_drop(world.services, put(world, shots=[{"prompt": "b"}]))
    assert len(await batches(world)) == 2


@pytest.mark.parametrize(
    ("shots", "told"),
    [
        ([{"prompt": "a"}, {"promt": "b"}], "Line 2: Unknown parameter: 'promt'."),
        ([], "The batch has no shots."),
        ([{"prompt": "a", "seconds": 5}], "Line 1: "),
    ],
)
async def test_what_is_wrong_with_a_batch_is_told_at_once(shots: list[Any], told: str) -> None:
    world = World()
    drop = put(world, shots=shots or [{"name": "nothing"}])
    answer, batch = await accept_drop(world.services, drop)
    assert batch is None
    assert answer["kind"] == "rejected"
    assert told in answer["rejection"]["message"]
    await reject_drop(world.services, drop, answer["rejection"])
    report = json.loads(world.files.container.blobs["shoot/batch.jsonl.error.json"].data)
    assert told in json.dumps(report)
    assert await batches(world) == []


async def test_an_empty_file_may_be_filled_for_as_long_as_an_image_may() -> None:
    world = World()
    drop: Drop = {"blob": "batch.jsonl", "etag": world.files.container.drop("batch.jsonl", b"")}
    wait = world.services.settings.sidecar_wait_seconds
    world.now += 1
    assert (await accept_drop(world.services, drop))[0] == {"kind": "waiting"}
    world.now += wait - 1
    assert (await accept_drop(world.services, drop))[0] == {"kind": "waiting"}
    world.now += 1
    answer, batch = await accept_drop(world.services, drop)
    assert batch is None
    assert answer["kind"] == "rejected"
    assert answer["rejection"]["code"] == "no_shots"
    assert "Upload it whole" in answer["rejection"]["message"]


async def test_a_batch_that_was_filled_waits_for_its_images_all_the_same() -> None:
    world = World()
    drop: Drop = {
        "blob": "shoot/batch.jsonl",
        "etag": world.files.container.drop("shoot/batch.jsonl", b""),
    }
    assert (await accept_drop(world.services, drop))[0] == {"kind": "waiting"}
    drop = put(world)
    world.now += world.services.settings.sidecar_wait_seconds + 1
    assert (await accept_drop(world.services, drop))[0] == {"kind": "waiting"}


async def test_images_that_never_come_are_told_in_the_end() -> None:
    world = World()
    answer, _ = await accept_drop(world.services, {**put(world), "last_call": True})
    assert answer["kind"] == "rejected"
    assert "There is no blob 'shoot/a.png'" in answer["rejection"]["message"]


async def test_a_folder_below_or_beside_a_batch_is_none_of_its() -> None:
    world = World()
    put(world)
    for name in ("shoot/more/a.png", "a.png", "other/a.png"):
        etag = world.files.container.drop(name, picture(), {"prompt": "my own"})
        answer, _ = await accept_drop(world.services, {"blob": name, "etag": etag})
        assert answer["kind"] == "accepted", name


async def test_a_batch_has_an_orchestration_of_its_own() -> None:
    world, engine = World(), Engine()
    hub = cast(Orchestrations, engine)
    drop = put(world, "batch.csv")
    await blob_announced(world.services, hub, Announcement(("batch.csv",), etag=drop["etag"]))
    etag = world.files.container.drop("b.png", picture())
    await blob_announced(world.services, hub, Announcement(("b.png",), etag=etag))
    assert [name for name, _ in engine.started] == [ACCEPT_BATCH, ACCEPT_DROP]
    waits = [payload["wait_seconds"] for _, payload in engine.started]
    assert waits[0] == 3600
