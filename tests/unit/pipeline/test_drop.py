"""Dropped images: what becomes of them, and that one upload makes one video."""

from __future__ import annotations

import asyncio
import io
import json
from dataclasses import replace

import pytest
from azure.core.exceptions import ServiceRequestError
from PIL import Image

from dailies.drops import accept as rules
from dailies.drops.accept import images_of_sidecar, reject_drop
from dailies.intake.accept import Acceptance
from dailies.owners.budget import Budget, Scope
from dailies.pipeline.prepare import prepare_reference
from dailies.protocols.drop.payloads import Drop, DropAnswer
from dailies.services import Services
from dailies.stores.records import RecordStore
from dailies.threads import Pool
from dailies.video.basics import Size
from dailies.video.batch import Batch
from dailies.video.record import SourceKind
from tests.unit.pipeline.world import World, ref


async def accept_drop(services: Services, drop: Drop) -> tuple[DropAnswer, Acceptance | None]:
    """What becomes of a dropped image."""
    answer, made = await rules.accept_drop(services, drop)
    assert not isinstance(made, Batch)
    return answer, made


def picture(width: int = 1280, height: int = 720) -> bytes:
    """A PNG of that size."""
    out = io.BytesIO()
    Image.new("RGB", (width, height), "teal").save(out, "PNG")
    return out.getvalue()


def _drop(world: World, name: str = "cats/a.png", **metadata: str) -> Drop:
    return {"blob": name, "etag": world.files.container.drop(name, picture(), metadata)}


def _sidecar(world: World, name: str, **fields: object) -> None:
    world.files.container.drop(name, json.dumps(fields).encode())


async def test_an_image_with_a_prompt_in_its_metadata_becomes_a_video() -> None:
    world = World()
    answer, acceptance = await accept_drop(world.services, _drop(world, prompt="A cat wakes"))
    assert acceptance is not None
    record = acceptance.record
    assert answer == {"kind": "accepted", "video_id": record.id}
    assert (record.request.prompt, record.request.size) == ("A cat wakes", Size(1280, 720))
    assert (record.source.kind, record.source.blob) == (SourceKind.DROP, "cats/a.png")
    assert record.owner == "drops"


async def test_an_image_that_a_budget_does_not_allow_is_rejected_and_not_stored() -> None:
    world = World()
    ledger = world.services.records.ledger
    await ledger.set_budget("drops", Scope.OWNER, "drops", Budget(day_usd=1))
    _, first = await accept_drop(world.services, _drop(world, prompt="A cat wakes"))
    assert first is not None
    files = set(world.files.files)
    drop = _drop(world, "cats/b.png", prompt="A cat sleeps")
    answer, none = await accept_drop(world.services, drop)
    assert (none, answer["kind"], answer["rejection"]["code"]) == (
        None,
        "rejected",
        "budget_exceeded",
    )
    assert "$0.2 is left" in answer["rejection"]["message"]
    assert set(world.files.files) == files


async def test_an_image_waits_for_its_sidecar() -> None:
    world = World()
    drop = _drop(world)
    assert (await accept_drop(world.services, drop))[0] == {"kind": "waiting"}
    _sidecar(world, "cats/a.png.json", prompt="A cat wakes", seconds=8)
    _, acceptance = await accept_drop(world.services, drop)
    assert acceptance is not None
    assert acceptance.record.request.seconds == 8


async def test_after_the_wait_the_defaults_decide_or_the_image_is_rejected() -> None:
    world = World()
    drop = {**_drop(world), "last_call": True}
    answer, _ = await accept_drop(world.services, drop)  # type: ignore[arg-type] # a Drop with one more key
    assert answer["rejection"]["code"] == "missing_prompt"
    _sidecar(world, "_defaults.json", prompt="Whatever it is, it wakes")
    answer, _ = await accept_drop(world.services, drop)  # type: ignore[arg-type] # as above
    assert answer["kind"] == "accepted"


@pytest.mark.parametrize("change", ["sidecar", "defaults"])
async def test_an_upload_keeps_its_video_whatever_its_parameters_become(change: str) -> None:
    world = World()
    _sidecar(world, "cats/a.png.json", prompt="A cat wakes")
    drop = _drop(world)
    first, _ = await accept_drop(world.services, drop)
    if change == "sidecar":
        _sidecar(world, "cats/a.png.json", prompt="A dog barks")
    else:
        _sidecar(world, "cats/_defaults.json", seconds=12)
    assert (await accept_drop(world.services, drop))[0] == first


async def test_one_upload_seen_twenty_times_at_once_is_one_video() -> None:
    world = World()
    drop = _drop(world, prompt="A cat wakes")
    answers = await asyncio.gather(*(accept_drop(world.services, drop) for _ in range(20)))
    ids = {answer["video_id"] for answer, _ in answers}
    assert len(ids) == 1
    page = await world.services.records.list("drops", after=None, limit=100, ascending=True)
    assert [record.id for record in page.records] == list(ids)
    # The copies of the image that the others made are gone.
    assert list(world.files.files) == [f"{ids.pop()}/reference.original"]


