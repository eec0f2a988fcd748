"""Every line is one JSON object, and no exception's text is in it."""

from __future__ import annotations

import ast
import json
import logging
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError

from dailies.telemetry.logs import FaultError, log_event, telling_fault

ROOT = Path(__file__).resolve().parents[3]
PACKAGES = ("dailies", "triggers", "orchestrations", "activities", "entities")
WRITES = frozenset(
    {"debug", "info", "warning", "warn", "error", "exception", "critical", "log", "print"}
)


def _line(caplog: pytest.LogCaptureFixture) -> dict[str, Any]:
    (record,) = caplog.records
    assert record.exc_info is None  # the worker puts a traceback behind the message
    found: dict[str, Any] = json.loads(record.getMessage())
    return found


def _fails(secret: str) -> None:
    try:
        raise ValueError(secret)
    except ValueError as error:
        raise KeyError(secret) from error


def test_a_fault_is_told_by_type_and_place(caplog: pytest.LogCaptureFixture) -> None:
    try:
        _fails("a red kite")
    except KeyError as error:
        log_event("sweep_failed", level=logging.ERROR, fault=error, video_id="video_1")
    line = _line(caplog)
    assert (line["event"], line["video_id"]) == ("sweep_failed", "video_1")
    assert (line["fault"], line["fault_cause"]) == ("KeyError", "ValueError")
    assert line["fault_at"].startswith(f"{__name__}:")
    assert line["fault_at"].endswith(" _fails")
    assert "kite" not in caplog.text


def test_what_of_ours_had_called_is_told(caplog: pytest.LogCaptureFixture) -> None:
    try:
        log_event("swept", level="no level")  # type: ignore[arg-type] # it fails in the library
    except TypeError as error:
        log_event("sweep_failed", level=logging.WARNING, fault=error)
    inner, *callers = _line(caplog)["fault_at"].split(" < ")
    assert inner.startswith("logging:")
    assert callers[0].startswith("dailies.telemetry.logs:")


@pytest.mark.parametrize(
    ("code", "told"), [("AuthorizationPermissionMismatch", True), ("<html>a red kite", False)]
)
def test_what_a_service_answered_is_told_by_its_code(
    caplog: pytest.LogCaptureFixture, code: str, told: bool
) -> None:
    error = HttpResponseError(message="This request is not authorized for a red kite")
    error.status_code, error.error_code = 403, code  # type: ignore[attr-defined] # as storage's are
    log_event("publish_failed", level=logging.WARNING, fault=error)
    line = _line(caplog)
    assert (line["fault_status"], line.get("fault_code")) == (403, code if told else None)
    assert line["fault"] == "azure.core.exceptions.HttpResponseError"
    assert "kite" not in caplog.text


def test_a_functions_fault_is_told_and_goes_on_without_its_text(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with (
        pytest.raises(FaultError, match=r"^KeyError at ") as caught,
        telling_fault("check_video", video_id="video_1"),
    ):
        _fails("a red kite")
    line = _line(caplog)
    assert (line["event"], line["function"], line["video_id"]) == (
        "function_fault",
        "check_video",
        "video_1",
    )
    assert "kite" not in caplog.text + str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_what_has_no_value_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    log_event("swept", level=logging.WARNING, video_id="video_1", owner=None)
    assert _line(caplog) == {"event": "swept", "video_id": "video_1"}


def test_nothing_is_logged_another_way() -> None:
    """The worker drops a record's extra fields; a traceback is no JSON."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            if path == ROOT / "dailies" / "telemetry" / "logs.py":
                continue
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if not isinstance(node, ast.Call):
                    continue
                keywords = {keyword.arg for keyword in node.keywords}
                assert not keywords & {"exc_info", "stack_info"}, path
                assert not _writes(node.func), f"{path}:{node.lineno}"


def _writes(function: ast.expr) -> bool:
    """Whether it is ``print``, or a method of a logger by the name that loggers have."""
    if isinstance(function, ast.Name):
        return function.id == "print"
    if not isinstance(function, ast.Attribute) or function.attr not in WRITES:
        return False
    owner = ast.unparse(function.value).lower()
    return "log" in owner.split(".")[-1] or owner.startswith("logging")
