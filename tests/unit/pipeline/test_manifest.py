"""The manifest names every file that is kept, and says when what happened."""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Sequence
from typing import Any

import pytest

from dailies.inputs.examine import BytesSource
from dailies.intake.accept import Acceptance, GivenInput, accept
from dailies.pipeline.archive import archive_video
from dailies.pipeline.check import check_video
from dailies.pipeline.manifest import manifest_of, rfc3339
from dailies.pipeline.prepare import prepare_reference
from dailies.pipeline.submit import submit_video
from dailies.video.basics import Operation, Size
from dailies.video.framing import FitMode
from dailies.video.record import Source
from dailies.video.request import Input, InputKind, Role, StoredFile, VideoRequest
from tests.pictures import png
from tests.unit.pipeline.memory import no_point
from tests.unit.pipeline.schedule import Crash
from tests.unit.pipeline.world import CATALOGUE, OWNER, START, World, ref

PICTURE = png(1)
RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


def _first(data: bytes) -> GivenInput:
    item = Input(role=Role.FIRST, type=InputKind.IMAGE, fit=FitMode.COVER)
    return GivenInput(item, "image/png", BytesSource(data), hashlib.sha256(data).hexdigest())


FIRST = _first(PICTURE)


def _world() -> World:
    """One whose model takes images at frames, too."""
    inpaint = "        inpaint: {max_images: 2}\n"
    return World(
        catalogue=CATALOGUE.replace(
            "        prices: {default: 0.10}\n", inpaint + "        prices: {default: 0.10}\n"
        )
    )


def _frame(number: int, fit: FitMode | None) -> GivenInput:
    item = Input(role=Role.FRAME, type=InputKind.IMAGE, frame_index=number, fit=fit)
    return GivenInput(item, "image/png", BytesSource(PICTURE), "digest")


async def _accept(
    world: World,
    given: Sequence[GivenInput] = (),
    **fields: Any,
) -> Acceptance:
    request = VideoRequest(
        model="sora-2", prompt="A pier", seconds=4, size=Size(720, 1280), **fields
    )
    return await accept(
        world.services,
        owner=OWNER,
        request=request,
        source=Source(),
        idempotency_key="key",
        traceparent=None,
        inputs=given,
    )


async def _archived(world: World, video_id: str) -> dict[str, Any]:
    record = await world.record(video_id)
    for step in (prepare_reference, submit_video, check_video, archive_video):
        answer = await step(world.services, ref(record))
        assert answer["kind"] == "done", step
    text = world.files.files[f"{video_id}/manifest.json"].decode()
    manifest: dict[str, Any] = ast.literal_eval(text)
    return manifest


def _named(manifest: dict[str, Any]) -> set[str]:
    files = [*manifest["files"].values(), *manifest["inputs"]]
    return {str(file["blob"]) for file in files}


@pytest.mark.parametrize(
    ("inputs", "roles"),
    [
        ([], []),
        ([FIRST], [("reference", None)]),
        ([_frame(0, FitMode.COVER), _frame(30, None)], [("frame", 0), ("frame", 30)]),
    ],
)
async def test_every_file_of_the_folder_is_named_with_what_it_is_for(
    inputs: list[GivenInput],
    roles: list[tuple[str, int | None]],
) -> None:
    world = _world()
    video_id = (await _accept(world, inputs)).record.id
    manifest = await _archived(world, video_id)
    assert {*world.files.files} - {f"{video_id}/manifest.json"} == _named(manifest)
    assert [(i["role"], i.get("frame_index")) for i in manifest["inputs"]] == roles
    for file in manifest["inputs"]:
        data = world.files.files[file["blob"]]
        assert file["sha256"] == hashlib.sha256(data).hexdigest()
        assert (file["bytes"], file["content_type"]) == (len(data), "image/png")


