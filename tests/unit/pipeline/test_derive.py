"""Whatever the provider gives: every video has the same files, and is known for what it is."""

from __future__ import annotations

import ast
import asyncio
import io
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

import pytest
from PIL import Image

from dailies.engine import Step
from dailies.pipeline.archive import archive_video
from dailies.providers.base import Content
from dailies.providers.outcomes import Kind, Outcome
from dailies.threads import Pool
from dailies.video.basics import Phase, Size, Variant
from dailies.video.probe import Findings
from dailies.video.record import GeneratedVideo, VideoRecord
from tests.media import clip_bytes
from tests.unit.footage import signed
from tests.unit.inputs.pictures import box
from tests.unit.pipeline.memory import no_point
from tests.unit.pipeline.provider import chunks
from tests.unit.pipeline.schedule import Crash
from tests.unit.pipeline.world import CATALOGUE, START, World, ref

VIDEO_ALONE = CATALOGUE.replace("        sizes:", "        variants: [video]\n        sizes:")
# All of its boxes are there, and no picture in them.
UNPLAYABLE = box(b"ftyp", b"isom") + box(b"moov", b"index") + box(b"mdat", bytes(500))
ALL = {"video.mp4", "thumbnail.webp", "spritesheet.jpg", "manifest.json"}


def content(data: bytes) -> Content:
    return Content("video/mp4", len(data), chunks(data))


async def rendered(world: World, **changes: Any) -> VideoRecord:
    """A video whose job is done upstream."""
    record = await world.accepted(phase=Phase.ARCHIVING, rendered_at=START, **changes)
    updated = await world.services.records.update(
        record.owner,
        record.id,
        lambda current: current.with_submit(deployment="first", job_id="job", submitted_at=START),
    )
    assert updated is not None
    return updated


async def archive(world: World, record: VideoRecord, attempt: int = 0) -> Step:
    return await archive_video(world.services, ref(record, attempt=attempt))


def stored(world: World) -> set[str]:
    return {name.rpartition("/")[2] for name in world.files.files}


def manifest_of(world: World, record: VideoRecord) -> dict[str, Any]:
    text = world.files.files[f"{record.id}/manifest.json"].decode()
    manifest: dict[str, Any] = ast.literal_eval(text)
    return manifest


async def test_a_provider_that_makes_nothing_but_the_video_leaves_all_files() -> None:
    world = World(catalogue=VIDEO_ALONE)
    video = await rendered(world)
    assert (await archive(world, video))["kind"] == "done"
    assert stored(world) == ALL
    record = await world.record(video.id)
    for variant, format in ((Variant.THUMBNAIL, "WEBP"), (Variant.SPRITESHEET, "JPEG")):
        file = record.files[variant]
        with Image.open(io.BytesIO(world.files.files[file.blob])) as picture:
            assert picture.format == format
        assert manifest_of(world, video)["files"][variant.value] == file.model_dump()


async def test_what_the_provider_gives_is_kept_as_it_is() -> None:
    world = World()
    video = await rendered(world)
    await archive(world, video)
    assert world.files.files[f"{video.id}/thumbnail.webp"] == b"the bytes of thumbnail"
    assert world.files.files[f"{video.id}/spritesheet.jpg"] == b"the bytes of spritesheet"


async def test_the_manifest_tells_what_the_video_really_is() -> None:
    """Asked for were four seconds of 720x1280."""
    world = World()
    video = await rendered(world)
    await archive(world, video)
    manifest = manifest_of(world, video)
    assert manifest["probe"] == {
        "seconds": 0.2,
        "size": "64x48",
        "frames_per_second": 30.0,
        "video_codec": "h264",
        "audio_codec": None,
        "sound": False,
    }
    assert manifest["content_credentials"] == {"present": False, "issuer": None}
    findings = (await world.record(video.id)).findings
    assert findings is not None
    assert findings.probe.size == Size(64, 48)


async def test_the_manifest_tells_who_signed_the_video() -> None:
    world = World()
    video = await rendered(world)
    store = signed.credentials(signed.manifest(signed.signature({33: signed.certificate()})))
    world.provider.files[Variant.VIDEO] = content(signed.carrying(store))
    assert (await archive(world, video))["kind"] == "done"
    assert manifest_of(world, video)["content_credentials"] == {
        "present": True,
        "issuer": "Film Works, Inc.",
    }


async def test_each_video_of_a_job_has_its_own() -> None:
    world = World(catalogue=VIDEO_ALONE)
    made = (GeneratedVideo(id="a"), GeneratedVideo(id="b"))
    video = await rendered(world, generations=made)
    assert (await archive(world, video))["kind"] == "done"
    kinds = ("video-{}.mp4", "thumbnail-{}.webp", "spritesheet-{}.jpg")
    assert stored(world) == {
        *(kind.format(number) for kind in kinds for number in (1, 2)),
        "manifest.json",
    }
    record = await world.record(video.id)
    assert [set(generation.files) for generation in record.generations] == [set(Variant)] * 2
    assert record.files == record.generations[0].files
    assert record.findings == record.generations[0].findings
    manifest = manifest_of(world, video)
    assert [made["probe"]["size"] for made in manifest["generations"]] == ["64x48"] * 2


async def test_a_video_that_does_not_decode_is_fetched_again() -> None:
    world = World()
    video = await rendered(world)
    world.provider.files[Variant.VIDEO] = content(UNPLAYABLE)
    assert (await archive(world, video))["kind"] == "wait"
    assert (await world.record(video.id)).files == {}
    del world.provider.files[Variant.VIDEO]
    assert (await archive(world, video, attempt=1))["kind"] == "done"
    assert world.files.files[f"{video.id}/video.mp4"] == clip_bytes()


