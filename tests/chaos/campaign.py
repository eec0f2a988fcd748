"""A campaign from its beginning to its verdict."""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from tests.chaos.books import Books, open_books, read_books
from tests.chaos.clients import UNTOLD, Ledger, place_orders
from tests.chaos.judge import collect, misses, settle
from tests.chaos.killer import Killer
from tests.chaos.operator import operator_on_duty
from tests.chaos.pair import THERE, OtherServer, other_server
from tests.chaos.plan import PAIR, draw_orders
from tests.e2e.durable import longest_history
from tests.stack import RunningStack, running_stack

__all__ = ["SETTINGS", "Verdict", "campaign_on", "run_campaign"]

_SPEED = 60.0
# Held requests must end within the first; what is not found is sent again after twice as long. No
# render is stuck: on a machine that is busy with kills, encoding may take its time.
SETTINGS = {
    "DAILIES_SUBMIT_TIMEOUT_SECONDS": "5",
    "DAILIES_VIDEO_DEADLINE_SECONDS": "1800",
    "DAILIES_CALLBACK_WAIT_SECONDS": "15",
}
_MOST_HISTORY = 100


@dataclass(frozen=True)
class Verdict:
    """What a campaign did and what it found; ``misses`` is empty when every promise was kept."""

    seed: int
    seconds: float
    ways: Counter[str]
    kills: Counter[str]
    outcomes: Counter[str]
    answers: Counter[str]
    adopted: int | None
    """Jobs found again; None where the app's log is not ours to read."""
    decided: Counter[str]
    moved: int
    """Videos that were made in the second place, as the first had gone bad."""
    longest_history: int
    books: Books
    misses: list[str]

    def table(self) -> str:
        """The report."""
        rows = [("seed", str(self.seed)), ("seconds", f"{self.seconds:.0f}")]
        rows += [(f"ordered: {way}", str(count)) for way, count in sorted(self.ways.items())]
        rows += [(f"killed: {what}", str(count)) for what, count in sorted(self.kills.items())]
        rows += [(f"callers got: {what}", str(n)) for what, n in sorted(self.answers.items())]
        if self.adopted is not None:
            rows += [("jobs found again after a kill", str(self.adopted))]
        rows += [(f"an operator said: {what}", str(n)) for what, n in sorted(self.decided.items())]
        rows += [(f"ended: {what}", str(count)) for what, count in sorted(self.outcomes.items())]
        rows += [("made by the other deployment", str(self.moved))]
        rows += [("longest history of an instance", str(self.longest_history))]
        rows += [("spent, in cents", f"{self.books.spent / 10_000:.0f}")]
        rows += [("still held, in cents", f"{self.books.held / 10_000:.0f}")]
        rows += [("broken promises", str(len(self.misses)))]
        width = max(len(name) for name, _ in rows)
        lines = [f"| {name:<{width}} | {value:>7} |" for name, value in rows]
        lines.insert(0, f"| {'what':<{width}} | {'number':>7} |\n|{'-' * (width + 2)}|{'-' * 9}|")
        return "\n".join([*lines, *(f"MISS {miss}" for miss in self.misses)])


def run_campaign(
    state_dir: Path, *, videos: int, kills: int, seed: int, settle_within: float = 180
) -> Verdict:
    """Order ``videos`` and kill ``kills`` times meanwhile; the stack is ended afterwards."""
    with (
        other_server(state_dir / "other") as other,
        running_stack(
            state_dir / "stack", speed=_SPEED, settings={**SETTINGS, **other.settings}
        ) as stack,
    ):
        verdict = campaign_on(
            stack, other, videos=videos, kills=kills, seed=seed, settle_within=settle_within
        )
        log = (state_dir / "stack" / "logs" / "host.log").read_text(errors="replace")
    return replace(verdict, adopted=log.count('"event": "job_adopted"'))


def campaign_on(
    stack: RunningStack,
    other: OtherServer | None = None,
    *,
    videos: int,
    kills: int,
    seed: int,
    settle_within: float = 180,
) -> Verdict:
    """The campaign on a stack that runs, fresh and with ``SETTINGS``; it is left running.

    Args:
        other: the second place of the model that has two; without it that model is not asked for.
    """
    orders = draw_orders(videos, seed)
    if other is None:
        orders = [replace(o, model="sora-2") if o.model == PAIR else o for o in orders]
    ledger, gate = Ledger(), threading.Semaphore(0)
    decided: list[str] = []
    begun = time.monotonic()
    # At this speed an hour is less than what a host that is killed again and again is away.
    given = {"untold_blobs": f"{UNTOLD}/", "results_kept": 80_000}
    stack.simulator.patch("/_inspect/settings", json=given).raise_for_status()
    open_books(stack)
    killer = Killer(stack, ledger, gate, orders=videos, kills=kills, seed=seed)
    with operator_on_duty(stack, decided):
        half_way = partial(other.spoil_the_first, stack) if other is not None else _nothing
        with place_orders(stack, orders, ledger, gate, half_way=half_way) as placed:
            killer.run(placed)
        settle(stack, ledger.placed, within=settle_within)
    evidence = collect(stack, () if other is None else other.jobs())
    longest = longest_history(stack)
    found = misses(ledger.placed, evidence)
    if longest > _MOST_HISTORY:
        found.append(f"an instance has {longest} events of history")
    every = [video for videos_ in evidence.videos.values() for video in videos_]
    books, wrong = read_books(stack, every)
    found += wrong
    return Verdict(
        seed=seed,
        seconds=time.monotonic() - begun,
        ways=Counter(entry.order.way.value for entry in ledger.placed),
        kills=killer.counts,
        outcomes=Counter(video["status"] for video in every),
        answers=Counter(answer for entry in ledger.placed for answer in entry.answers),
        adopted=None,
        decided=Counter(decided),
        moved=sum(video["deployment"] == THERE for video in every),
        longest_history=longest,
        books=books,
        misses=found,
    )


def _nothing() -> None:
    """There is no other place."""
