"""How soon a timer fires."""

from __future__ import annotations

import pytest

from local.host.taskhub.pace import Pace

NOW = 1_000.0


@pytest.mark.parametrize(
    ("seconds", "after"), [(0, 0), (0.2, 0), (1, 0), (1.9, 1), (2.5, 2), (10.9, 10), (-5, 0)]
)
def test_a_timer_is_hidden_for_whole_seconds(seconds: float, after: float) -> None:
    assert Pace().timer(NOW, NOW + seconds) == NOW + after


def test_the_seconds_are_those_of_the_speed() -> None:
    assert Pace(speed=60).timer(NOW, NOW + 10.5 / 60) == pytest.approx(NOW + 10 / 60)


def test_like_azure_a_timer_may_be_late_by_a_look_at_the_queue() -> None:
    pace = Pace(like_azure=True, polling_s=2)
    fired = [pace.timer(NOW, NOW + 2.5) - NOW for _ in range(200)]
    assert 2 <= min(fired) < 2.5 < max(fired) <= 4


def test_what_a_killed_host_had_taken_is_hidden_like_in_azure_only() -> None:
    assert Pace(speed=60).hidden_s == 0
    assert Pace(speed=60, like_azure=True).hidden_s == 5