async def test_another_upload_under_the_same_name_is_another_video() -> None:
    world = World()
    first, _ = await accept_drop(world.services, _drop(world, prompt="A cat wakes"))
    second, _ = await accept_drop(world.services, _drop(world, prompt="A cat sleeps"))
    assert first["video_id"] != second["video_id"]


async def test_an_image_that_was_replaced_or_deleted_is_gone() -> None:
    world = World()
    old = _drop(world, prompt="A cat wakes")
    _drop(world, prompt="A cat sleeps")
    assert (await accept_drop(world.services, old))[0] == {"kind": "gone"}
    await world.files.container.delete_blob("cats/a.png")
    assert (await accept_drop(world.services, old))[0] == {"kind": "gone"}


@pytest.mark.parametrize(
    ("name", "data", "fields", "code"),
    [
        ("a.png", b"no image at all", {"prompt": "x"}, "unsupported_image_type"),
        ("a.gif", picture(), {"prompt": "x"}, "unsupported_image_type"),
        ("a.png", picture(), {"prompt": "x", "seconds": "5"}, "invalid_value"),
        ("a.png", picture(), {"prompt": "x", "size": "1x1"}, "invalid_value"),
        ("a.png", picture(), {"prompt": "x", "model": "none"}, "DeploymentNotFound"),
        ("a.png", picture() + bytes(30 * 1024**2), {"prompt": "x"}, "image_too_large"),
    ],
)
async def test_what_can_not_be_used_is_rejected_with_a_reason(
    name: str, data: bytes, fields: dict[str, str], code: str
) -> None:
    world = World()
    etag = world.files.container.drop(name, data, fields)
    answer, acceptance = await accept_drop(world.services, {"blob": name, "etag": etag})
    assert acceptance is None
    assert answer["rejection"]["code"] == code
    assert name in answer["rejection"]["where"]


async def test_a_rejection_is_a_report_beside_the_image_and_an_event_with_one_id() -> None:
    world = World()
    drop = _drop(world)
    rejection = {"code": "missing_prompt", "message": "Write one.", "where": "cats/a.png"}
    world.events.failures = [ServiceRequestError("no route")]
    with pytest.raises(ServiceRequestError):
        await reject_drop(world.services, drop, rejection)  # type: ignore[arg-type] # a Rejection
    for _ in range(2):
        await reject_drop(world.services, drop, rejection)  # type: ignore[arg-type] # a Rejection
    report = json.loads(world.files.container.blobs["cats/a.png.error.json"].data)
    assert report["error"] == rejection
    assert report["etag"] == drop["etag"]
    assert len(set(world.events.ids)) == 1
    assert world.events.taken[0].type == "dailies.video.rejected"
    assert "cats/a.png" in world.files.container.blobs


async def test_an_accepted_image_takes_its_old_report_away() -> None:
    world = World()
    world.files.container.drop("cats/a.png.error.json", b"{}")
    await accept_drop(world.services, _drop(world, prompt="A cat wakes"))
    assert "cats/a.png.error.json" not in world.files.container.blobs


async def test_a_sidecar_finds_its_images() -> None:
    world = World()
    for name in ("cats/a.png", "cats/a.JPG", "cats/ab.png", "dogs/a.png"):
        _drop(world, name)
    found = await images_of_sidecar(world.services, "cats/a.json")
    assert set(found) == {"cats/a.png", "cats/a.JPG"}


async def test_a_reference_is_fitted_once_and_the_original_removed() -> None:
    world = World()
    _, acceptance = await accept_drop(world.services, _drop(world, prompt="x", size="720x1280"))
    assert acceptance is not None
    video = acceptance.record
    for _ in range(2):
        assert (await prepare_reference(world.services, ref(video)))["kind"] == "done"
    assert list(world.files.files) == [f"{video.id}/reference.png"]
    with Image.open(io.BytesIO(world.files.files[f"{video.id}/reference.png"])) as image:
        assert image.size == (720, 1280)


async def test_two_fittings_at_once_do_not_fail_the_video() -> None:
    """One reads the original just after the other has fitted and removed it."""
    world = World()
    _, acceptance = await accept_drop(world.services, _drop(world, prompt="x"))
    assert acceptance is not None
    video = ref(acceptance.record)
    other_process = replace(
        world.services, pictures=Pool("another process's", threads=1, seconds=10)
    )
    other_ran = False

    async def run_the_other(name: str) -> None:
        nonlocal other_ran
        if name.startswith("read") and not other_ran:
            other_ran = True
            assert (await prepare_reference(other_process, video))["kind"] == "done"

    world.go_wrong(run_the_other)
    assert (await prepare_reference(world.services, video))["kind"] == "done"


async def test_a_reference_that_is_gone_stops_the_video() -> None:
    world = World()
    _, acceptance = await accept_drop(world.services, _drop(world, prompt="x"))
    assert acceptance is not None
    world.files.files.clear()
    step = await prepare_reference(world.services, ref(acceptance.record))
    assert step["error"]["code"] == "invalid_reference"
    assert isinstance(world.services.records, RecordStore)
