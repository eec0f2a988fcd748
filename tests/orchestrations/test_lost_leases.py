"""A video that dies around its place in a lane: at every instant, for good or until it is started
again. Whatever it held comes back by time, and the next one is served."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dailies.engine import Doing, QuotaRequest, done, wait
from tests.orchestrations.replay import Engine
from tests.orchestrations.scripts import QUOTA, VIDEO, generate, rendered, rendering, script

LEASE = 900.0
ONE_AT_ONCE: QuotaRequest = {
    **QUOTA,
    "per_window": 100,
    "concurrent": 1,
    "lease_seconds": LEASE,
}
NEXT = "video_019aa5e1c0de0123456789abcdef0124"
RENDER = 60.0
# By then one that was told to ask, and does not, keeps no place empty any more.
_LATE = 2 * ONE_AT_ONCE["window_seconds"]


class Died(BaseException):
    """Nothing is heard of the instance from here on; what was done, is done."""


class Mortal(Engine):
    """An engine whose instance dies as it passes a point: before or after each thing it does."""

    def __init__(self, dies_at: int | None = None) -> None:
        super().__init__({"advance_video": self._advance})
        self.dies_at = dies_at
        self.passed = 0
        self.granted_at: dict[str, float] = {}
        self._looks = {VIDEO: self._life(), NEXT: self._life()}

    @staticmethod
    def _life() -> Any:
        return script(rendering(RENDER / 2), rendering(RENDER / 2, 1), rendered(), done())

    def _advance(self, payload: Any) -> Any:
        if payload.get("waiting"):
            return {**wait(0), "doing": Doing.SUBMITTING, "attempt": payload["attempt"] + 1}
        if payload["doing"] in (Doing.SUBMITTING, Doing.PREPARING):
            assert payload["place"] == ONE_AT_ONCE["deployment"]
            self.granted_at.setdefault(payload["id"], self.now)
        return self._looks[payload["id"]](payload)

    def _point(self) -> None:
        self.passed += 1
        if self.passed == self.dies_at:
            raise Died

    def call_activity(self, name: str, payload: Any) -> Any:
        """See ``Engine``."""
        self._point()
        result = super().call_activity(name, payload)
        self._point()
        return result

    def call_entity(self, target: str, operation: str, argument: str, *, signal: bool) -> str:
        """See ``Engine``."""
        self._point()
        result = super().call_entity(target, operation, argument, signal=signal)
        self._point()
        return result

    @property
    def lane(self) -> dict[str, Any]:
        """The lane's state."""
        target = f"@quota@{ONE_AT_ONCE['deployment']}"
        lane: dict[str, Any] = json.loads(self.entity_states.get(target, '{"leases": {}}'))
        return lane

    def live(self, video_id: str, *, restarts: int = 0) -> bool:
        """Run a video; whether it came to its end."""
        try:
            generate(self, video_id=video_id, restarts=restarts, quota=ONE_AT_ONCE)
        except Died:
            self.dies_at = None
            return False
        return True


def _instants() -> range:
    hub = Mortal()
    assert hub.live(VIDEO)
    return range(1, hub.passed + 1)


def test_there_are_instants_before_within_and_after_the_lease() -> None:
    with_lease, without = 0, 0
    for instant in _instants():
        hub = Mortal(instant)
        assert not hub.live(VIDEO)
        if VIDEO in hub.lane["leases"]:
            with_lease += 1
        else:
            without += 1
    assert with_lease >= 6
    assert without >= 4


@pytest.mark.parametrize("instant", _instants())
def test_what_one_that_never_comes_back_held_comes_back_by_time(instant: int) -> None:
    hub = Mortal(instant)
    assert not hub.live(VIDEO)
    until = max((float(ends) for ends, *_ in hub.lane["leases"].values()), default=hub.now)
    assert until <= hub.now + LEASE
    assert hub.live(NEXT)
    assert hub.granted_at[NEXT] <= until + _LATE
    assert hub.lane["leases"] == {} or list(hub.lane["leases"]) == [VIDEO]


@pytest.mark.parametrize("instant", _instants())
def test_one_that_is_started_again_gets_its_place_and_gives_it_back(instant: int) -> None:
    hub = Mortal(instant)
    assert not hub.live(VIDEO)
    hub.now += 300  # until the sweep has found it
    assert hub.live(VIDEO, restarts=1)
    assert hub.lane["leases"] == {}
    begun = hub.now
    assert hub.live(NEXT)
    assert hub.granted_at[NEXT] <= begun + _LATE
    assert hub.lane["leases"] == {}
