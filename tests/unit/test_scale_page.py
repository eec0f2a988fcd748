"""The page on scale holds what its calculation prints."""

from __future__ import annotations

from pathlib import Path

from bench.scale.__main__ import VOLUMES, tables
from bench.scale.azure import PARTITION_ENTITIES
from bench.scale.day import busiest_hour

PAGE = Path(__file__).resolve().parents[2] / "docs" / "scale.md"


def test_every_table_of_the_page_is_what_the_calculation_prints() -> None:
    page = PAGE.read_text(encoding="utf-8")
    missing = [table.splitlines()[0] for table in tables() if table not in page]
    assert missing == [], "run `python -m bench.scale` and put its tables into docs/scale.md"


def test_the_busiest_second_is_as_busy_as_what_arrives_in_it() -> None:
    """One request for each video, all at its create: a million a day are some 29 a second in the
    busiest hour, and batches of 200 within ten seconds come on top of that."""
    peaks = busiest_hour(VOLUMES[-1], {"part": 1.0})
    assert 28 < peaks.mean["part"] < 30
    assert 30 < peaks.busiest["part"] < PARTITION_ENTITIES
    assert 2_000 < peaks.in_flight < 5_000  # 29 a second, for a minute and a half
