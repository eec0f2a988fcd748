"""Schedules of timer triggers: NCRONTAB expressions of six fields, in UTC.

``{second} {minute} {hour} {day} {month} {day of week}``, each ``*``, a number, a name (month, day),
a range ``a-b``, a step ``*/n`` or ``a-b/n``, or a list of these. Five fields mean second 0. As in
NCRONTAB, and unlike in cron, day and day of week must *both* match. Parsers of cron take more than
that (weekday 7, ranges that run backwards, ``L``, ``#``, ``@hourly``): with one of them, a schedule
that Azure refuses would run here.
"""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

__all__ = ["Schedule", "ScheduleError"]

_MONTHS = [name.lower() for name in calendar.month_abbr]
_DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
_FIELDS: tuple[tuple[str, int, int, list[str]], ...] = (
    ("second", 0, 59, []),
    ("minute", 0, 59, []),
    ("hour", 0, 23, []),
    ("day", 1, 31, []),
    ("month", 1, 12, _MONTHS),
    ("day of week", 0, 6, _DAYS),
)
_LONGEST_SEARCH_DAYS = 366 * 9
"""29 February may be eight years away."""


class ScheduleError(ValueError):
    """The expression is not valid; the message says where."""


@dataclass(frozen=True)
class Schedule:
    """A parsed expression."""

    seconds: tuple[int, ...]
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]

    @classmethod
    def parse(cls, expression: str) -> Schedule:
        """Read an expression.

        :raises ScheduleError: it is not valid, or a TimeSpan, which only App Service plans take.
        """
        fields = expression.split()
        if len(fields) == 5:
            fields = ["0", *fields]
        if len(fields) != 6:
            raise ScheduleError(
                f"schedule {expression!r}: expected six fields, "
                "{second} {minute} {hour} {day} {month} {day of week}"
            )
        seconds, minutes, hours, days, months, weekdays = (
            _values(expression, text, *field) for text, field in zip(fields, _FIELDS, strict=True)
        )
        return cls(
            tuple(sorted(seconds)), tuple(sorted(minutes)), tuple(sorted(hours)),
            days, months, weekdays,
        )  # fmt: skip

    def next_after(self, moment: datetime) -> datetime:
        """The first time of the schedule that is later than `moment` (aware); in UTC.

        :raises ScheduleError: there is none, as for 30 February.
        """
        start = moment.astimezone(UTC).replace(microsecond=0) + timedelta(seconds=1)
        day = start.replace(hour=0, minute=0, second=0)
        for offset in range(_LONGEST_SEARCH_DAYS):
            candidate = day + timedelta(days=offset)
            if not self._has_day(candidate):
                continue
            found = self._first_on(candidate, start)
            if found is not None:
                return found
        raise ScheduleError("the schedule has no next time")

    def _has_day(self, day: datetime) -> bool:
        return (
            day.day in self.days
            and day.month in self.months
            and day.isoweekday() % 7 in self.weekdays
        )

    def _first_on(self, day: datetime, start: datetime) -> datetime | None:
        for hour in self.hours:
            if day.replace(hour=hour, minute=59, second=59) < start:
                continue
            for minute in self.minutes:
                if day.replace(hour=hour, minute=minute, second=59) < start:
                    continue
                for second in self.seconds:
                    found = day.replace(hour=hour, minute=minute, second=second)
                    if found >= start:
                        return found
        return None


def _values(
    expression: str, text: str, name: str, low: int, high: int, names: list[str]
) -> frozenset[int]:
    def number(token: str) -> int:
        value = names.index(token.lower()) if token.lower() in names else -1
        if token.isdecimal():
            value = int(token)
        if not low <= value <= high:
            raise ScheduleError(
                f"schedule {expression!r}: {token!r} is no {name} ({low} to {high})"
            )
        return value

    found: set[int] = set()
    for part in text.split(","):
        span, _, step_text = part.partition("/")
        if "/" in part and not (step_text.isdecimal() and int(step_text) > 0):
            raise ScheduleError(f"schedule {expression!r}: {part!r} has no valid step")
        step = int(step_text) if step_text else 1
        first, dash, last = span.partition("-")
        if span == "*":
            begin, end = low, high
        elif dash:
            begin, end = number(first), number(last)
        else:
            begin = number(first)
            end = high if step_text else begin
        if end < begin:
            raise ScheduleError(f"schedule {expression!r}: the range {span!r} runs backwards")
        found.update(range(begin, end + 1, step))
    return frozenset(found)
