"""What an operator does with Durable's management API."""

from __future__ import annotations

import json
from typing import Any

import httpx

from tests.stack import RunningStack

__all__ = ["instance", "instances", "quota_state", "system_key", "terminate"]


def system_key(stack: RunningStack, extension: str) -> str:
    """The key of an extension's webhooks, e.g. ``durabletask``."""
    answer = stack.operator.get(f"/admin/host/systemkeys/{extension}_extension")
    return str(answer.raise_for_status().json()["value"])


def instance(stack: RunningStack, instance_id: str) -> dict[str, Any]:
    """The status of an instance."""
    status: dict[str, Any] = _call(stack, "GET", f"instances/{instance_id}").json()
    return status


def instances(stack: RunningStack) -> list[dict[str, Any]]:
    """The status of all instances."""
    listed: list[dict[str, Any]] = _call(stack, "GET", "instances").json()
    return listed


def terminate(stack: RunningStack, instance_id: str) -> None:
    """End an instance by force."""
    _call(stack, "POST", f"instances/{instance_id}/terminate")


def quota_state(stack: RunningStack, deployment: str) -> dict[str, Any]:
    """The state of a deployment's quota entity."""
    state: Any = _call(stack, "GET", f"entities/quota/{deployment}").json()
    decoded: dict[str, Any] = json.loads(state) if isinstance(state, str) else state
    return decoded


def _call(stack: RunningStack, method: str, path: str) -> httpx.Response:
    answer = stack.anonymous.request(
        method,
        f"/runtime/webhooks/durabletask/{path}",
        params={"code": system_key(stack, "durabletask"), "reason": "a test"},
    )
    return answer.raise_for_status()
