"""From the provider's finished job to stored files."""

from __future__ import annotations

from typing import Any

import pytest

from dailies.engine import Step
from dailies.pipeline.archive import archive_video
from dailies.providers.base import Content
from dailies.providers.outcomes import Kind, Outcome
from dailies.video.basics import Phase, Variant
from dailies.video.record import VideoRecord
from tests.unit.inputs.pictures import box
from tests.unit.pipeline.provider import chunks
from tests.unit.pipeline.schedule import Crash
from tests.unit.pipeline.world import START, World, ref


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


async def _archive(world: World, record: VideoRecord, attempt: int = 0) -> Step:
    return await archive_video(world.services, ref(record, attempt=attempt))


async def test_all_variants_and_a_manifest_are_stored() -> None:
    world = World()
    video = await rendered(world)
    assert (await _archive(world, video))["kind"] == "done"
    names = {name.rpartition("/")[2] for name in world.files.files}
    assert names == {"video.mp4", "thumbnail.webp", "spritesheet.jpg", "manifest.json"}
    record = await world.record(video.id)
    assert set(record.files) == set(Variant)
    manifest = world.files.files[f"{video.id}/manifest.json"].decode()
    assert record.files[Variant.VIDEO].sha256 in manifest
    assert "'cost_usd': 0.4" in manifest


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (Content("video/mp4", 100, chunks(b"short")), "a body that stops short"),
        (Content("video/mp4", 2, chunks(b"long", b"er")), "a body that is too long"),
        (Content("text/html", None, chunks(b"<html>")), "an error page"),
        (Content("application/json", None, chunks(b"{}")), "an error document"),
        (Outcome(Kind.TRANSIENT, code="provider_error"), "an error"),
        (Outcome(Kind.UNAUTHORISED, code="missing_role"), "a missing role"),
    ],
)
async def test_what_is_no_video_is_never_stored_and_is_tried_again(
    content: Content | Outcome, why: str
) -> None:
    world = World()
    video = await rendered(world)
    world.provider.files[Variant.VIDEO] = content
    step = await _archive(world, video)
    assert step["kind"] == "wait", why
    assert not world.files.files
    assert Variant.VIDEO not in (await world.record(video.id)).files


@pytest.mark.parametrize(
    "outcome",
    [
        Outcome(Kind.REFUSED, code="unexpected_redirect", http_status=302),
        Outcome(Kind.REFUSED, code="invalid_request", http_status=405),
        Outcome(Kind.RETIRED, code="model_retired", http_status=410),
        Outcome(Kind.MISSING, code="content_not_found", http_status=404),
    ],
)
async def test_a_render_that_is_paid_for_is_not_given_up_for_an_odd_answer(
    outcome: Outcome,
) -> None:
    world = World()
    video = await rendered(world)
    world.provider.files[Variant.VIDEO] = outcome
    assert (await _archive(world, video))["kind"] == "wait"
    del world.provider.files[Variant.VIDEO]
    assert (await _archive(world, video, attempt=1))["kind"] == "done"


async def test_a_render_that_is_withheld_for_what_it_shows_is_a_failure() -> None:
    world = World()
    video = await rendered(world)
    world.provider.files[Variant.VIDEO] = Outcome(
        Kind.REFUSED, code="content_filter", message="It shows too much."
    )
    step = await _archive(world, video)
    assert (step["kind"], step.get("error", {}).get("code")) == ("stop", "content_filter")


async def test_half_a_video_is_never_stored() -> None:
    """A provider may announce the length of the half that it has."""
    world = World()
    video = await rendered(world)
    half = box(b"ftyp", b"isom") + box(b"moov", b"index") + box(b"mdat", b"picture" * 99)[:-50]
    world.provider.files[Variant.VIDEO] = Content("video/mp4", len(half), chunks(half))
    assert (await _archive(world, video))["kind"] == "wait"
    assert not world.files.files


async def test_stored_files_are_not_fetched_again() -> None:
    world = World()
    video = await rendered(world)
    world.provider.files[Variant.THUMBNAIL] = Outcome(Kind.TRANSIENT)
    assert (await _archive(world, video))["kind"] == "wait"
    del world.provider.files[Variant.THUMBNAIL]
    world.provider.files[Variant.VIDEO] = Outcome(Kind.MISSING)
    assert (await _archive(world, video, attempt=1))["kind"] == "done"


@pytest.mark.parametrize("kind", [Kind.MISSING, Kind.REFUSED, Kind.RETIRED])
async def test_a_picture_that_is_not_to_be_had_does_not_cost_the_video(kind: Kind) -> None:
    world = World()
    video = await rendered(world)
    world.provider.files[Variant.THUMBNAIL] = Outcome(kind, code="gone")
    assert (await _archive(world, video))["kind"] == "done"
    files = (await world.record(video.id)).files
    assert set(files) == set(Variant)
    made = world.files.files[files[Variant.THUMBNAIL].blob]
    assert (made[8:12], files[Variant.THUMBNAIL].content_type) == (b"WEBP", "image/webp")


async def test_a_picture_is_given_up_after_some_tries_even_when_time_is_over() -> None:
    world = World()
    video = await rendered(world)
    world.provider.files[Variant.SPRITESHEET] = Outcome(Kind.TRANSIENT)
    world.now += 90_000
    for attempt in range(5):
        assert (await _archive(world, video, attempt))["kind"] == "wait"
    assert (await _archive(world, video, 5))["kind"] == "done"


async def test_a_video_that_can_not_be_fetched_is_given_up_after_its_time() -> None:
    world = World()
    video = await rendered(world)
    world.provider.files[Variant.VIDEO] = Outcome(Kind.TRANSIENT, code="provider_error")
    world.now += 3000
    assert (await _archive(world, video))["kind"] == "wait"
    world.now += 1000
    step = await _archive(world, video)
    assert step["kind"] == "stop"
    assert step["error"]["code"] == "archive_failed"


async def test_a_video_that_the_provider_lost_is_expired() -> None:
    world = World()
    video = await rendered(world)
    world.provider.files[Variant.VIDEO] = Outcome(Kind.MISSING)
    step = await _archive(world, video, attempt=50)
    assert step["kind"] == "stop"
    assert step["error"]["code"] == "expired"


async def test_a_crash_at_any_call_ends_in_the_same_files() -> None:
    whole = World()
    await _archive(whole, await rendered(whole))
    place = 0
    while True:
        place += 1
        world = World()
        video = await rendered(world)
        passed = 0

        async def crash(name: str, place: int = place) -> None:
            nonlocal passed
            passed += 1
            if passed == place:
                raise Crash

        world.go_wrong(crash)
        try:
            await _archive(world, video)
        except Crash:
            step = await _archive(world, video)
            assert step["kind"] == "done"
        else:
            break
        assert sorted(n.rpartition("/")[2] for n in world.files.files) == sorted(
            n.rpartition("/")[2] for n in whole.files.files
        )
        assert set((await world.record(video.id)).files) == set(Variant)
    assert place > 10
