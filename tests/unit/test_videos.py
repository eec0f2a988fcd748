"""Ids, sizes and the words for where a video is."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dailies.video.basics import Phase, Size, Status, new_id

_times = st.floats(0, 200_000_000_000 / 1000, allow_nan=False)


@given(_times, _times)
def test_the_order_of_ids_is_the_order_of_time(one: float, other: float) -> None:
    if int(one * 1000) != int(other * 1000):
        assert (new_id(one) < new_id(other)) == (one < other)


def test_ids_are_unique_within_a_millisecond_and_of_one_form() -> None:
    ids = {new_id(1_795_262_400.0) for _ in range(10_000)}
    assert len(ids) == 10_000
    assert all(re.fullmatch(r"video_[0-9a-f]{32}", video_id) for video_id in ids)


def test_an_id_from_entropy_is_always_the_same() -> None:
    assert new_id(1.0, b"a") == new_id(1.0, b"a") != new_id(1.0, b"b")


def test_every_phase_has_an_official_status_and_ends_with_it() -> None:
    for phase in Phase:
        assert phase.status in set(Status)
        assert phase.is_final == (phase in (Phase.DONE, Phase.FAILED, Phase.CANCELLED))


@pytest.mark.parametrize("text", ["1280x720", " 1280X720 ", "1280\N{MULTIPLICATION SIGN}720"])
def test_sizes_are_read(text: str) -> None:
    assert Size.parse(text) == Size(1280, 720)
    assert str(Size.parse(text)) == "1280x720"


@pytest.mark.parametrize(
    "text", ["", "1280", "1280x", "x720", "0x720", "-1x2", "1.5x2", "1280x720x1", "axb"]
)
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected a size"):
        Size.parse(text)
