"""Sora 1, whole: its own protocol, inputs, variants and quota, on the stack."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import pytest

from dailies.protocols.sora1.ids import video_of_job
from tests.e2e.simulator import running_simulator
from tests.media import write_clip, write_picture
from tests.patience import PATIENCE
from tests.stack import RunningStack, running_stack

KEY = "key-of-another-resource"
QUICKSTART = Path(__file__).parent / "quickstart"
MODES = ("text", "image", "video")
JOBS = "/openai/v1/video/generations/jobs?api-version=preview"


@dataclass(frozen=True)
class Run:
    """What one run of the quickstart came to."""

    output: str
    video: bytes

    @property
    def lines(self) -> list[str]:
        """What it printed, without ids, times and the statuses that it happened to see."""
        text = re.sub(r"(task|gen)_\w+", r"\1_ID", self.output)
        text = re.sub(r"'(created_at|expires_at|finished_at)': (\d+|None)", r"'\1': TIME", text)
        return [line for line in text.splitlines() if not line.startswith("Job status:")]


def _run(mode: str, endpoint: str, key: str, directory: Path) -> Run:
    """Run the quickstart of the documentation, unchanged, as its reader would."""
    directory.mkdir()
    write_picture(directory / "dog_swimming.jpg")
    write_clip(directory / "dog_swimming.mp4")
    done = subprocess.run(
        [sys.executable, str(QUICKSTART / f"{mode}.py.txt")],
        cwd=directory,
        env={
            **{name: value for name, value in os.environ.items() if "proxy" not in name.lower()},
            "AZURE_OPENAI_ENDPOINT": endpoint,
            "AZURE_OPENAI_API_KEY": key,
            "AZURE_OPENAI_DEPLOYMENT_NAME": "sora",
        },
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return Run(done.stdout, (directory / "output.mp4").read_bytes())


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[tuple[str, str], Run]]:
    """The quickstart in each mode, at the app and straight at the server behind it."""
    base = tmp_path_factory.mktemp("quickstart")
    mine = {
        "AZURE_OPENAI_CREDENTIAL": "api-key",
        "AZURE_OPENAI_API_KEY": KEY,
        # Ten seconds at 1080p take a busy machine a minute to encode, which is real time.
        "DAILIES_VIDEO_DEADLINE_SECONDS": "600",
    }
    with (
        running_simulator(base / "other", KEY) as url,
        running_stack(base / "stack", "--sora-endpoint", url, settings=mine) as stack,
        ThreadPoolExecutor(6) as pool,
    ):
        targets = {"app": (stack.base_url, stack.api_key), "provider": (url, KEY)}
        running = {
            (name, mode): pool.submit(_run, mode, endpoint, key, base / f"{name}-{mode}")
            for mode in MODES
            for name, (endpoint, key) in targets.items()
        }
        yield {which: run.result() for which, run in running.items()}


@pytest.mark.parametrize("mode", MODES)
def test_the_quickstart_runs_unchanged_with_the_same_output(
    runs: dict[tuple[str, str], Run], mode: str
) -> None:
    ours, theirs = runs["app", mode], runs["provider", mode]
    assert ours.lines == theirs.lines
    assert hashlib.sha256(ours.video).digest() == hashlib.sha256(theirs.video).digest()


def _create(stack: RunningStack, **fields: Any) -> dict[str, Any]:
    answer = stack.api.post(JOBS, json={"model": "sora", "width": 480, "height": 480, **fields})
    assert answer.status_code == 201, answer.text
    job: dict[str, Any] = answer.json()
    return job


def _wait(stack: RunningStack, job: dict[str, Any], within: float = PATIENCE) -> dict[str, Any]:
    def ended() -> dict[str, Any] | None:
        found: dict[str, Any] = stack.api.get(f"{_path('jobs', job['id'])}").json()
        return found if found["status"] in ("succeeded", "failed", "cancelled") else None

    return stack.wait_until(ended, within=within, what=f"{job['id']} has ended")


def _video(stack: RunningStack, prompt: str) -> dict[str, Any]:
    """The video of that prompt, in the videos protocol."""
    videos = stack.api.get("/v1/videos?limit=100").json()["data"]
    [found] = [video for video in videos if video["prompt"] == prompt]
    assert isinstance(found, dict)
    return found


def _path(*parts: str) -> str:
    return "/".join(("/openai/v1/video/generations", *parts)) + "?api-version=preview"


def test_four_variants_are_one_job_one_event_and_four_videos(
    stack: RunningStack, tmp_path: Path
) -> None:
    prompt = "four cats on a piano"
    job = _wait(stack, _create(stack, prompt=prompt, n_seconds=1, n_variants=4))
    assert job["status"] == "succeeded", job
    assert len(stack.jobs(prompt)) == 1
    digests = set()
    for generation in job["generations"]:
        answer = stack.api.get(_path(generation["id"], "content", "video"), follow_redirects=True)
        path = tmp_path / f"{generation['id']}.mp4"
        path.write_bytes(answer.raise_for_status().content)
        digests.add(hashlib.sha256(answer.content).hexdigest())
        with av.open(str(path)) as video:
            assert [stream.type for stream in video.streams] == ["video"]
            picture = video.streams.video[0]
            assert (picture.width, picture.height) == (480, 480)
    assert len(digests) == 4
    [video_id] = [
        v["id"] for v in stack.api.get("/v1/videos").json()["data"] if v["prompt"] == prompt
    ]
    event = stack.wait_for_event(video_id, "completed")
    made = [generation["files"]["video"] for generation in event["data"]["generations"]]
    assert {file["sha256"] for file in made} == digests
    names = [file["url"].rpartition("/")[2] for file in made]
    assert names == ["video-1.mp4", "video-2.mp4", "video-3.mp4", "video-4.mp4"]
    assert len({e["id"] for e in stack.events(video_id, "completed")}) == 1
    for number, file in enumerate(made):
        content = stack.api.get(
            f"/v1/videos/{video_id}/content?variant_index={number}", follow_redirects=True
        ).content
        assert hashlib.sha256(content).hexdigest() == file["sha256"]


def test_head_tells_what_a_get_would_bring(stack: RunningStack) -> None:
    job = _wait(stack, _create(stack, prompt="a lamp", n_seconds=1))
    [generation] = job["generations"]
    for part, media in (("video", "video/mp4"), ("thumbnail", "image/jpg")):
        path = _path(generation["id"], "content", part)
        head, got = stack.api.head(path), stack.api.get(path, follow_redirects=True)
        assert head.status_code == got.status_code == 200
        assert int(head.headers["content-length"]) == len(got.content)
        assert head.headers["content-type"] == got.headers["content-type"] == media
        assert head.headers["accept-ranges"] == "bytes"
        assert head.headers["last-modified"].endswith("GMT")


def test_one_variant_is_all_that_1080p_gives(stack: RunningStack) -> None:
    body = {"model": "sora", "prompt": "x", "width": 1920, "height": 1080, "n_variants": 2}
    answer = stack.api.post(JOBS, json=body)
    assert answer.status_code == 400
    assert answer.json()["param"] == "n_variants"
    assert "must be 1 at 1920x1080" in answer.json()["message"]


def test_a_third_video_waits_for_one_of_two_places(tmp_path: Path) -> None:
    with running_stack(tmp_path / "stack", unlimited=False) as stack:
        prompts = [f"a queue, number {number}" for number in range(3)]
        jobs = [_create(stack, prompt=prompt, n_seconds=1) for prompt in prompts]
        assert [_wait(stack, job)["status"] for job in jobs] == ["succeeded"] * 3
        upstream = [job for prompt in prompts for job in stack.jobs(prompt)]
        assert len(upstream) == 3
        upstream.sort(key=lambda job: job["created_sim"])
        assert upstream[2]["created_sim"] >= min(job["due_sim"] for job in upstream[:2])


def test_a_dropped_clip_is_continued(stack: RunningStack, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", seconds=1, width=160, height=90).read_bytes()
    crop = {"left_fraction": 0.25, "right_fraction": 0.75}
    prompt = "the clip goes on"
    sidecar = {"model": "sora", "prompt": prompt, "seconds": 2, "crop_bounds": crop}
    stack.drop("clips/clip.mp4.json", json.dumps(sidecar).encode())
    stack.drop("clips/clip.mp4", clip)
    [job] = stack.wait_until(lambda: stack.jobs(prompt), what="the clip has a job upstream")
    assert (job["size"], job["seconds"]) == ("1280x720", "2")
    [reference] = job["references"]
    assert reference["sha256"] == hashlib.sha256(clip).hexdigest()
    assert stack.wait_for(_video(stack, prompt))["status"] == "completed"


def test_a_clip_that_is_too_long_is_rejected_with_its_remedy(
    stack: RunningStack, tmp_path: Path
) -> None:
    clip = write_clip(tmp_path / "long.mp4", seconds=6, width=64, height=64)
    metadata = {"prompt": "too long", "model": "sora"}
    stack.drop("long.mp4", clip.read_bytes(), metadata)

    def report() -> dict[str, Any] | None:
        with stack.blobs.get_blob_client("references", "long.mp4.error.json") as blob:
            return json.loads(blob.download_blob().readall()) if blob.exists() else None

    error = stack.wait_until(report, what="the clip was rejected")["error"]
    assert error["code"] == "video_too_long"
    assert "at most 5" in error["message"]


def test_an_image_at_a_frame_through_the_videos_protocol(
    stack: RunningStack, tmp_path: Path
) -> None:
    picture = write_picture(tmp_path / "picture.png").read_bytes()
    crop = {"left_fraction": 0.1, "top_fraction": 0, "right_fraction": 0.5, "bottom_fraction": 1}
    answer = stack.api.post(
        "/v1/videos",
        data={
            "model": "sora",
            "prompt": "a picture, late",
            "seconds": "2",
            "size": "480x480",
            "frame_index": "30",
            "crop_bounds": json.dumps(crop),
        },
        files={"input_reference": ("picture.png", picture, "image/png")},
    )
    video = stack.wait_for(answer.raise_for_status().json())
    assert video["status"] == "completed", video
    with stack.blobs.get_blob_client("videos", f"{video['id']}/manifest.json") as blob:
        manifest = json.loads(blob.download_blob().readall())
    [item] = manifest["request"]["inpaint"]
    assert (item["frame_index"], item["crop"]["right"]) == (30, 0.5)
    [job] = stack.jobs("a picture, late")
    assert job["references"][0]["sha256"] == hashlib.sha256(picture).hexdigest()


def test_a_moderated_job_fails_with_its_reason(stack: RunningStack) -> None:
    job = _wait(stack, _create(stack, prompt="[moderated] something", n_seconds=1))
    assert (job["status"], job["failure_reason"]) == ("failed", "output_moderation")
    assert job["generations"] == []


def test_a_job_that_is_deleted_while_it_runs_is_gone_here_and_upstream(
    stack: RunningStack,
) -> None:
    prompt = "a job that nobody waits for [sim render=600]"
    job = _create(stack, prompt=prompt, n_seconds=1)
    stack.wait_until(lambda: stack.jobs("nobody waits"), within=20, what="it runs")
    url = _path("jobs", job["id"])
    assert stack.api.delete(url).status_code == 204
    assert stack.api.get(url).status_code == 404
    assert stack.api.delete(url).status_code == 404
    listed = stack.api.get(JOBS).raise_for_status().json()["data"]
    assert job["id"] not in {other["id"] for other in listed}
    stack.wait_until(
        lambda: stack.jobs("nobody waits")[0]["deleted"], within=20, what="it is stopped upstream"
    )
    video_id = video_of_job(job["id"])
    assert video_id is not None
    stack.wait_for_event(video_id, "deleted")
    assert stack.wait_for_event(video_id, "cancelled")["data"]["cost_usd"] is None
