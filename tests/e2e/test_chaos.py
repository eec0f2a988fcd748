"""A short campaign of ``make chaos``."""

from __future__ import annotations

from pathlib import Path

from tests.chaos.campaign import run_campaign
from tests.chaos.plan import Way, draw_orders


def test_every_video_is_delivered_once_and_paid_once_while_parts_are_killed(tmp_path: Path) -> None:
    verdict = run_campaign(tmp_path, videos=20, kills=6, seed=379)
    assert verdict.kills.total() == 6
    assert verdict.outcomes.total() >= 15
    assert not verdict.misses, verdict.table()
    # One of its two deployments went bad in the middle.
    assert verdict.moved >= 1, verdict.table()


def test_a_seed_repeats_its_orders() -> None:
    orders = draw_orders(300, seed=5)
    assert draw_orders(300, seed=5) == orders
    assert draw_orders(300, seed=6) != orders
    assert {order.way for order in orders} == set(Way)
    assert sum(order.aim is not None for order in orders) > 75
