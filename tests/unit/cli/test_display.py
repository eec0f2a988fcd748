"""How things are shown."""

from __future__ import annotations

import pytest
from dailies_cli.display import duration, money, text
from dailies_cli.following import standing


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0 s"),
        (59.6, "1 min"),
        (61, "1 min 1 s"),
        (7200, "2 h"),
        (93_784, "1 d 2 h"),
        (-3, "0 s"),
    ],
)
def test_a_length_of_time_has_two_units_at_most(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown


@pytest.mark.parametrize(
    ("usd", "shown"), [(None, "unknown"), (1.0, "$1.00"), (0.126, "$0.1260"), (1234.5, "$1,234.50")]
)
def test_money(usd: float | None, shown: str) -> None:
    assert money(usd) == shown


def test_what_comes_from_outside_moves_no_cursor_and_colours_nothing() -> None:
    assert text("a\x1b[2Jb [red]c[/]") == "a\ufffd[2Jb \\[red]c\\[/]"


def test_where_a_video_stands() -> None:
    running = {"id": "1", "status": "queued", "phase": "waiting", "estimated_completion_at": 190}
    waiting = {**running, "queue": {"position": 2, "of": 9, "eta_seconds": 60}}
    assert standing(waiting, now=100) == "waiting, place 2 of 9, 1 min 30 s to go"
    failed = {"status": "failed", "phase": "failed", "error": {"code": "x", "message": "Try it."}}
    assert standing(failed) == "failed: Try it."
