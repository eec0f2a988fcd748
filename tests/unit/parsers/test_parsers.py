"""Twice the bytes are never more than twice the work, whatever they are and whoever made them."""

from __future__ import annotations

import contextlib
import gc
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType, FrameType

import pytest

from dailies.video.errors import DailiesError
from tests.unit.parsers.finding import ROOT, parsing_functions
from tests.unit.parsers.shapes import Parser, running_loop
from tests.unit.parsers.table import EXCUSED, PARSERS

# Work is measured as time of the processor, in one run and against itself: no number of seconds is
# expected of any machine. Less than this is not told from noise.
_MEASURABLE = 0.004
_REPEATS = 3
_ROUNDS = 6
_MOST_GROWTH = 3.0
"""Linear work doubles, quadratic work is four times as much."""


@pytest.fixture(autouse=True)
def _loop() -> Iterator[None]:
    with running_loop():
        yield


def _seconds(call: Callable[[bytes], object], data: bytes, repeats: int) -> float:
    """The least time of some runs; an answer of the parser's own, good or bad, counts the same."""
    best = float("inf")
    for _ in range(repeats):
        started = time.thread_time()
        with contextlib.suppress(DailiesError, ValueError):
            call(data)
        best = min(best, time.thread_time() - started)
    return best


def _growth(parser: Parser, shape: Callable[[int], bytes]) -> float:
    """How many times more work twice the bytes are; 1 where none can be measured."""
    size = 256
    while _seconds(parser.call, shape(size), 1) < _MEASURABLE:
        size *= 2
        if size > parser.most:
            return 1.0
    once, twice = shape(size), shape(2 * size)
    least = float("inf")
    for _ in range(_ROUNDS):
        # A machine that is busy with something else shows growth that is none: the least counts.
        growth = _seconds(parser.call, twice, _REPEATS) / _seconds(parser.call, once, _REPEATS)
        least = min(least, growth)
        if least <= _MOST_GROWTH:
            break
    return least


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: parser.name)
def test_work_grows_with_the_bytes_and_no_faster(parser: Parser) -> None:
    gc.disable()
    try:
        growth = {name: _growth(parser, shape) for name, shape in parser.shapes.items()}
    finally:
        gc.enable()
    steep = {name: round(times, 1) for name, times in growth.items() if times > _MOST_GROWTH}
    assert not steep


def test_a_quadratic_parser_would_be_found() -> None:
    """As the regular expression over a JPEG's markers was, and the count of keys of a sidecar."""
    import re

    markers = re.compile(rb"\xff+([^\x00\xff])", re.DOTALL)
    parser = Parser("markers", markers.search, {"fill": lambda n: b"\xff" * n})
    # What is measured is the least growth, which a busy machine may show too small.
    assert any(_growth(parser, parser.shapes["fill"]) > _MOST_GROWTH for _ in range(5))


def test_every_function_that_parses_is_in_the_table() -> None:
    seen: dict[int, CodeType] = {}  # by identity: code is hashed by all that is in it

    def note(frame: FrameType, event: str, _: object) -> None:
        seen[id(frame.f_code)] = frame.f_code

    for parser in PARSERS:
        for shape in parser.shapes.values():
            data = shape(300)
            sys.settrace(note)  # tells of calls alone, as the function traces no line
            try:
                with contextlib.suppress(DailiesError, ValueError):
                    parser.call(data)
            finally:
                sys.settrace(None)
    called = {
        (str(Path(code.co_filename).relative_to(ROOT)), code.co_qualname)
        for code in seen.values()
        if code.co_filename.startswith(str(ROOT))
    }
    found, excused = parsing_functions(), set(EXCUSED)
    assert sorted(found - called - excused) == [], "put them into the table"
    assert sorted(excused - found) == [], "take them out of what is excused"
    assert sorted(excused & called) == [], "they are in the table"
