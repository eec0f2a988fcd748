"""The ids of jobs and generations: the video's own id, written another way.

Nothing is looked up: 128 bits of a video's id are 26 digits of Crockford's base32, whose order is
time order too, and a generation has its number behind them. One id stands for one video: what is
not written exactly so is no id.
"""

from __future__ import annotations

from dailies.video.basics import ID_PREFIX

__all__ = ["generation_id", "generation_of", "job_id", "video_of_job"]

_JOB = "task_"
_GENERATION = "gen_"
_DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"
_LENGTH = 26


def job_id(video_id: str) -> str:
    """``task_…`` of a video."""
    return f"{_JOB}{_encode(video_id)}"


def generation_id(video_id: str, number: int) -> str:
    """``gen_…`` of a video's generation, counted from 0 (below 32)."""
    return f"{_GENERATION}{_encode(video_id)}{_DIGITS[number]}"


def video_of_job(text: str) -> str | None:
    """The id of the video that a job's id stands for; None when it is none."""
    return _decode(text.removeprefix(_JOB)) if text.startswith(_JOB) else None


def generation_of(text: str) -> tuple[str, int] | None:
    """The id of the video and the number that a generation's id stands for."""
    digits = text.removeprefix(_GENERATION)
    if digits == text or len(digits) != _LENGTH + 1 or digits[-1] not in _DIGITS:
        return None
    video_id = _decode(digits[:-1])
    return None if video_id is None else (video_id, _DIGITS.index(digits[-1]))


def _encode(video_id: str) -> str:
    number = int(video_id.removeprefix(ID_PREFIX), 16)
    return "".join(_DIGITS[number >> shift & 31] for shift in range(5 * (_LENGTH - 1), -1, -5))


def _decode(digits: str) -> str | None:
    if len(digits) != _LENGTH or not set(digits) <= set(_DIGITS):
        return None
    number = 0
    for digit in digits:
        number = number << 5 | _DIGITS.index(digit)
    return f"{ID_PREFIX}{number:032x}" if number < 1 << 128 else None
