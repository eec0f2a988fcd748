"""What crosses the border between the Durable extension and an orchestrator, and its replay."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from orchestrations import (
    accept_batch,
    accept_drop,
    deliver_webhooks,
    generate_video,
    run_batch,
)
from orchestrations.drained import generate_video as earlier
from orchestrations.drained import repeat_step

__all__ = [
    "ORCHESTRATORS",
    "Act",
    "Generation",
    "Kind",
    "Turn",
    "call",
    "essence",
    "flat",
    "handle_of",
    "is_numbered",
    "replay",
]

_ERROR_MARK = "\n\n$OutOfProcData$:"


class Kind(IntEnum):
    """Numbers of history events (``azure.durable_functions``' ``HistoryEventType``)."""

    EXECUTION_STARTED = 0
    TASK_SCHEDULED = 4
    TASK_COMPLETED = 5
    TASK_FAILED = 6
    SUB_CREATED = 7
    SUB_COMPLETED = 8
    SUB_FAILED = 9
    TIMER_CREATED = 10
    TIMER_FIRED = 11
    ORCHESTRATOR_STARTED = 12
    ORCHESTRATOR_COMPLETED = 13
    EVENT_SENT = 14
    EVENT_RAISED = 15


class Act(IntEnum):
    """Numbers of actions (``ActionType``)."""

    ACTIVITY = 0
    SUB_ORCHESTRATION = 2
    CONTINUE_AS_NEW = 4
    TIMER = 5
    EXTERNAL_EVENT = 6
    CALL_ENTITY = 7
    SIGNAL_ENTITY = 9
    ANY = 11
    ALL = 12


def handle_of(builder: Any) -> Callable[[str], str]:
    """The function that the worker calls, out of what the decorators made."""
    handle: Callable[[str], str] = builder._function.get_user_function()
    return handle


ORCHESTRATORS: Mapping[str, Callable[[str], str]] = {
    "generate_video_v1": handle_of(earlier.generate_video_v1),
    "generate_video_v2": handle_of(earlier.generate_video_v2),
    "generate_video_v3": handle_of(earlier.generate_video_v3),
    "generate_video_v4": handle_of(generate_video.generate_video_v4),
    "repeat_step_v1": handle_of(repeat_step.repeat_step_v1),
    "repeat_step_v2": handle_of(repeat_step.repeat_step_v2),
    "repeat_step_v3": handle_of(repeat_step.repeat_step_v3),
    "accept_drop_v1": handle_of(accept_drop.accept_drop_v1),
    "accept_drop_v2": handle_of(accept_drop.accept_drop_v2),
    "deliver_webhooks_v1": handle_of(deliver_webhooks.deliver_webhooks_v1),
    "accept_batch_v1": handle_of(accept_batch.accept_batch_v1),
    "run_batch_v1": handle_of(run_batch.run_batch_v1),
}


@dataclass(frozen=True)
class Turn:
    """One call of the orchestrator: how much history it saw, and what it answered."""

    length: int
    answer: Mapping[str, Any]


@dataclass
class Generation:
    """One execution of an instance, between two continue-as-new."""

    orchestrator: str
    instance_id: str
    input: str
    history: list[dict[str, Any]] = field(default_factory=list)
    turns: list[Turn] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        """All of it as JSON, to be kept for later versions."""
        return {
            "orchestrator": self.orchestrator,
            "instance_id": self.instance_id,
            "input": self.input,
            "history": self.history,
            "turns": [{"length": t.length, "answer": t.answer} for t in self.turns],
        }

    @classmethod
    def load(cls, document: Mapping[str, Any]) -> Generation:
        """The inverse of ``document``."""
        turns = [Turn(t["length"], t["answer"]) for t in document["turns"]]
        return cls(
            document["orchestrator"],
            document["instance_id"],
            document["input"],
            document["history"],
            turns,
        )


def replay(generation: Generation) -> Iterator[tuple[list[Any], list[Any]]]:
    """Replay every turn of a recorded history with the code as it is now.

    Yields the recorded and the new essence of the actions, the output, error and status.
    """
    for turn in generation.turns:
        answer = call(generation, generation.history[: turn.length])
        yield _summary(turn.answer), _summary(answer)


def _summary(answer: Mapping[str, Any]) -> list[Any]:
    ends = [answer.get(key) for key in ("isDone", "output", "error", "customStatus")]
    return [*ends, *(dict(action) for action in flat(answer["actions"]))]


def call(generation: Generation, history: list[dict[str, Any]]) -> Mapping[str, Any]:
    """One turn: JSON in, JSON out, as the extension and the worker exchange it."""
    body = {
        "history": history,
        "input": generation.input,
        "instanceId": generation.instance_id,
        "isReplaying": False,
        "parentInstanceId": None,
        "upperSchemaVersion": 1,
        "upperSchemaVersionNew": 2,
        "maximumShortTimerDuration": "6.00:00:00",
        "longRunningTimerIntervalDuration": "3.00:00:00",
    }
    with warnings.catch_warnings():
        # The SDK takes an event that comes before its wait for a duplicate, and keeps it.
        warnings.filterwarnings("ignore", "Potential duplicate Task completion")
        # Payloads are plain JSON: there are no types to give.
        warnings.filterwarnings("ignore", "azure.functions df_(loads|dumps) was called")
        try:
            text = ORCHESTRATORS[generation.orchestrator](json.dumps(body))
        except Exception as error:
            # How the SDK reports a failed orchestrator.
            _, mark, text = str(error).partition(_ERROR_MARK)
            if not mark:
                raise
    answer: Mapping[str, Any] = json.loads(text)
    return answer


def flat(actions: list[list[Mapping[str, Any]]]) -> list[Mapping[str, Any]]:
    """The actions in the order of their numbers: compound ones are their children."""
    flat: list[Mapping[str, Any]] = []
    waiting = [action for batch in actions for action in batch]
    while waiting:
        action = waiting.pop(0)
        if action["actionType"] in (Act.ANY, Act.ALL):
            waiting[:0] = action["compoundActions"]
        else:
            flat.append(action)
    return flat


def is_numbered(action: Mapping[str, Any]) -> bool:
    return action["actionType"] not in (Act.EXTERNAL_EVENT, Act.CONTINUE_AS_NEW)


def essence(action: Mapping[str, Any]) -> dict[str, Any]:
    """An action without what may change afterwards: a timer can be cancelled."""
    return {key: value for key, value in action.items() if key != "isCanceled"}
