"""The functions of the app as the host sees them: a name, a trigger and other bindings."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Function", "FunctionTable", "is_disabled"]

_TRUE = {"1", "true"}
_SERVED = {
    "httpTrigger",
    "http",
    "orchestrationTrigger",
    "activityTrigger",
    "entityTrigger",
    "durableClient",
    "timerTrigger",
    "blobTrigger",
    "eventGridTrigger",
}


@dataclass(frozen=True)
class Function:
    """One indexed function."""

    name: str
    trigger: Mapping[str, Any]
    """The trigger binding, as the decorators describe it."""
    bindings: Sequence[Mapping[str, Any]]
    disabled: bool

    @property
    def trigger_type(self) -> str:
        """``httpTrigger``, ``activityTrigger``, …"""
        return str(self.trigger["type"])

    @property
    def not_served(self) -> list[str]:
        """The types of its bindings that the local host does not have; it cannot run with any."""
        return sorted({str(b["type"]) for b in self.bindings} - _SERVED)

    @property
    def client_parameter(self) -> str | None:
        """The parameter that receives the durable client, if there is one."""
        for binding in self.bindings:
            if binding["type"] == "durableClient":
                return str(binding["name"])
        return None

    @classmethod
    def from_listing(cls, entry: Mapping[str, Any]) -> Function:
        """Build from what the worker reports.

        :raises ValueError: the function has no trigger, or more than one.
        """
        bindings: list[Mapping[str, Any]] = entry["bindings"]
        triggers = [b for b in bindings if str(b["type"]).lower().endswith("trigger")]
        if len(triggers) != 1:
            raise ValueError(f"function {entry['name']!r} needs exactly one trigger")
        name: str = entry["name"]
        return cls(name, triggers[0], bindings, is_disabled(name))


class FunctionTable:
    """The functions by trigger; names of durable functions are those their trigger gives."""

    def __init__(self, functions: Sequence[Function]) -> None:
        self.all = list(functions)
        self.orchestrators = self._durable("orchestrationTrigger", "orchestration")
        self.activities = self._durable("activityTrigger", "activity")
        self.entities = {
            name.lower(): function
            for name, function in self._durable("entityTrigger", "entityName").items()
        }

    def enabled(self, trigger_type: str) -> list[Function]:
        """The functions with this trigger that can run and are not disabled."""
        return [
            f
            for f in self.all
            if f.trigger_type == trigger_type and not f.disabled and not f.not_served
        ]

    def _durable(self, trigger_type: str, name_key: str) -> dict[str, Function]:
        return {str(f.trigger.get(name_key) or f.name): f for f in self.enabled(trigger_type)}


def is_disabled(function: str) -> bool:
    """Whether the setting ``AzureWebJobs.<function>.Disabled`` (or with ``_``) is 1 or true."""
    for separator in ".", "_":
        setting = os.environ.get(f"AzureWebJobs{separator}{function}{separator}Disabled", "")
        if setting.lower() in _TRUE:
            return True
    return False