@pytest.mark.parametrize("item", [FIRST, _frame(0, FitMode.COVER)])
async def test_a_crash_while_an_image_is_fitted_leaves_no_file_that_nobody_names(
    item: GivenInput,
) -> None:
    for place in range(1, 30):
        world = _world()
        record = (await _accept(world, [item])).record
        passed = 0

        async def crash(name: str, place: int = place) -> None:
            nonlocal passed
            passed += 1
            if passed == place:
                raise Crash

        world.go_wrong(crash)
        try:
            await prepare_reference(world.services, ref(record))
        except Crash:
            await prepare_reference(world.services, ref(record))
        world.go_wrong(no_point)
        done = passed < place
        manifest = await _archived(world, record.id)
        assert {*world.files.files} - {f"{record.id}/manifest.json"} == _named(manifest), place
        if done:
            assert place > 6
            return
    raise AssertionError("it never came to its end without a crash")


async def test_an_image_of_a_record_that_says_no_more_than_its_name_is_named_too() -> None:
    """A version before this one has fitted it."""
    world = World()
    record = (await _accept(world, [FIRST])).record
    await prepare_reference(world.services, ref(record))
    known = (await world.record(record.id)).request.first_frame
    assert known is not None
    assert known.file is not None
    reference = {"original": known.original, "fitted": known.file.blob, "content_type": "image/png"}
    document = record.request.model_dump(mode="json", exclude={"inputs"})
    older = VideoRequest.model_validate({**document, "reference": reference})
    manifest = await manifest_of(world.services, record.model_copy(update={"request": older}))
    (image,) = manifest["inputs"]
    assert image == {"role": "reference", **known.file.model_dump()}


async def test_its_request_has_the_names_that_it_always_had() -> None:
    world = _world()
    given = [_frame(3, FitMode.COVER)]
    request = (await _archived(world, (await _accept(world, given)).record.id))["request"]
    assert "inputs" not in request
    assert request["source_file"] is None
    (item,) = request["inpaint"]
    assert set(item) == {"type", "frame_index", "crop", "file", "original", "fit", "prepared"}
    assert (item["type"], item["frame_index"], item["prepared"]) == ("image", 3, True)


async def test_its_times_are_those_of_rfc_3339() -> None:
    world = World()
    timings = (await _archived(world, (await _accept(world)).record.id))["timings"]
    assert set(timings) == {"created_at", "submitted_at", "rendered_at", "archived_at"}
    assert all(RFC3339.fullmatch(time) for time in timings.values())
    assert timings["created_at"] == "2026-11-21T12:00:00.000Z"


def test_a_time_is_written_in_utc_and_none_is_none() -> None:
    assert rfc3339(START + 0.0625) == "2026-11-21T12:00:00.062Z"
    assert rfc3339(None) is None


_BYTES = _first(b"bytes")


@pytest.mark.parametrize(
    ("inputs", "digest"),
    [
        ([], "bad730da80b21b7c3fa668822735d5d381a995c0c3844b2ad82271cf0a0903f0"),
        ([_BYTES], "9f8ed69ba43185366e6bc35803639268016c77c3e39fd2dd0c4848315d2845d9"),
        (
            [_frame(3, FitMode.COVER)],
            "41248659a8880b70b55326fd2216a18be1de8c479f8c4ba36357214a022a15a2",
        ),
    ],
)
async def test_new_fields_of_a_record_change_no_request_of_a_key(
    inputs: list[GivenInput], digest: str
) -> None:
    """Keys that a version before this one has stored must be known again."""
    record = (await _accept(World(), inputs)).record
    assert record.request_hash == digest


async def test_an_edit_of_our_own_file_is_known_again_by_its_key() -> None:
    blob = StoredFile(blob="w/video.mp4", content_type="video/mp4", bytes=1, sha256="a", etag="e")
    edit: dict[str, Any] = {
        "operation": Operation.EDIT,
        "source_video_id": "w",
        "deployment": "first",
        "inputs": (Input(role=Role.SOURCE, type=InputKind.VIDEO, file=blob),),
    }
    record = (await _accept(World(), **edit)).record
    assert record.request_hash == "1e8228fe1b5711b868f764e6729c1c2a314169f0382499e23483d278fa8b9b00"
