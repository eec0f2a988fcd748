"""Outages of whole parts, and videos that are ended from outside, on one stack with quotas."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest

from tests.e2e.checks import assert_delivered, assert_ended_once, assert_failed
from tests.e2e.durable import quota_state, terminate
from tests.pictures import png
from tests.stack import PartName, RunningStack, running_stack

_SETTINGS = {"DAILIES_SUBMIT_TIMEOUT_SECONDS": "5", "DAILIES_ENFORCE_QUOTA": "true"}
_LABEL = "[sim label=outage]"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """A stack of its own: these tests break what others stand on."""
    with running_stack(tmp_path_factory.mktemp("outages"), settings=_SETTINGS) as running:
        yield running


@contextmanager
def _frozen(pid: int) -> Iterator[None]:
    """A process that takes connections and answers nothing."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def _wait_for_job(stack: RunningStack, prompt: str) -> dict[str, Any]:
    return stack.wait_until(lambda: stack.jobs(prompt), what=f"a job of {prompt}")[0]


def _wait_for_phase(stack: RunningStack, video: dict[str, Any], phase: str) -> None:
    stack.wait_until(lambda: stack.video(video["id"])["phase"] == phase, what=f"phase {phase}")


@pytest.mark.parametrize("part", ["worker", "host", "services"])
def test_a_video_outlives_what_makes_it(stack: RunningStack, part: PartName) -> None:
    prompt = f"a train crosses a viaduct, the {part} dies"
    video = stack.create(f"{prompt} {_LABEL}")
    _wait_for_job(stack, prompt)
    stack.wait_restarted(part, stack.kill(part))
    assert_delivered(stack, stack.wait_for(video))
    assert len(stack.jobs(prompt)) == 1


def test_a_provider_that_refuses_connections(stack: RunningStack) -> None:
    killed = stack.kill("services")
    video = stack.create(f"nobody listens {_LABEL}")
    stack.wait_restarted("services", killed)
    assert_delivered(stack, stack.wait_for(video))
    assert len(stack.jobs("nobody listens")) == 1


def test_the_list_is_unavailable_while_a_lost_request_is_looked_for(stack: RunningStack) -> None:
    stack.faults.add("create", "lost", match="no list")
    stack.faults.add("list", "status", status=503, times=3)
    video = stack.create(f"no list {_LABEL}")
    assert_delivered(stack, stack.wait_for(video))
    assert len(stack.jobs("no list")) == 1
    assert stack.simulator.get("/_inspect/faults").json() == []


def test_a_topic_that_is_down_delays_events_and_nothing_else(stack: RunningStack) -> None:
    stack.faults.add("events", "status", status=503, times=None)
    begun = time.monotonic()
    video = stack.wait_for(stack.create(f"nobody hears {_LABEL}"))
    assert video["status"] == "completed"
    assert time.monotonic() - begun < 30
    assert stack.events(video["id"]) == []
    stack.faults.clear()
    assert_delivered(stack, video)
    for kind in ("accepted", "submitted"):
        assert stack.wait_for_event(video["id"], kind)


def test_an_event_whose_answer_is_lost_keeps_its_id(stack: RunningStack) -> None:
    stack.faults.add("events", "lost", match="who-hears-twice", times=2)
    video = stack.wait_for(stack.create(f"twice {_LABEL}", user="who-hears-twice"))
    assert_delivered(stack, video)
    accepted = stack.events(video["id"], "accepted")
    assert len(accepted) >= 2
    assert len({event["id"] for event in accepted}) == 1


def test_storage_that_hangs_is_a_503_in_time_and_costs_no_video(stack: RunningStack) -> None:
    running = stack.create(f"under way while storage hangs {_LABEL}")
    with _frozen(stack.pids()["azurite"]):
        begun = time.monotonic()
        answer = stack.api.post(
            "/v1/videos",
            json={"model": "sora-2", "prompt": f"asked while storage hangs {_LABEL}"},
            headers={"Idempotency-Key": "hanging"},
        )
        assert time.monotonic() - begun < 20
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.json()["error"]["code"] == "storage_unavailable"
    again = stack.create(f"asked while storage hangs {_LABEL}", key="hanging")
    assert_delivered(stack, stack.wait_for(again))
    assert_delivered(stack, stack.wait_for(running))
    assert len(stack.jobs("asked while storage hangs")) == 1
    assert len(stack.jobs("under way while storage hangs")) == 1


