"""Which durable functions the app has, as its last indexing found them."""

from __future__ import annotations

from collections.abc import Iterable

from local.host.functions import FunctionTable

from .actions import OrchestrationFaultError

__all__ = ["KnownFunctions", "UnknownFunctionError"]


class UnknownFunctionError(OrchestrationFaultError):
    """No function with this name and trigger exists; the message lists those that do."""


class KnownFunctions:
    """The functions that the hub may call; :attr:`table` is replaced when the app is indexed."""

    def __init__(self) -> None:
        self.table = FunctionTable([])

    def check_activity(self, name: str) -> None:
        """:raises UnknownFunctionError: there is no such activity."""
        if name not in self.table.activities:
            raise _unknown(name, "an activity", self.table.activities)

    def check_orchestrator(self, name: str) -> None:
        """:raises UnknownFunctionError: there is no such orchestrator."""
        if name not in self.table.orchestrators:
            raise _unknown(name, "an orchestrator", self.table.orchestrators)

    def check_entity(self, name: str) -> None:
        """:raises UnknownFunctionError: there is no such entity."""
        if name.lower() not in self.table.entities:
            raise _unknown(name, "an entity", self.table.entities)


def _unknown(name: str, article_and_kind: str, known: Iterable[str]) -> UnknownFunctionError:
    kind = article_and_kind.split(" ", 1)[1]
    names = "', '".join(sorted(known))
    return UnknownFunctionError(
        f"The function '{name}' doesn't exist, is disabled, or is not {article_and_kind} function. "
        "Additional info: "
        + (
            f"The following are the known {kind} functions: '{names}'."
            if known
            else f"No {kind} functions are currently registered!"
        )
    )
