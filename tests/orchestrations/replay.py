"""A durable task hub in miniature: runs orchestrators through the SDK's own replay code.

Histories are built event by event, as the Durable extension does: every turn replays the whole
history of the generation, the actions are read from the answer, and what happens next is appended.
Time jumps from one event to the next; nothing sleeps. Beyond running, it checks what Azure leaves
to the orchestrator:

- the actions of a turn begin with those of the turn before (determinism);
- nothing is left open when an instance completes (Azure would keep it Running for ever);
- every prefix of a history gives the same actions again (``wire.replay``).
"""

from __future__ import annotations

import itertools
import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from entities import quota as quota_entity
from tests.orchestrations.wire import (
    Act,
    Generation,
    Kind,
    Turn,
    call,
    essence,
    flat,
    handle_of,
    is_numbered,
)

__all__ = ["Activity", "Call", "Engine", "Fault", "OrchestrationFailed"]

START = datetime(2026, 11, 21, 12, 0, tzinfo=UTC).timestamp()
_MOST_TURNS = 20_000


_ENTITIES: Mapping[str, Callable[[str], str]] = {"quota": handle_of(quota_entity.quota)}


class Fault(Exception):
    """What a scripted activity raises to fail."""


class OrchestrationFailed(Exception):
    """The instance failed, with the orchestrator's message."""


@dataclass(frozen=True)
class Call:
    """An activity that was called."""

    at: float
    name: str
    payload: Any


Activity = Callable[[Any], Any]


class Engine:
    """Runs instances to their end. ``now`` is Unix seconds.

    Args:
        activities: by name; each gets its payload and returns a result, or raises ``Fault``.
        activity_seconds: how long each takes.
    """

    def __init__(
        self, activities: Mapping[str, Activity], *, activity_seconds: float = 0.05
    ) -> None:
        self.now = START
        self.calls: list[Call] = []
        self.generations: list[Generation] = []
        self.statuses: list[Any] = []
        self.signals: list[tuple[str, str, Any]] = []
        self.entity_states: dict[str, str] = {}
        self._activities = activities
        self._activity_seconds = activity_seconds
        self._raised: list[tuple[float, str, str]] = []

    def raise_event(self, instance_id: str, name: str, *, at: float) -> None:
        """Let an external event reach the instance at that time, if it runs then."""
        self._raised.append((at, instance_id, name))
        self._raised.sort()

    def run(self, orchestrator: str, payload: Any, instance_id: str) -> Any:
        """The output of a new instance.

        Raises:
            OrchestrationFailed: it failed.
        """
        text = json.dumps(payload)
        # An event for an instance that does not run yet is lost.
        self._raised = [e for e in self._raised if e[1] != instance_id or e[0] >= self.now]
        while True:
            generation = Generation(orchestrator, instance_id, text)
            self.generations.append(generation)
            execution = _Execution(self, generation)
            text_or_end = execution.run()
            if text_or_end is None:
                return execution.output
            text = text_or_end

    def called(self, name: str) -> list[Call]:
        """The calls of one activity, in order."""
        return [call for call in self.calls if call.name == name]

    def call_activity(self, name: str, payload: Any) -> Any:
        """Run a scripted activity; it takes its time. Raises ``Fault``."""
        self.calls.append(Call(self.now, name, payload))
        self.now += self._activity_seconds
        result = self._activities[name](payload)
        # What crosses the border is JSON, and small.
        text = json.dumps(result)
        assert len(text) < 16_000
        return json.loads(text)

    def call_entity(self, target: str, operation: str, argument: str, *, signal: bool) -> str:
        """Run one operation of a real entity function; gives its JSON result."""
        _, name, key = target.split("@", 2)
        state = self.entity_states.get(target)
        request = {
            "self": {"name": name, "key": key},
            "exists": state is not None,
            "state": state,
            # JSON in JSON: the text of the argument is itself a JSON value to the extension.
            "batch": [{"name": operation, "input": json.dumps(argument), "isSignal": signal}],
        }
        answer = json.loads(_ENTITIES[name](json.dumps(request)))
        self.entity_states[target] = answer["entityState"]
        result = answer["results"][0]
        assert not result["isError"], result
        if signal:
            self.signals.append((target, operation, json.loads(argument)))
        return str(result["result"])

    def due(self, kind: Act, fire_at: float) -> float:
        """When something that is open now would complete."""
        if kind is Act.TIMER:
            return max(fire_at, self.now)
        return self.now + (self._activity_seconds if kind is Act.ACTIVITY else 0.0)

    def next_event(self, instance_id: str, before: float) -> str | None:
        """Take the first external event of the instance that comes before then."""
        for place, (at, target, name) in enumerate(self._raised):
            if target == instance_id and at <= before:
                del self._raised[place]
                self.now = max(self.now, at)
                return name
        return None


@dataclass
class _Open:
    """Something scheduled that has not completed."""

    kind: Act
    action: Mapping[str, Any]
    fire_at: float = 0.0
    request: str = ""


