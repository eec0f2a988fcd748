"""What a video adds to the tallies, and which months a time has."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from dailies.owners.spend import Dimension, Interval, Tally, correction_of, entry_of
from dailies.pipeline.spend import GroupBy, Spending
from dailies.protocols.spend import spend_csv, spend_of
from dailies.stores.tallies import TallyRow, ends, whole_months
from dailies.video.basics import Phase, Size, VideoError, new_id
from dailies.video.record import SubmitState, VideoRecord, VideoRequest

NOW = 1_795_262_400.0  # 2026-11-21


def _made(**changes: object) -> VideoRecord:
    request = VideoRequest(
        model="sora-2", prompt="A pier", seconds=4, size=Size(720, 1280), user="zoe", n_variants=2
    )
    record = VideoRecord(
        id=new_id(NOW),
        owner="alice",
        created_at=NOW,
        request=request,
        phase=Phase.DONE,
        cost_usd=0.8,
        key_id="key-1",
        tags=("film", "night", "film"),
        submit=SubmitState(provider="runway"),
    )
    return record.model_copy(update=changes)


def test_a_video_is_told_by_all_that_it_is_known_by() -> None:
    entry = entry_of(_made())
    assert {each: entry.values(each) for each in Dimension} == {
        Dimension.DAY: (None,),
        Dimension.KEY: ("key-1",),
        Dimension.USER: ("zoe",),
        Dimension.MODEL: ("sora-2",),
        Dimension.PROVIDER: ("runway",),
        Dimension.TAG: ("film", "night"),
    }
    assert (entry.day, entry.tally) == ("2026-11-21", Tally(1, 1, 8, 800_000, 0))


def test_one_that_failed_has_no_seconds_and_one_without_a_price_is_counted_as_such() -> None:
    failed = _made(phase=Phase.ACCEPTED, cost_usd=None).failed(VideoError("x", "y"), NOW, 0.25)
    assert entry_of(failed).tally == Tally(1, 0, 0, 250_000, 0)
    assert entry_of(_made(cost_usd=None, tags=())).tally == Tally(1, 1, 8, 0, 1)
    assert entry_of(_made(tags=())).values(Dimension.TAG) == (None,)


@pytest.mark.parametrize("first", [0.8, None, 0.0])
@pytest.mark.parametrize("then", [0.3, None])
def test_a_correction_makes_of_the_first_word_the_second(
    first: float | None, then: float | None
) -> None:
    before, after = _made(cost_usd=first), _made(cost_usd=then)
    assert entry_of(before).tally + correction_of(before, after).tally == entry_of(after).tally


@pytest.mark.parametrize("start", [date(2026, 1, 1), date(2026, 1, 15), date(2028, 2, 1)])
@pytest.mark.parametrize("days", [1, 14, 17, 28, 29, 31, 32, 45, 60, 90, 365, 366])
def test_whole_months_and_ends_cover_a_time_without_overlap(start: date, days: int) -> None:
    last = start + timedelta(days=days - 1)
    first_day, last_day = start.isoformat(), last.isoformat()
    wanted = {(start + timedelta(days=n)).isoformat() for n in range(days)}
    everything = [(start + timedelta(days=n)).isoformat() for n in range(-62, days + 62)]
    whole = whole_months(first_day, last_day)
    by_month = [day for day in everything if whole and whole[0] <= day[:7] <= whole[1]]
    by_day = [
        day
        for low, high in ends(first_day, last_day)
        for day in everything
        if low <= day[:7] <= high and first_day <= day <= last_day
    ]
    assert len(by_month + by_day) == len(set(by_month + by_day))
    assert set(by_month + by_day) == wanted


def test_tallies_come_back_as_they_went() -> None:
    tallies = TallyRow("zoe")
    tallies.add("2026-11-21", Tally(1, 1, 4, 5 * 10**15, 0))
    tallies.add("2026-11-21", Tally(1, 0, 0, 1, 1))
    tallies.add("2026-11-22", Tally(2, 2, 8, 7, 0))
    assert TallyRow.of(tallies.columns) == tallies
    assert tallies.sums["2026-11-21"] == Tally(2, 1, 4, 5 * 10**15 + 1, 1)
    assert TallyRow.of(TallyRow(None).columns) == TallyRow(None)


@pytest.mark.parametrize(
    "name",
    ["=1+1", "+1", "-1", "@sum", "\t=1", "\r=1", "\n=1", " =1", "  @sum", "\u00a0-1", "\uff1d1"],
)
def test_no_name_is_a_formula_in_a_spreadsheet(name: str) -> None:
    sums: Spending = {(name, ""): Tally(1, 1, 4, 400_000, 0), ('a"b,c', ""): Tally(1, 1, 4, 1, 0)}
    spend = spend_of(sums, sums, GroupBy.USER, Interval.TOTAL, "2026-11-01", "2026-11-30", 10)
    text = spend_csv(spend)
    head, rest = text.split("\r\n", 1)
    assert head == "user,videos,completed,seconds,cost_usd,unpriced"
    assert rest.lstrip('"').startswith("'")
    assert '"a""b,c",1,1,4,0.000001,0\r\n' in rest
