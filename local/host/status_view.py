"""An instance's history as the status query shows it: names for numbers, pairs joined into one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from .taskhub.history import EventType

__all__ = ["history_view"]

_NAMES = {
    EventType.EXECUTION_STARTED: "ExecutionStarted",
    EventType.EXECUTION_COMPLETED: "ExecutionCompleted",
    EventType.EXECUTION_TERMINATED: "ExecutionTerminated",
    EventType.TASK_SCHEDULED: "TaskScheduled",
    EventType.TASK_COMPLETED: "TaskCompleted",
    EventType.TASK_FAILED: "TaskFailed",
    EventType.SUB_ORCHESTRATION_CREATED: "SubOrchestrationInstanceCreated",
    EventType.SUB_ORCHESTRATION_COMPLETED: "SubOrchestrationInstanceCompleted",
    EventType.SUB_ORCHESTRATION_FAILED: "SubOrchestrationInstanceFailed",
    EventType.TIMER_CREATED: "TimerCreated",
    EventType.TIMER_FIRED: "TimerFired",
    EventType.EVENT_SENT: "EventSent",
    EventType.EVENT_RAISED: "EventRaised",
    EventType.CONTINUE_AS_NEW: "ContinueAsNew",
    EventType.EXECUTION_SUSPENDED: "ExecutionSuspended",
    EventType.EXECUTION_RESUMED: "ExecutionResumed",
}
_SCHEDULING = {EventType.TASK_SCHEDULED, EventType.SUB_ORCHESTRATION_CREATED}
_COMPLETING = {
    EventType.TASK_COMPLETED,
    EventType.TASK_FAILED,
    EventType.SUB_ORCHESTRATION_COMPLETED,
    EventType.SUB_ORCHESTRATION_FAILED,
}
_WITH_RESULT = {
    EventType.TASK_COMPLETED,
    EventType.SUB_ORCHESTRATION_COMPLETED,
    EventType.EXECUTION_COMPLETED,
}
_HIDDEN = ("EventId", "IsPlayed", "Version", "OrchestrationInstance", "ParentInstance", "Tags")


def history_view(
    events: Sequence[dict[str, Any]], *, show_output: bool, show_input: bool
) -> list[dict[str, Any]]:
    """The ``historyEvents`` of a status answer.

    A task's scheduling is folded into its completion; the frames of turns are left out.
    """
    scheduled = {e["EventId"]: e for e in events if e["EventType"] in _SCHEDULING}
    completed = {e["TaskScheduledId"] for e in events if e["EventType"] in _COMPLETING}
    shown = []
    for event in events:
        kind = EventType(event["EventType"])
        if kind not in _NAMES or (kind in _SCHEDULING and event["EventId"] in completed):
            continue
        item = {key: value for key, value in event.items() if key not in _HIDDEN}
        item["EventType"] = _NAMES[kind]
        if kind is EventType.EXECUTION_STARTED:
            item["FunctionName"] = item.pop("Name")
        if kind in _COMPLETING:
            origin = scheduled.get(item.pop("TaskScheduledId"), {})
            item["ScheduledTime"] = origin.get("Timestamp")
            item["FunctionName"] = origin.get("Name")
            if "Input" in origin:
                item["Input"] = origin["Input"]
        item.pop("TimerId", None)
        if kind in _WITH_RESULT:
            result = item.pop("Result", None)
            if show_output:
                item["Result"] = None if result is None else json.loads(result)
        if not show_input:
            item.pop("Input", None)
        shown.append(item)
    return shown