def test_azurite_stopped_and_started_again(stack: RunningStack) -> None:
    videos = [stack.create(f"storage restarts, {n} {_LABEL}") for n in range(3)]
    stack.drop("restarts.png", png(3), {"prompt": f"storage restarts, dropped {_LABEL}"})
    _wait_for_job(stack, "storage restarts, 0")
    pid = stack.pids()["azurite"]
    os.kill(pid, signal.SIGTERM)
    stack.wait_restarted("azurite", pid)
    for video in videos:
        assert_delivered(stack, stack.wait_for(video))
    _wait_for_job(stack, "storage restarts, dropped")
    assert len(stack.jobs("storage restarts")) == 4


def test_a_terminated_orchestration_is_a_cancelled_video(stack: RunningStack) -> None:
    prompt = "terminated while it renders"
    video = stack.create(f"{prompt} [sim label=outage render=600]")
    job = _wait_for_job(stack, prompt)
    terminate(stack, video["id"])
    ended = stack.wait_for(video)
    assert ended["phase"] == "cancelled"
    assert_failed(stack, ended, "cancelled")
    assert _told_to_stop(stack, job["id"])


def test_terminated_while_its_request_is_under_way(stack: RunningStack) -> None:
    prompt = "terminated while it is sent"
    stack.faults.add("create", "hold", seconds=3, match=prompt)
    video = stack.create(f"{prompt} [sim label=outage render=600]")
    _wait_for_phase(stack, video, "submitting")
    terminate(stack, video["id"])
    assert_failed(stack, stack.wait_for(video), "cancelled")
    job = _wait_for_job(stack, prompt)
    stack.wait_until(lambda: _told_to_stop(stack, job["id"]), what="job is stopped")
    assert len(stack.jobs(prompt)) == 1


_PHASES = pytest.mark.parametrize("phase", ["waiting", "submitting", "rendering", "archiving"])


def _held_in(stack: RunningStack, phase: str, prompt: str) -> dict[str, Any]:
    """A video that is in this phase for a while."""
    match phase:
        case "waiting":
            stack.faults.add("create", "status", status=429, times=None, match=prompt)
        case "submitting":
            stack.faults.add("create", "hold", seconds=2, match=prompt)
        case "archiving":
            stack.faults.add("content", "status", status=503, times=None, match=prompt)
    render = 600 if phase in ("submitting", "rendering") else 30
    video = stack.create(f"{prompt} [sim label=outage render={render}]")
    _wait_for_phase(stack, video, phase)
    return video


def _assert_stopped_upstream(stack: RunningStack, phase: str, prompt: str) -> None:
    for job in stack.jobs(prompt):
        assert _told_to_stop(stack, job["id"])
    assert len(stack.jobs(prompt)) == (0 if phase == "waiting" else 1)
    stack.faults.clear()


@_PHASES
def test_cancelled_in_each_phase(stack: RunningStack, phase: str) -> None:
    prompt = f"cancelled while {phase}"
    video = _held_in(stack, phase, prompt)
    answer = stack.api.post(f"/v1/videos/{video['id']}/cancel")
    assert answer.is_success, answer.text
    ended = stack.wait_for(video)
    assert ended["phase"] == "cancelled"
    assert_ended_once(stack, ended)
    _assert_stopped_upstream(stack, phase, prompt)
    # The simulator stops no running job, as Azure: it will be paid for. One that is complete is.
    cost = {"waiting": (0, False), "archiving": (0.4, False)}.get(phase, (0.4, True))
    assert (ended["cost_usd"], ended["cost_is_estimate"]) == cost


