"""What an operator does with Durable's management API."""

from __future__ import annotations

import json
from typing import Any

import httpx

from tests.stack import RunningStack

__all__ = [
    "instance",
    "instances",
    "longest_history",
    "quota_state",
    "system_key",
    "terminate",
]

_CONTINUATION = "x-ms-continuation-token"
_EVENTS = {
    "TaskCompleted": 4,
    "TaskFailed": 4,
    "SubOrchestrationInstanceCompleted": 4,
    "SubOrchestrationInstanceFailed": 4,
    "TimerFired": 3,
    "EventRaised": 3,
    "ExecutionStarted": 2,
    "ExecutionCompleted": 2,
}
"""Events of history behind one that is shown, with the frames of a turn of its own."""


def system_key(stack: RunningStack, extension: str) -> str:
    """The key of an extension's webhooks, e.g. ``durabletask``."""
    answer = stack.operator.get(f"/admin/host/systemkeys/{extension}_extension")
    return str(answer.raise_for_status().json()["value"])


def instance(stack: RunningStack, instance_id: str) -> dict[str, Any]:
    """The status of an instance."""
    status: dict[str, Any] = _call(stack, "GET", f"instances/{instance_id}").json()
    return status


def instances(stack: RunningStack) -> list[dict[str, Any]]:
    """The status of all instances, page by page."""
    listed: list[dict[str, Any]] = []
    headers: dict[str, str] = {}
    while True:
        answer = _call(stack, "GET", "instances", {}, headers)
        listed += answer.json()
        token = answer.headers.get(_CONTINUATION)
        if not token or not answer.json():
            return listed
        headers = {_CONTINUATION: token}


def longest_history(stack: RunningStack) -> int:
    """The most events that an instance has in its history, at the most.

    What the HTTP API shows leaves out the frames of turns, and folds a task's beginning into its
    end: each end counts as four events, whoever shared its turn.
    """
    longest = 0
    for listed in instances(stack):
        if listed["instanceId"].startswith("@"):
            continue  # an entity
        query = {"showHistory": "true", "showInput": "false"}
        shown = _call(stack, "GET", f"instances/{listed['instanceId']}", query).json()
        kinds = [event["EventType"] for event in shown.get("historyEvents") or ()]
        longest = max(longest, sum(_EVENTS.get(kind, 1) for kind in kinds))
    return longest


def terminate(stack: RunningStack, instance_id: str) -> None:
    """End an instance by force."""
    _call(stack, "POST", f"instances/{instance_id}/terminate")


def quota_state(stack: RunningStack, deployment: str) -> dict[str, Any]:
    """The state of a deployment's quota entity."""
    state: Any = _call(stack, "GET", f"entities/quota/{deployment}").json()
    decoded: dict[str, Any] = json.loads(state) if isinstance(state, str) else state
    return decoded


def _call(
    stack: RunningStack,
    method: str,
    path: str,
    query: dict[str, str] | None = None,
    headers: dict[str, str] | None = None,
) -> httpx.Response:
    answer = stack.anonymous.request(
        method,
        f"/runtime/webhooks/durabletask/{path}",
        params={"code": system_key(stack, "durabletask"), "reason": "a test", **(query or {})},
        headers=headers,
    )
    return answer.raise_for_status()
