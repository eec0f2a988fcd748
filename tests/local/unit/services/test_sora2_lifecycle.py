"""A video's way through simulated time."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.local.unit.services.simulator import START, VIDEOS, Simulator


async def test_progress_jumps_from_queued_to_completed(simulator: Simulator) -> None:
    video = await simulator.make("a cat [sim render=100]")
    assert (video["status"], video["progress"]) == ("queued", 0)
    assert (video["completed_at"], video["expires_at"], video["error"]) == (None, None, None)
    seen = []
    for _ in range(10):
        simulator.wait(10)
        now = await simulator.show(video["id"])
        seen.append((now["status"], now["progress"]))
    assert [progress for _, progress in seen] == [0, 10, 10, 45, 45, 45, 72, 72, 99, 100]
    assert {status for status, _ in seen} == {"in_progress", "completed"}
    assert now["completed_at"] == START + 100
    assert now["expires_at"] == START + 86_400


async def test_speed_shortens_everything_but_wire_times_stay_real(
    make_simulator: Callable[..., Simulator],
) -> None:
    simulator = make_simulator(speed=60, unlimited=True)
    video = await simulator.make("a cat [sim render=60]")
    simulator.wait(1)
    now = await simulator.show(video["id"])
    assert now["status"] == "completed"
    assert (now["created_at"], now["completed_at"]) == (START, START + 1)
    assert now["expires_at"] == START + 1440
    simulator.wait(1438.9)
    assert (await simulator.show(video["id"]))["status"] == "completed"
    simulator.wait(0.2)
    assert (await simulator.http.get(f"{VIDEOS}/{video['id']}")).status_code == 404
    assert (await simulator.http.get(f"{VIDEOS}/{video['id']}/content")).status_code == 404
    assert (await simulator.http.get(VIDEOS)).json()["data"] == []
    (job,) = (await simulator.http.get("/_inspect/jobs")).json()
    assert (job["status"], job["expired"], job["deleted"]) == ("expired", True, False)


async def test_longer_and_larger_takes_more_time(simulator: Simulator) -> None:
    for _ in range(3):
        await simulator.make("a cat")
        await simulator.make("a cat", seconds="12")
        await simulator.make("a cat", model="sora-2-pro", size="1792x1024")
    jobs = (await simulator.http.get("/_inspect/jobs")).json()
    took = [job["due_sim"] - job["created_sim"] for job in jobs]
    assert all(51 <= seconds <= 69 for seconds in took[::3])
    assert all(took[n] < min(took[n + 1], took[n + 2]) for n in (0, 3, 6))


@pytest.mark.parametrize(
    ("prompt", "status", "code"),
    [
        ("[sim render=9 outcome=failed]", "failed", "internal_error"),
        ("[sim render=9 outcome=failed error=video_too_odd]", "failed", "video_too_odd"),
        ("something moderated [sim render=9]", "failed", "moderation_blocked"),
        ("[sim render=9 outcome=moderated]", "failed", "moderation_blocked"),
        ("[sim render=9 outcome=cancelled]", "cancelled", None),
        ("[sim render=9 outcome=expired]", "expired", None),
        ("[sim render=9 outcome=stuck]", "in_progress", None),
    ],
)
async def test_a_prompt_can_choose_its_end(
    simulator: Simulator, prompt: str, status: str, code: str | None
) -> None:
    video = await simulator.make(prompt)
    simulator.wait(8)
    assert (await simulator.show(video["id"]))["status"] == "in_progress"
    simulator.wait(500)
    now = await simulator.show(video["id"])
    assert now["status"] == status
    assert (now["error"] or {}).get("code") == code
    assert (await simulator.http.get(f"{VIDEOS}/{video['id']}/content")).status_code == 404


async def test_a_vanished_video_is_404_from_then_on(simulator: Simulator) -> None:
    video = await simulator.make("[sim render=9 outcome=vanished]")
    await simulator.show(video["id"])
    simulator.wait(10)
    assert (await simulator.http.get(f"{VIDEOS}/{video['id']}")).status_code == 404


async def test_the_clock_can_be_moved(simulator: Simulator) -> None:
    video = await simulator.make("a cat [sim render=3000]")
    await simulator.http.post("/_inspect/clock", json={"advance": 3000})
    assert (await simulator.show(video["id"]))["status"] == "completed"


async def test_only_ended_videos_can_be_deleted(simulator: Simulator) -> None:
    video = await simulator.make("a cat [sim render=10]")
    one = f"{VIDEOS}/{video['id']}"
    assert (await simulator.http.delete(one)).status_code == 400
    simulator.wait(10)
    assert (await simulator.http.delete(one)).json() == {
        "id": video["id"],
        "object": "video.deleted",
        "deleted": True,
    }
    assert (await simulator.http.delete(one)).status_code == 404
    (job,) = (await simulator.http.get("/_inspect/jobs")).json()
    assert job["deleted"]


async def test_a_restart_changes_nothing(make_simulator: Callable[..., Simulator]) -> None:
    simulator = make_simulator(speed=10, unlimited=True)
    before = await simulator.make("a cat [sim render=100 label=x]")
    simulator.wait(4)
    middle = await simulator.show(before["id"])
    await simulator.restart()
    assert await simulator.show(before["id"]) == middle
    simulator.wait(6)
    assert (await simulator.show(before["id"]))["completed_at"] == START + 10


async def test_equal_requests_are_encoded_once(simulator: Simulator) -> None:
    for n in range(20):
        await simulator.make(f"prompt {n} [sim label=same]")
    await simulator.make("another")
    assert [spec.caption for spec in simulator.encoded] == ["same", "another"]


async def test_derived_videos_need_a_completed_source(simulator: Simulator) -> None:
    video = await simulator.make("a cat [sim render=10]", seconds="8")
    remix = f"{VIDEOS}/{video['id']}/remix"
    assert (await simulator.http.post(remix, json={"prompt": "x"})).status_code == 400
    simulator.wait(10)
    answer = await simulator.http.post(remix, json={"prompt": "at night"})
    assert answer.json()["remixed_from_video_id"] == video["id"]
    reference = {"prompt": "go on", "video": {"id": video["id"]}}
    edited = await simulator.http.post(f"{VIDEOS}/edits", json=reference)
    assert edited.json()["seconds"] == "8"
    extended = await simulator.http.post(f"{VIDEOS}/extensions", json=reference | {"seconds": "20"})
    assert extended.json()["seconds"] == "28"
    await simulator.services.library.wait_until_idle()
    assert simulator.encoded[1].note == f"remix of {video['id']}"


async def test_content_can_be_asked_for_in_parts(simulator: Simulator) -> None:
    video = await simulator.make("a cat [sim render=0 bytes=1000]")
    content = f"{VIDEOS}/{video['id']}/content"
    whole = await simulator.http.get(content)
    assert whole.headers["content-length"] == "1000"
    assert whole.headers["content-type"] == "video/mp4"
    assert whole.content[100:116] == b"\0\0\0\1free" + (900).to_bytes(8, "big")
    for asked, first, last in (
        ("0-4", 0, 4),
        ("95-104", 95, 104),
        ("-3", 997, 999),
        ("990-", 990, 999),
    ):
        part = await simulator.http.get(content, headers={"Range": f"bytes={asked}"})
        assert part.status_code == 206
        assert part.headers["content-range"] == f"bytes {first}-{last}/1000"
        assert part.content == whole.content[first : last + 1]
    beyond = await simulator.http.get(content, headers={"Range": "bytes=1000-"})
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, "bytes */1000")
    other = await simulator.http.get(
        content, headers={"Range": "bytes=0-1", "If-Range": '"another"'}
    )
    assert other.status_code == 200


async def test_a_variant_can_be_missing(simulator: Simulator) -> None:
    video = await simulator.make("a cat [sim render=0 variants=video,thumbnail]")
    content = f"{VIDEOS}/{video['id']}/content"
    for variant, status in (("thumbnail", 200), ("spritesheet", 404), ("poster", 400)):
        answer = await simulator.http.get(content, params={"variant": variant})
        assert answer.status_code == status


async def test_prompts_can_be_left_out_of_answers(simulator: Simulator) -> None:
    await simulator.http.patch("/_inspect/settings", json={"hide_prompts": True})
    assert "prompt" not in await simulator.make("a cat")
