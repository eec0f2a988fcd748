"""A soft chord under a video.

The notes are whole multiples of one low frequency whose period is a whole number of samples, so a
single period repeats for as long as needed and only the fades are computed sample by sample.
"""

from __future__ import annotations

import array
import math

SAMPLE_RATE = 48_000
_PERIODS = (960, 800, 640, 600)  # samples: 50, 60, 75 and 80 Hz
_CHORD = ((4, 0.5), (5, 0.25), (6, 0.3), (8, 0.1))  # a major chord, in multiples of the root
_LEVEL = 0.12
_FADE = SAMPLE_RATE // 4


def chord(seconds: float, seed: int) -> bytes:
    """Signed 16-bit mono samples at ``SAMPLE_RATE``, fading in and out over a quarter second."""
    period = _PERIODS[seed % len(_PERIODS)]
    wave = array.array(
        "h",
        (
            round(
                32_767
                * _LEVEL
                * sum(gain * math.sin(2 * math.pi * n * i / period) for n, gain in _CHORD)
            )
            for i in range(period)
        ),
    )
    count = round(seconds * SAMPLE_RATE)
    samples = (wave * (count // period + 1))[:count]
    for i in range(min(_FADE, count)):
        gain = i / _FADE
        samples[i] = round(samples[i] * gain)
        samples[count - 1 - i] = round(samples[count - 1 - i] * gain)
    return samples.tobytes()
