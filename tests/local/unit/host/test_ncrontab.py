"""Schedules of timer triggers."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from local.host.ncrontab import Schedule, ScheduleError

START = datetime(2026, 2, 27, 23, 59, 58, 500_000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("* * * * * *", "2026-02-27T23:59:59+00:00"),
        ("0 * * * * *", "2026-02-28T00:00:00+00:00"),
        ("*/15 * * * * *", "2026-02-28T00:00:00+00:00"),
        ("*/5 * * * *", "2026-02-28T00:00:00+00:00"),
        ("0 30 9-17/4 * * *", "2026-02-28T09:30:00+00:00"),
        ("0 0 0 29 2 *", "2028-02-29T00:00:00+00:00"),
        ("0 0 12 * * Mon-Fri", "2026-03-02T12:00:00+00:00"),
        ("0 0 12 1,15 jan,Jul *", "2026-07-01T12:00:00+00:00"),
        ("0 0 0 13 * 5", "2026-03-13T00:00:00+00:00"),
        ("59 59 23 27 2 *", "2026-02-27T23:59:59+00:00"),
        ("58 59 23 27 2 *", "2027-02-27T23:59:58+00:00"),
        ("10/20 0 0 * * *", "2026-02-28T00:00:10+00:00"),
    ],
)
def test_the_next_time_is_the_first_after_the_moment(expression: str, expected: str) -> None:
    assert Schedule.parse(expression).next_after(START).isoformat() == expected


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "* * *",
        "60 * * * * *",
        "* * * * * 7",
        "*/0 * * * * *",
        "* 5-1 * * * *",
        "00:05:00",
        "* * * * foo *",
        # What other dialects of cron have, and NCRONTAB does not.
        "* * * * * * *",
        "0 0 0 L * *",
        "0 0 0 ? * *",
        "0 0 0 * * fri#2",
        "@hourly",
    ],
)
def test_an_invalid_expression_is_refused(expression: str) -> None:
    with pytest.raises(ScheduleError, match="schedule"):
        Schedule.parse(expression)


def test_a_day_that_never_comes_is_reported() -> None:
    with pytest.raises(ScheduleError, match="no next time"):
        Schedule.parse("0 0 0 30 2 *").next_after(START)
