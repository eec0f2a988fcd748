"""Trace contexts as texts: read, made, and handed on."""

from __future__ import annotations

import pytest

from dailies.telemetry import tracecontext
from dailies.telemetry.spans import span
from tests.unit.telemetry.conftest import Seen, span_id

GIVEN = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "yes",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01\r\nX: y",
    ],
)
def test_what_is_no_trace_context_is_not_taken_for_one(text: str | None) -> None:
    assert tracecontext.context_of(text) is None
    made = tracecontext.starting(text)
    assert made != text
    assert tracecontext.trace_id_of(made) is not None


def test_a_callers_trace_is_kept_as_it_is() -> None:
    assert tracecontext.starting(GIVEN) == GIVEN
    assert tracecontext.trace_id_of(GIVEN) == "0af7651916cd43dd8448eb211c80319c"


def test_new_traces_differ() -> None:
    assert tracecontext.starting() != tracecontext.starting()


def test_the_span_being_worked_in_is_where_something_starts(seen: Seen) -> None:
    with span("request", parent=GIVEN):
        started = tracecontext.starting("00-" + "1" * 32 + "-" + "2" * 16 + "-01")
    assert started == f"00-0af7651916cd43dd8448eb211c80319c-{span_id(seen.span('request'))}-01"


def test_a_trace_is_handed_on_without_any_telemetry() -> None:
    assert tracecontext.current() is None
    with tracecontext.within(GIVEN):
        assert tracecontext.headers() == {"traceparent": GIVEN}
        with span("not made"):
            assert tracecontext.current() == GIVEN
    assert tracecontext.current() is None


def test_a_missing_trace_changes_nothing() -> None:
    with tracecontext.within(GIVEN), tracecontext.within(None), tracecontext.within("bad"):
        assert tracecontext.current() == GIVEN
