"""Azure says that it retires a model: operators are warned, callers told, and nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.stack import RunningStack, running_stack


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[RunningStack]:
    with running_stack(tmp_path, own=True) as stack:
        yield stack


def _timer(stack: RunningStack) -> None:
    path = "/admin/functions/warn_of_retirements"
    stack.operator.post(path, json={"input": None}).raise_for_status()


def _model(stack: RunningStack) -> dict[str, Any]:
    found: dict[str, Any] = stack.api.get("/v1/models/sora-2").raise_for_status().json()
    return found


def _warnings(stack: RunningStack) -> list[dict[str, Any]]:
    return [event for event in stack.events() if event["type"] == "dailies.model.retiring"]


def test_it_is_warned_of_once_and_nothing_is_sent_there_from_that_day(stack: RunningStack) -> None:
    today = datetime.now(UTC).date()
    day = today + timedelta(days=6)
    stack.simulator.patch("/_inspect/settings", json={"retires": {"sora-2": str(day)}})
    assert _model(stack)["retires_at"] is None
    _timer(stack)
    stack.wait_until(lambda: _warnings(stack) or None, within=60, what="the warning is published")
    _timer(stack)
    [told] = _warnings(stack)
    assert told["id"] == f"azure-sora-2.{day}.retiring.7"
    assert (told["subject"], told["data"]["days_left"]) == ("/models/sora-2", 6)
    assert (_model(stack)["retires_at"], _model(stack)["available"]) == (str(day), True)
    assert stack.wait_for(stack.create("the last one [sim label=last]"))["status"] == "completed"
    stack.simulator.patch("/_inspect/settings", json={"retires": {"sora-2": str(today)}})
    _timer(stack)
    stack.wait_until(lambda: not _model(stack)["available"] or None, within=60, what="it is gone")
    video = stack.wait_for(stack.create("too late [sim label=late]"))
    assert (video["status"], video["error"]["code"]) == ("failed", "model_retired")
    assert not stack.jobs("too late")
    # An earlier day is news.
    stack.wait_until(lambda: len(_warnings(stack)) == 2 or None, within=60, what="it is told")
    assert _warnings(stack)[-1]["data"]["days_left"] == 0
