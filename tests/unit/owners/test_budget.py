"""What a budget allows, day by day and month by month."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from dailies.owners.budget import Account, Budget, Counter, Period, Scope, over_budget
from dailies.video.money import to_micros, to_usd

DOLLAR = 1_000_000


def _at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("now", "day", "month"),
    [
        ("2026-11-29T12:00:00", "2026-11-30", "2026-12-01"),
        ("2026-12-31T23:59:59.999", "2027-01-01", "2027-01-01"),
        ("2027-01-01T00:00:00", "2027-01-02", "2027-02-01"),
        ("2028-02-29T06:00:00", "2028-03-01", "2028-03-01"),
        ("2027-02-28T06:00:00", "2027-03-01", "2027-03-01"),
        ("2027-01-31T06:00:00", "2027-02-01", "2027-02-01"),
    ],
)
def test_days_and_months_renew_at_midnight_by_utc(now: str, day: str, month: str) -> None:
    at = _at(now)
    assert Period.DAY.renews_at(at) == _at(day)
    assert Period.MONTH.renews_at(at) == _at(month)
    assert Period.TOTAL.renews_at(at) is None
    for period in (Period.DAY, Period.MONTH):
        renewal = period.renews_at(at)
        assert renewal is not None
        assert period.label(renewal) != period.label(at) == period.label(renewal - 0.001)


def test_sums_are_exact_where_those_of_dollars_are_not() -> None:
    assert sum([0.1] * 10) != 1.0
    assert sum([to_micros(0.1)] * 10) == to_micros(1.0)
    for usd in (0.0, 0.000001, 0.29, 1.005, 123_456.789012):
        assert to_usd(to_micros(usd)) == usd


def test_an_account_holds_up_to_the_limit_and_no_micro_dollar_more() -> None:
    now = _at("2026-11-29T12:00:00")
    account = Account(scope=Scope.OWNER, name="alice")
    budget = Budget(day_usd=1)
    for _ in range(2):
        assert account.shortage(budget, 400_000, now) is None
        account = account.holding(400_000, now)
    assert account.shortage(budget, 200_000, now) is None
    assert account.shortage(budget, 200_001, now) is not None


def test_what_was_spent_beyond_the_limit_leaves_nothing_and_not_less() -> None:
    now = _at("2026-11-29T12:00:00")
    account = Account(scope=Scope.KEY, name="k").holding(DOLLAR, now)
    account = account.settled(now, held=DOLLAR, spent=3 * DOLLAR)
    (standing,) = account.standings(Budget(day_usd=2), now)
    assert standing.left == 0
    free = account.shortage(Budget(day_usd=2), 0, now)
    assert free is None, "what costs nothing needs nothing"


def test_of_several_limits_that_which_lasts_longest_is_told() -> None:
    now = _at("2026-11-29T12:00:00")
    account = Account(scope=Scope.USER, name="zoe").holding(DOLLAR, now)
    short = account.shortage(Budget(day_usd=1, month_usd=1), 1, now)
    assert short is not None
    error = over_budget(short, now)
    assert (error.budget["period"], error.budget["renews_at"]) == ("month", _at("2026-12-01"))
    assert "The budget of this 'user' of $1 a month" in error.message
    total = account.shortage(Budget(day_usd=1, total_usd=1), 1, now)
    assert total is not None
    assert over_budget(total, now).budget["renews_at"] is None
    assert "does not renew" in over_budget(total, now).message


def test_periods_that_are_over_are_kept_while_something_is_held_in_them() -> None:
    first, second, third = (_at(f"2026-11-{day}T12:00:00") for day in (28, 29, 30))
    account = Account(scope=Scope.OWNER, name="alice").holding(5, first)
    account = account.holding(7, second)
    assert account.counters["2026-11-28"] == Counter(held=5)
    account = account.settled(first, held=5, spent=4).holding(1, third)
    assert account.counters == {
        "2026-11-29": Counter(held=7),
        "2026-11-30": Counter(held=1),
        "2026-11": Counter(held=8, spent=4),
        "total": Counter(held=8, spent=4),
    }
    corrected = account.settled(first, held=0, spent=-3)
    assert "2026-11-28" not in corrected.counters
    assert corrected.counters["2026-11"] == Counter(held=8, spent=1)


def _percents(account: Account) -> list[tuple[str, int]]:
    return [(warning.label, warning.percent) for warning in account.warnings()]


def test_each_share_that_is_reached_is_told_once_and_the_highest_alone() -> None:
    now = _at("2026-11-29T12:00:00")
    account = Account(scope=Scope.OWNER, name="alice", budget=Budget(day_usd=1))
    assert _percents(account) == []
    account = account.holding(499_999, now)
    assert _percents(account) == []
    account = account.holding(1, now)
    assert _percents(account) == [("2026-11-29", 50)]
    account = account.telling(account.warnings())
    assert _percents(account) == []
    account = account.holding(500_000, now)
    assert _percents(account) == [("2026-11-29", 100)]
    account = account.telling(account.warnings())
    # What is given back and taken again is told no second time.
    account = account.settled(now, held=DOLLAR, spent=0).holding(DOLLAR, now)
    assert _percents(account) == []


def test_another_day_and_another_limit_are_told_anew() -> None:
    first, second = _at("2026-11-29T12:00:00"), _at("2026-11-30T12:00:00")
    account = Account(scope=Scope.OWNER, name="alice", budget=Budget(day_usd=1))
    account = account.holding(600_000, first)
    account = account.telling(account.warnings()).holding(800_000, second)
    assert _percents(account) == [("2026-11-30", 80)]
    account = account.telling(account.warnings())
    account = account.model_copy(update={"budget": Budget(day_usd=1.6)})
    assert _percents(account) == [("2026-11-30", 50)]


def test_what_is_due_when_a_day_ends_is_told_all_the_same() -> None:
    first, second = _at("2026-11-29T12:00:00"), _at("2026-12-01T12:00:00")
    account = Account(scope=Scope.OWNER, name="alice", budget=Budget(day_usd=1, month_usd=1))
    account = account.holding(900_000, first).settled(first, held=900_000, spent=900_000)
    account = account.holding(1, second)
    assert sorted(_percents(account)) == [("2026-11", 80), ("2026-11-29", 80)]
    renews = {warning.label: warning.standing.renews_at for warning in account.warnings()}
    assert renews == {"2026-11": _at("2026-12-01"), "2026-11-29": _at("2026-11-30")}
    account = account.telling(account.warnings()).holding(1, second)
    assert set(account.counters) == {"2026-12-01", "2026-12", "total"}


def test_a_refusal_is_told_as_all_of_it_once() -> None:
    now = _at("2026-11-29T12:00:00")
    account = Account(scope=Scope.OWNER, name="alice", budget=Budget(day_usd=1))
    short = account.shortage(Budget(day_usd=1), 2 * DOLLAR, now)
    assert short is not None
    account = account.refusing(short, now)
    assert account.refusing(short, now) is account
    assert _percents(account) == [("2026-11-29", 100)]
    assert _percents(account.telling(account.warnings())) == []
