"""A deployment's quota under any sequence of events: limits hold, and nobody is blocked for ever.

The machine plays the videos: they come, ask when they were told to, are put off by the provider,
end, or vanish without a word. After any of it, those that are left must all be served in a time
that their number bounds.
"""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from dailies.routing.lane import LaneState, acquire, empty, release

WINDOW = 60.0
LEASE = 600.0
RENDER = 90.0
_LONGEST_WAIT = 5 * WINDOW


@dataclass
class Video:
    """A video that wants one job.

    Attributes:
        due: when it asks, or asks again; None while its request is with the provider.
        refused: how often the provider has put it off.
        granted: when it was let through last.
    """

    name: str
    came: float
    due: float | None
    refused: int = 0
    granted: float = 0.0

    @property
    def since(self) -> float:
        return self.came + self.refused * WINDOW


class Quota(RuleBasedStateMachine):
    """Any number of videos at one deployment."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        self.state: LaneState = empty()
        self.videos: dict[str, Video] = {}
        self.vanished: dict[str, float] = {}
        self.grants: list[float] = []
        self.count = 0
        self.per_window: int | None = None
        self.concurrent: int | None = None

    @initialize(per_window=st.none() | st.integers(1, 3), concurrent=st.none() | st.integers(1, 3))
    def limits(self, per_window: int | None, concurrent: int | None) -> None:
        self.per_window, self.concurrent = per_window, concurrent

    # -- what can happen

    @rule(number=st.integers(1, 5))
    def come(self, number: int) -> None:
        for _ in range(number):
            self.count += 1
            video = Video(f"v{self.count:03d}", self.now, self.now)
            self.videos[video.name] = video

    @precondition(lambda self: self.waiting())
    @rule(times=st.integers(1, 6))
    def ask(self, times: int) -> None:
        """Time goes on, and those whose time it is ask, in order."""
        for _ in range(times):
            if not self.waiting():
                return
            self.next_one_asks()

    @precondition(lambda self: self.sent())
    @rule(data=st.data(), pause=st.floats(1, 120))
    def be_put_off(self, data: st.DataObject, pause: float) -> None:
        """The provider answers 429: the video asks again after the pause."""
        video = data.draw(st.sampled_from(self.sent()))
        video.refused += 1
        video.due = self.now + pause

    @precondition(lambda self: self.sent())
    @rule(data=st.data())
    def end(self, data: st.DataObject) -> None:
        self.release(data.draw(st.sampled_from(self.sent())))

    @precondition(lambda self: self.videos)
    @rule(data=st.data())
    def be_cancelled(self, data: st.DataObject) -> None:
        self.release(data.draw(st.sampled_from(list(self.videos.values()))))

    @precondition(lambda self: self.videos)
    @rule(data=st.data())
    def vanish(self, data: st.DataObject) -> None:
        """Nobody gives back what it holds."""
        video = data.draw(st.sampled_from(list(self.videos.values())))
        del self.videos[video.name]

    @rule(seconds=st.floats(0.1, 200))
    def wait(self, seconds: float) -> None:
        """The machine was busy: questions come late."""
        self.now += seconds

    # -- what must hold

    @invariant()
    def no_more_leases_than_jobs_allowed(self) -> None:
        held = [until for until in self.state["leases"].values() if until[0] > self.now]
        assert self.concurrent is None or len(held) <= self.concurrent

    @invariant()
    def no_window_with_more_requests_than_allowed(self) -> None:
        if self.per_window is None:
            return
        for first, beyond in zip(self.grants, self.grants[self.per_window :], strict=False):
            assert beyond - first >= WINDOW - 1e-6

    @invariant()
    def what_the_provider_has_counts(self) -> None:
        """Whoever has a request at the provider holds a lease, for as long as a lease lasts."""
        for video in self.sent():
            assert video.name in self.state["leases"] or self.now >= video.granted + LEASE

    def teardown(self) -> None:
        """From here on every job ends after its time and nobody is put off: all are served."""
        ends = {video.name: self.now + RENDER for video in self.sent()}
        left = len(self.waiting())
        limit = self.now + self.bound(left)
        while self.waiting():
            soonest = min((v.due or 0.0) for v in self.waiting())
            for name in [name for name, at in ends.items() if at <= max(soonest, self.now)]:
                self.now = max(self.now, ends.pop(name))
                self.release(self.videos[name])
            video = self.next_one_asks()
            assert self.now <= limit, f"{len(self.waiting())} of {left} still wait"
            if video.due is None:
                ends[video.name] = self.now + RENDER

    def bound(self, waiting: int) -> float:
        """Seconds in which so many must be served: leases of those that vanished end first, then
        each round takes a render, a window and the pause between two questions."""
        rounds = waiting / min(self.per_window or 1000, self.concurrent or 1000) + 2
        return LEASE + _LONGEST_WAIT + 2 * WINDOW + rounds * (RENDER + 2 * WINDOW)

    # -- helpers

    def waiting(self) -> list[Video]:
        return [video for video in self.videos.values() if video.due is not None]

    def sent(self) -> list[Video]:
        return [video for video in self.videos.values() if video.due is None]

    def release(self, video: Video) -> None:
        self.state = release(self.state, {"video": video.name})
        del self.videos[video.name]

    def next_one_asks(self) -> Video:
        video = min(self.waiting(), key=lambda v: (v.due, v.name))
        assert video.due is not None
        self.now = max(self.now, video.due)
        self.state, grant = acquire(
            self.state,
            {
                "deployment": "d",
                "per_window": self.per_window,
                "window_seconds": WINDOW,
                "concurrent": self.concurrent,
                "typical_seconds": 60.0,
                "lease_seconds": LEASE,
                "video": video.name,
                "now": self.now,
                "since": video.since,
            },
        )
        if grant["granted"]:
            self.grants.append(self.now)
            video.due, video.granted = None, self.now
        else:
            assert 0 < grant["wait_seconds"] <= _LONGEST_WAIT
            video.due = self.now + grant["wait_seconds"]
        return video


TestQuota = Quota.TestCase
TestQuota.settings = settings(max_examples=120, stateful_step_count=40, deadline=None)
