"""Record histories of orchestrators: ``python -m tests.orchestrations.record NAME …``.

Instances in flight survive an upgrade only when the new code gives the actions that the old one
gave. So each version of an orchestrator has its histories in ``histories/``, which every later code
must replay. Record a version while it is being written, and never again once it was deployed: a
changed sequence of yields is a new version, beside the old one.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from dailies.engine import Doing, QuotaRequest, ask, done, hold, stop, wait
from dailies.video.basics import VideoError
from tests.orchestrations.replay import Engine
from tests.orchestrations.scripts import (
    FAULT,
    QUOTA,
    VIDEO,
    fill,
    generate,
    life,
    rendered,
    rendering,
    script,
)
from tests.orchestrations.wire import Generation

__all__ = ["HISTORIES", "load"]

HISTORIES = Path(__file__).parent / "histories"
_OTHER: QuotaRequest = {**QUOTA, "deployment": "spare"}
_REFUSED = stop(VideoError("moderation_blocked", "Change the prompt."))


def load(path: Path) -> list[Generation]:
    """The recorded generations of one orchestrator."""
    return [Generation.load(document) for document in json.loads(path.read_text("utf-8"))]


def _eventful() -> Engine:
    """A video that meets everything: quota, faults, waits, wakes, continue-as-new."""
    hub = life(
        {**ask(QUOTA), "doing": Doing.SUBMITTING, "attempt": 0},
        {**wait(0), "doing": Doing.SUBMITTING, "attempt": 0},
        FAULT,
        {**wait(5), "doing": Doing.SUBMITTING, "attempt": 2},
        {**ask(_OTHER), "doing": Doing.SUBMITTING, "attempt": 3},
        {**hold(5), "doing": Doing.SUBMITTING, "attempt": 4},
        *[rendering(5, attempt) for attempt in range(8)],
        FAULT,
        rendered("spare"),
        {**wait(5), "doing": Doing.ARCHIVING, "attempt": 1},
        {**wait(5), "doing": Doing.FINISHING, "attempt": 1},
    )
    fill(hub, QUOTA)
    hub.raise_event(VIDEO, "wake", at=hub.now + 30)
    hub.raise_event(VIDEO, "wake", at=hub.now + 180)
    generate(hub, has_reference=True, quota=QUOTA)
    return hub


def _refused() -> Engine:
    hub = life({**done(), "error": _REFUSED["error"]})
    generate(hub, quota=QUOTA)
    return hub


def _drops(orchestrator: str) -> Iterator[Engine]:
    rejection = {"code": "missing_prompt", "message": "Write one.", "where": "a.png"}
    ways: list[tuple[list[Any], bool]] = [
        ([{"kind": "accepted", "video_id": VIDEO}], False),
        ([FAULT, {"kind": "waiting"}, {"kind": "accepted", "video_id": VIDEO}], True),
        ([{"kind": "waiting"}, {"kind": "rejected", "rejection": rejection}], False),
        ([*[{"kind": "waiting"}] * 2, {"kind": "rejected", "rejection": rejection}], True),
    ]
    if orchestrator == "accept_drop_v1":  # recorded before the last of these ways was possible
        ways.pop()
    for answers, wake in ways:
        hub = Engine({"accept_drop": script(*answers), "reject_drop": script(None)})
        if wake:
            hub.raise_event("drop_1", "wake", at=hub.now + 10)
        drop = {"blob": "a.png", "etag": "0x1"}
        payload = {"drop": drop, "wait_seconds": 60.0, "retry_seconds": 5.0}
        hub.run(orchestrator, payload, "drop_1")
        yield hub


def _batches() -> Iterator[Engine]:
    """Turns with and without pauses, a fault, somebody who wakes it, and a second generation."""
    waits = [{"kind": "wait", "seconds": 5.0}] * 8
    hub = Engine(
        {"tend_batch": script({"kind": "wait", "seconds": 0.0}, FAULT, *waits, {"kind": "rest"})}
    )
    hub.raise_event("batch_1", "wake", at=hub.now + 12)
    payload = {"id": "batch_1", "owner": "alice", "traceparent": None, "retry_seconds": 5.0}
    hub.run("run_batch_v1", payload, "batch_1")
    yield hub
    rejection = {"code": "invalid_batch", "message": "Line 1: …", "where": "batch.jsonl"}
    for answers in (
        [FAULT, *[{"kind": "waiting"}] * 11, {"kind": "accepted", "video_id": "batch_1"}],
        [{"kind": "rejected", "rejection": rejection}],
    ):
        hub = Engine({"accept_drop": script(*answers), "reject_drop": script(None)})
        drop = {"blob": "batch.jsonl", "etag": "0x1"}
        dropped = {"drop": drop, "wait_seconds": 100.0, "retry_seconds": 5.0}
        hub.run("accept_batch_v1", dropped, "drop_1")
        yield hub


def _deliveries() -> Engine:
    """Pauses and the end, a fault, and somebody who comes while it lingers."""
    waits = [{"kind": "wait", "seconds": seconds} for seconds in (0.0, 30.0)]
    hub = Engine({"deliver_webhooks": script(*waits, FAULT, *[done()] * 3)})
    hub.raise_event("webhooks", "wake", at=hub.now + 50)
    hub.run("deliver_webhooks_v1", {}, "webhooks")
    return hub


def main(names: Sequence[str]) -> None:
    """Write the histories of these orchestrators as they are now."""
    hubs = [_eventful(), _refused(), *_drops("accept_drop_v1"), *_drops("accept_drop_v2")]
    hubs += [*_batches(), _deliveries()]
    generations = [generation for hub in hubs for generation in hub.generations]
    generations.sort(key=lambda generation: generation.orchestrator)
    HISTORIES.mkdir(exist_ok=True)
    for name, group in groupby(generations, key=lambda generation: generation.orchestrator):
        if name not in names:
            continue
        documents = [generation.document() for generation in group]
        text = json.dumps(documents, indent=1, ensure_ascii=False) + "\n"
        (HISTORIES / f"{name}.json").write_text(text, "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
