"""Ids of jobs and generations stand for exactly one video."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dailies.protocols.sora1.ids import generation_id, generation_of, job_id, video_of_job
from dailies.video.basics import new_id

VIDEO_IDS = st.integers(0, 2**128 - 1).map(lambda number: f"video_{number:032x}")


@given(VIDEO_IDS)
def test_a_job_s_id_leads_back_to_its_video(video_id: str) -> None:
    assert video_of_job(job_id(video_id)) == video_id


@given(VIDEO_IDS, st.integers(0, 15))
def test_a_generation_s_id_leads_back_to_its_video_and_number(video_id: str, number: int) -> None:
    assert generation_of(generation_id(video_id, number)) == (video_id, number)


@given(st.text(max_size=40), st.sampled_from(["", "task_", "gen_"]))
def test_only_what_we_wrote_is_an_id(text: str, prefix: str) -> None:
    wanted = prefix + text
    video_id, generation = video_of_job(wanted), generation_of(wanted)
    assert video_id is None or job_id(video_id) == wanted
    assert generation is None or generation_id(*generation) == wanted


def test_more_bits_than_a_video_s_id_has_are_no_id() -> None:
    assert video_of_job("task_" + "z" * 26) is None


def test_later_videos_have_later_ids() -> None:
    assert job_id(new_id(1_780_000_000)) < job_id(new_id(1_780_000_001))