async def test_a_video_that_never_decodes_is_a_failure_and_no_file_of_it_is_left() -> None:
    world = World()
    video = await rendered(world)
    for attempt in range(3):
        world.provider.files[Variant.VIDEO] = content(UNPLAYABLE)
        step = await archive(world, video, attempt)
    assert step["kind"] == "stop"
    assert step["error"]["code"] == "unplayable_video"
    assert "can't be played" in step["error"]["message"]
    assert stored(world) == set()


async def test_what_is_no_video_at_all_is_a_failure_too() -> None:
    world = World()
    video = await rendered(world)
    world.provider.files[Variant.VIDEO] = content(b"a text that calls itself a video")
    step = await archive(world, video, attempt=2)
    assert (step["kind"], step["error"]["code"]) == ("stop", "unplayable_video")


async def test_a_file_that_another_execution_has_named_is_not_deleted() -> None:
    world = World()
    video = await rendered(world)
    passed: list[str] = []

    async def meanwhile(name: str) -> None:
        passed.append(name)
        if passed[-2:-1] == [f"put {video.id}/video.mp4 ended"]:  # it was found not to decode
            world.go_wrong(no_point)
            del world.provider.files[Variant.VIDEO]
            assert (await archive(world, video))["kind"] == "done"

    world.provider.files[Variant.VIDEO] = content(UNPLAYABLE)
    world.go_wrong(meanwhile)
    await archive(world, video, attempt=2)
    assert world.files.files[f"{video.id}/video.mp4"] == clip_bytes()


async def test_a_crash_at_any_call_ends_in_the_same_files_and_record() -> None:
    whole = World(catalogue=VIDEO_ALONE)
    first = await rendered(whole)
    await archive(whole, first)
    expected = await whole.record(first.id)
    place = 0
    while True:
        place += 1
        world = World(catalogue=VIDEO_ALONE)
        video = await rendered(world)
        passed = 0

        async def crash(name: str, place: int = place) -> None:
            nonlocal passed
            passed += 1
            if passed == place:
                raise Crash

        world.go_wrong(crash)
        try:
            await archive(world, video)
        except Crash:
            assert (await archive(world, video))["kind"] == "done"
        else:
            break
        record = await world.record(video.id)
        assert stored(world) == ALL
        assert record.findings == expected.findings
        assert {v: f.sha256 for v, f in record.files.items()} == {
            v: f.sha256 for v, f in expected.files.items()
        }
    assert place > 15


async def test_pictures_that_were_made_are_not_made_again() -> None:
    world = World(catalogue=VIDEO_ALONE)
    video = await rendered(world)
    await archive(world, video)
    made: list[str] = []

    async def note(name: str) -> None:
        if name.endswith("begins") and name.startswith(("store", "put", "content")):
            made.append(name)

    world.go_wrong(note)
    assert (await archive(world, video))["kind"] == "done"
    assert made == [f"put {video.id}/manifest.json begins"]


async def test_a_file_that_an_earlier_version_has_stored_is_looked_into() -> None:
    world = World()
    video = await rendered(world)
    await archive(world, video)

    def older(record: VideoRecord) -> VideoRecord:
        return record.model_copy(update={"findings": None})

    await world.services.records.update(video.owner, video.id, older)
    world.provider.files[Variant.VIDEO] = Outcome(Kind.MISSING)
    assert (await archive(world, video))["kind"] == "done"
    assert (await world.record(video.id)).findings is not None


async def test_a_record_without_findings_is_read() -> None:
    world = World()
    video = await rendered(world)
    document = video.model_dump(mode="json", exclude={"findings"})
    assert VideoRecord.model_validate(document) == video
    await archive(world, video)
    record = await world.record(video.id)
    assert isinstance(record.findings, Findings)
    assert VideoRecord.model_validate(record.model_dump(mode="json")) == record


async def test_a_video_waits_while_another_is_looked_into() -> None:
    world = World(catalogue=VIDEO_ALONE)
    world.services = replace(world.services, footage=Pool("footage", threads=1, seconds=0.01))
    video = await rendered(world)
    async with AsyncExitStack() as other:
        await other.enter_async_context(world.services.footage.place())
        assert (await archive(world, video))["kind"] == "wait"
        # Its file is stored, and won't be fetched again.
        assert set((await world.record(video.id)).files) == {Variant.VIDEO}
        # Its pictures don't hold it up for ever.
        assert (await archive(world, video, attempt=5))["kind"] == "done"
        assert manifest_of(world, video)["probe"] is None


async def test_what_takes_too_long_does_not_cost_the_video(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("dailies.footage.examine._STILLS_SECONDS", 0)
    world = World(catalogue=VIDEO_ALONE)
    video = await rendered(world)
    assert (await archive(world, video))["kind"] == "done"
    record = await world.record(video.id)
    assert set(record.files) == {Variant.VIDEO}
    assert record.findings is not None
    monkeypatch.setattr("dailies.footage.examine._EXAMINE_SECONDS", 0)
    video = await rendered(world)
    assert (await archive(world, video))["kind"] == "done"
    record = await world.record(video.id)
    assert (set(record.files), record.findings) == ({Variant.VIDEO}, None)


async def test_the_loop_goes_on_while_a_video_is_decoded() -> None:
    """The bytes that the decoder waits for come by the same loop."""
    world = World(catalogue=VIDEO_ALONE)
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(others())
    await archive(world, await rendered(world))
    task.cancel()
    assert turns > 100