@_PHASES
def test_deleted_in_each_phase(stack: RunningStack, phase: str) -> None:
    prompt = f"deleted while {phase}"
    video = _held_in(stack, phase, prompt)
    answer = stack.api.delete(f"/v1/videos/{video['id']}")
    assert answer.json()["deleted"]
    for path in ("", "/content"):
        gone = stack.api.get(f"/v1/videos/{video['id']}{path}")
        assert (gone.status_code, gone.json()["error"]["code"]) == (404, "video_deleted")
    listed = stack.api.get("/v1/videos", params={"limit": 100}).json()["data"]
    assert video["id"] not in {other["id"] for other in listed}
    stack.wait_for_event(video["id"], "deleted")
    kinds = [event["type"].rpartition(".")[2] for event in stack.events(video["id"])]
    assert kinds[-2:] == ["cancelled", "deleted"]
    _assert_stopped_upstream(stack, phase, prompt)
    files = stack.blobs.get_container_client("videos").list_blob_names(name_starts_with=video["id"])
    assert list(files) == []


def test_deleted_while_the_host_dies(stack: RunningStack) -> None:
    prompt = "deleted and then the host dies"
    video = _held_in(stack, "rendering", prompt)
    assert stack.api.delete(f"/v1/videos/{video['id']}").is_success
    stack.wait_restarted("host", stack.kill("host"))
    stack.wait_for_event(video["id"], "deleted", within=90)
    _assert_stopped_upstream(stack, "rendering", prompt)


def test_a_result_that_expires_before_it_could_be_fetched(stack: RunningStack) -> None:
    prompt = "fetched too late"
    stack.faults.add("content", "status", status=503, times=None, match=prompt)
    video = stack.create(f"{prompt} {_LABEL}")
    _wait_for_phase(stack, video, "archiving")
    stack.simulator.post("/_inspect/clock", json={"advance": 90_000}).raise_for_status()
    stack.faults.clear()
    assert_failed(stack, stack.wait_for(video), "expired")
    assert len(stack.jobs(prompt)) == 1


def test_nothing_holds_quota_in_the_end(stack: RunningStack) -> None:
    """Runs last: every way in which a video can end has been gone by now."""

    def released() -> bool:
        state = quota_state(stack, "azure-sora-2")
        return not state["leases"] and not state["queue"]

    stack.wait_until(released, what="all leases are given back")


def _told_to_stop(stack: RunningStack, job_id: str) -> bool:
    requests = stack.simulator.get("/_inspect/requests").raise_for_status().json()
    return bool(requests["by_job"].get(job_id, {}).get("delete"))


def test_a_batch_goes_on_whatever_dies_and_makes_each_shot_once(stack: RunningStack) -> None:
    shots = [{"prompt": f"batched, number {n}. {_LABEL}", "seconds": "4"} for n in range(8)]
    body = {"shots": shots, "defaults": {"model": "sora-2"}, "max_in_progress": 4}
    ordered = stack.api.post("/v1/video_batches", json=body).raise_for_status().json()
    begun = 0
    for part in ("worker", "host"):
        stack.wait_until(partial(_more_jobs, stack, "batched", begun), what="a shot is begun")
        begun = len(stack.jobs("batched"))
        stack.wait_restarted(part, stack.kill(part))

    def ended() -> dict[str, Any] | None:
        answer = stack.api.get(f"/v1/video_batches/{ordered['id']}")
        batch: dict[str, Any] = answer.json() if answer.is_success else {}
        return batch if batch.get("status") == "completed" else None

    batch = stack.wait_until(ended, within=240, what="the end of the batch")
    assert batch["counts"]["completed"] == 8
    for n in range(8):
        assert len(stack.jobs(f"batched, number {n}.")) == 1
    told = [event["id"] for event in stack.events() if event["type"] == "dailies.batch.completed"]
    assert set(told) == {f"{ordered['id']}.completed"}


def _more_jobs(stack: RunningStack, prompt: str, before: int) -> bool:
    return len(stack.jobs(prompt)) > before
