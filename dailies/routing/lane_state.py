"""What a lane remembers of those that run and wait at a deployment, and how it is stored as JSON.

A state that an earlier version has stored is read: entities outlive deployments of the app.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypedDict

__all__ = [
    "NOBODY",
    "RANKS",
    "Arrivals",
    "Flow",
    "Lane",
    "LaneState",
    "Lease",
    "Waiting",
    "empty",
    "rank_of",
]

NOBODY = ""
"""The owner of videos that do not say whose they are: those of before there were lanes."""

RANKS: Mapping[str, int] = {"high": 0, "normal": 1, "low": 2}
"""The order of priorities within an owner."""


class Waiting(NamedTuple):
    """A video that waits. Its fields are in the order that it is served by within its owner.

    ``since``: when it asked first. ``due``: when it was told to ask again.
    """

    rank: int
    since: float
    video: str
    due: float


class Lease(NamedTuple):
    """A video that runs: when its lease ends by itself, and since when it has it."""

    until: float
    since: float


class Flow(NamedTuple):
    """An owner's share, and the virtual time at which its next video is to start."""

    weight: float
    tag: float


class Arrivals(NamedTuple):
    """What has come of late: when it was counted last, over how many seconds, how many by how many
    rounds they were away, and an owner's own of these; see ``dailies.routing.overtaking``."""

    at: float
    seconds: float
    counts: list[float]
    own: dict[str, list[float]]


class LaneState(TypedDict):
    """A lane as JSON.

    ``sent``: when requests left, in the window. ``leases``: by video. ``queue``: by owner, in the
    order of service: the fields of ``Waiting`` as columns, since JSON of thousands of small lists
    takes twice the time. ``flows``: by owner; with ``virtual``, the state of the fair queueing.
    ``took``: how long the last renders took here. ``arrivals``: the fields of ``Arrivals``.
    """

    sent: list[float]
    leases: dict[str, Sequence[float]]
    queue: dict[str, list[Any]]
    flows: dict[str, Sequence[float]]
    virtual: float
    took: list[float]
    arrivals: Sequence[Any]


@dataclass
class Lane:
    """A lane's state, to be worked on; see ``LaneState``."""

    sent: list[float] = field(default_factory=list)
    leases: dict[str, Lease] = field(default_factory=dict)
    queue: dict[str, list[Waiting]] = field(default_factory=dict)
    flows: dict[str, Flow] = field(default_factory=dict)
    virtual: float = 0.0
    took: list[float] = field(default_factory=list)
    arrivals: Arrivals = field(default_factory=lambda: Arrivals(0.0, 0.0, [], {}))

    @classmethod
    def read(cls, state: Mapping[str, Any], window: float = 60.0) -> Lane:
        """The lane of a stored state; what an earlier version did not store is as in a new one.

        Args:
            window: in seconds, by which that one let a video be late.
        """
        queue = state["queue"]
        if not isinstance(queue, Mapping):
            before = (Waiting(1, since, video, until - window) for video, since, until in queue)
            queue = {NOBODY: _columns(sorted(before))} if queue else {}
        virtual = state.get("virtual", 0.0)
        flows = {owner: Flow(1.0, virtual) for owner in queue}
        flows |= {owner: Flow(*flow) for owner, flow in state.get("flows", {}).items()}
        return cls(
            sent=list(state["sent"]),
            leases={video: _lease(value) for video, value in state["leases"].items()},
            queue={owner: _rows(columns) for owner, columns in queue.items()},
            flows=flows,
            virtual=virtual,
            took=list(state.get("took", ())),
            arrivals=Arrivals(*state.get("arrivals", (0.0, 0.0, [], {}))),
        )

    def stored(self) -> LaneState:
        """The lane as JSON."""
        return {
            "sent": self.sent,
            "leases": dict(self.leases),
            "queue": {owner: _columns(entries) for owner, entries in self.queue.items()},
            "flows": dict(self.flows),
            "virtual": self.virtual,
            "took": self.took,
            "arrivals": list(self.arrivals),
        }

    @property
    def waiting(self) -> int:
        """How many videos wait."""
        return sum(map(len, self.queue.values()))

    def find(self, video: str) -> Waiting | None:
        """The video among those that wait."""
        for entries in self.queue.values():
            for entry in entries:
                if entry.video == video:
                    return entry
        return None

    def leave(self, video: str) -> None:
        """Take the video out of the queue."""
        for owner, entries in list(self.queue.items()):
            # A look first: a new list of thousands is made for one of them only.
            if any(entry.video == video for entry in entries):
                self.put(owner, [entry for entry in entries if entry.video != video])

    def put(self, owner: str, entries: list[Waiting]) -> None:
        """Make these the owner's waiting videos."""
        if entries:
            self.queue[owner] = entries
        else:
            self.queue.pop(owner, None)


def empty() -> LaneState:
    """The state of a deployment that nobody has used."""
    return Lane().stored()


def rank_of(priority: str) -> int:
    """The place of a priority; an unknown one is as ``normal``."""
    return RANKS.get(priority, RANKS["normal"])


def _columns(entries: Sequence[Waiting]) -> list[Any]:
    ranks, since, videos, due = map(list, zip(*entries, strict=True))
    # The version before reads two columns more; while both run, or after a rollback, it has them.
    unread = [0] * len(entries)
    return ["".join(map(str, ranks)), since, " ".join(videos), due, unread, unread]


def _rows(columns: Sequence[Any]) -> list[Waiting]:
    ranks, since, videos, due = columns[:4]
    return list(map(Waiting._make, zip(map(int, ranks), since, videos.split(), due, strict=True)))


def _lease(value: float | Sequence[float]) -> Lease:
    return Lease(value, 0.0) if isinstance(value, int | float) else Lease(*value)