class _Execution:
    """The run of one generation."""

    def __init__(self, engine: Engine, generation: Generation) -> None:
        self._engine = engine
        self._generation = generation
        self._ids = itertools.count()
        self._open: dict[int, _Open] = {}
        self._seen = 0
        self.output: Any = None

    def run(self) -> str | None:
        """Run to the end; the next generation's input, or None."""
        engine, generation = self._engine, self._generation
        self._append(Kind.ORCHESTRATOR_STARTED)
        self._append(
            Kind.EXECUTION_STARTED,
            Name=generation.orchestrator,
            Input=generation.input,
            Version="",
        )
        for _ in range(_MOST_TURNS):
            answer = call(generation, generation.history)
            generation.turns.append(Turn(len(generation.history), answer))
            if answer.get("customStatus") not in (None, *engine.statuses[-1:]):
                engine.statuses.append(answer["customStatus"])
            if (error := answer.get("error")) is not None:
                raise OrchestrationFailed(error)
            following = self._schedule(answer)
            self._append(Kind.ORCHESTRATOR_COMPLETED)
            if following is not None:
                return following
            if answer["isDone"]:
                left = [task.action for task in self._open.values()]
                assert not left, f"{generation.instance_id} would stay Running: {left}"
                self.output = answer.get("output")
                return None
            self._complete_next()
        raise AssertionError(f"{generation.instance_id} does not end")

    def _schedule(self, answer: Mapping[str, Any]) -> str | None:
        """Write down what the actions scheduled; the new input when it continues as new."""
        actions = flat(answer["actions"])
        self._check_prefix(actions)
        for action in actions[self._seen :]:
            kind = Act(action["actionType"])
            if kind is Act.CONTINUE_AS_NEW:
                return str(action["input"])
            if kind is not Act.EXTERNAL_EVENT:
                self._open_one(next(self._ids), kind, action)
        self._seen = len(actions)
        # A timer may be cancelled in a later turn than the one that created it.
        for number, timer in enumerate(a for a in actions if is_numbered(a)):
            if timer.get("isCanceled"):
                self._open.pop(number, None)
        return None

    def _open_one(self, number: int, kind: Act, action: Mapping[str, Any]) -> None:
        task = _Open(kind, action)
        self._open[number] = task
        match kind:
            case Act.ACTIVITY:
                self._append(Kind.TASK_SCHEDULED, number, Name=action["functionName"])
            case Act.SUB_ORCHESTRATION:
                self._append(
                    Kind.SUB_CREATED,
                    number,
                    Name=action["functionName"],
                    InstanceId=action["instanceId"],
                )
            case Act.TIMER:
                task.fire_at = datetime.fromisoformat(action["fireAt"]).timestamp()
                self._append(Kind.TIMER_CREATED, number, FireAt=action["fireAt"])
            case Act.CALL_ENTITY | Act.SIGNAL_ENTITY:
                task.request = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{self._generation}{number}"))
                message = {"op": action["operation"], "id": task.request, "input": action["input"]}
                self._append(
                    Kind.EVENT_SENT,
                    number,
                    Name="op",
                    InstanceId=action["instanceId"],
                    Input=json.dumps(message),
                )
                if kind is Act.SIGNAL_ENTITY:
                    self._message_entity(task, signal=True)
                    del self._open[number]

    def _complete_next(self) -> None:
        """Let the next thing happen: an external event, or the first open task."""
        engine = self._engine
        due = {n: engine.due(task.kind, task.fire_at) for n, task in self._open.items()}
        number = min(due, key=lambda n: (due[n], n), default=None)
        before = float("inf") if number is None else due[number]
        name = engine.next_event(self._generation.instance_id, before)
        if name is not None:
            self._start_turn()
            self._append(Kind.EVENT_RAISED, Name=name, Input="true")
            return
        assert number is not None, f"{self._generation.instance_id} waits for nothing"
        task = self._open.pop(number)
        match task.kind:
            case Act.ACTIVITY:
                self._complete(number, task, Kind.TASK_COMPLETED, Kind.TASK_FAILED)
            case Act.SUB_ORCHESTRATION:
                self._complete(number, task, Kind.SUB_COMPLETED, Kind.SUB_FAILED)
            case Act.TIMER:
                engine.now = max(engine.now, task.fire_at)
                self._start_turn()
                self._append(Kind.TIMER_FIRED, TimerId=number, FireAt=task.action["fireAt"])
            case Act.CALL_ENTITY:
                result = self._message_entity(task, signal=False)
                self._start_turn()
                answer = json.dumps({"result": result})
                self._append(Kind.EVENT_RAISED, Name=task.request, Input=answer)

    def _complete(self, number: int, task: _Open, completed: Kind, failed: Kind) -> None:
        name = str(task.action["functionName"])
        payload = json.loads(task.action["input"])
        try:
            if completed is Kind.TASK_COMPLETED:
                result = self._engine.call_activity(name, payload)
            else:
                result = self._engine.run(name, payload, str(task.action["instanceId"]))
        except (Fault, OrchestrationFailed) as error:
            kind = "Activity" if completed is Kind.TASK_COMPLETED else "Orchestrator"
            reason = f"{kind} function '{name}' failed: {error}"
            self._start_turn()
            self._append(failed, TaskScheduledId=number, Reason=reason, Details="{}")
            return
        self._start_turn()
        self._append(completed, TaskScheduledId=number, Result=json.dumps(result))

    def _message_entity(self, task: _Open, *, signal: bool) -> str:
        action = task.action
        return self._engine.call_entity(
            action["instanceId"], action["operation"], action["input"], signal=signal
        )

    def _start_turn(self) -> None:
        for event in self._generation.history:
            event["IsPlayed"] = True
        self._append(Kind.ORCHESTRATOR_STARTED)

    def _append(self, kind: Kind, event_id: int = -1, **fields: Any) -> None:
        moment = datetime.fromtimestamp(self._engine.now, UTC)
        self._generation.history.append(
            {
                "EventType": int(kind),
                "EventId": event_id,
                "IsPlayed": False,
                "Timestamp": moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
                **fields,
            }
        )

    def _check_prefix(self, actions: list[Mapping[str, Any]]) -> None:
        if len(self._generation.turns) > 1:
            before = flat(self._generation.turns[-2].answer["actions"])
            assert [essence(a) for a in before] == [essence(a) for a in actions[: len(before)]]
