"""The operator: looks into the providers' own books and decides what is unresolved."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from tests.stack import RunningStack

__all__ = ["operator_on_duty"]

_PAUSE = 0.5


@contextmanager
def operator_on_duty(stack: RunningStack, decided: list[str]) -> Iterator[None]:
    """While it lasts, every unresolved video gets a true answer; notes each decision."""
    over = threading.Event()

    def work() -> None:
        while not over.wait(_PAUSE):
            # Whatever is dead just now is asked again.
            try:
                _decide(stack, decided)
            except httpx.HTTPError:
                continue

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _decide(stack: RunningStack, decided: list[str]) -> None:
    after: dict[str, str] = {}
    while True:
        answer = stack.api.get("/v1/videos", params={"limit": "100", **after})
        page = answer.raise_for_status().json()
        for video in page["data"]:
            if video["phase"] == "unresolved":
                _resolve(stack, video["id"], video["prompt"], decided)
        if not page["has_more"]:
            return
        after = {"after": page["last_id"]}


def _resolve(stack: RunningStack, video_id: str, prompt: str, decided: list[str]) -> None:
    jobs = stack.jobs(prompt)
    decision = {"decision": "adopt", "job_id": jobs[0]["id"]} if jobs else {"decision": "resend"}
    answer = stack.admin.post(f"/v1/admin/videos/{video_id}/resolve", json=decision)
    if answer.status_code == httpx.codes.OK:
        decided.append(decision["decision"])
