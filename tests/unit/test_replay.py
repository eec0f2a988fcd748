"""The times of a history are what the SDK's own parser makes of them."""

from __future__ import annotations

import importlib

import pytest
from azure.durable_functions.models.history.HistoryEvent import HistoryEvent
from azure.durable_functions.models.history.HistoryEventType import HistoryEventType

import function_app
from orchestrations import replay

MODULE = importlib.import_module("azure.durable_functions.models.history.HistoryEvent")


@pytest.mark.parametrize(
    "text",
    [
        "2026-12-01T08:30:00Z",
        "2026-12-01T08:30:00.1Z",
        "2026-12-01T08:30:00.123456Z",
        "2026-12-01T08:30:00.1234567Z",
        "2026-12-01T08:30:00.9999999Z",
        "2026-12-01T08:30:00.5+01:00",
        "2026-12-01T08:30:00",
        "12/01/2026 08:30:00",
    ],
)
def test_a_time_is_read_as_the_sdk_reads_it(text: str) -> None:
    dateutil = importlib.import_module("dateutil.parser")
    expected = dateutil.parse(text)
    event = HistoryEvent(HistoryEventType.ORCHESTRATOR_STARTED, -1, False, text)
    assert event.timestamp == expected
    assert event.timestamp.utcoffset() == expected.utcoffset()


def test_the_app_has_given_it_the_faster_parser() -> None:
    assert function_app.app
    assert MODULE.dt_parse.__module__ == replay.__name__


def test_where_the_sdk_parses_otherwise_it_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(MODULE, "dt_parse")
    replay.read_times_faster()
    assert not hasattr(MODULE, "dt_parse")
