"""Runs orchestrations: one turn of an instance takes its messages and is one transaction."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from local.host.invocation import (
    FunctionCaller,
    FunctionFault,
    Invocation,
    WorkerLostError,
    WorkerNotReadyError,
)

from .actions import OrchestrationFaultError, Outcome
from .history import Event, EventType, new_event, wire_history
from .known import KnownFunctions
from .pace import Pace
from .replay import replay
from .rows import Instance, Message
from .store import Store
from .turn import TurnCommit, Wakers
from .work import KeyedWork

__all__ = ["OrchestratorDispatcher"]

_log = logging.getLogger("host.orchestrations")

_MESSAGES_PER_TURN = 1000
_CUSTOM_STATUS_LIMIT_KB = 16
"""Whole ones: some 8,700 characters are taken."""
_STATE_LABEL = "\n\n$OutOfProcData$:"


@dataclass
class Turn:
    """What one turn takes in and arrives at."""

    instance: Instance
    now: float
    past: Sequence[Event]
    taken: list[Message] = field(default_factory=list)
    new: list[Event] = field(default_factory=list)
    status: str = "Running"
    terminated: str | None = None
    """The reason (JSON text) when a message ends the instance."""
    suspended_for: str | None = None
    """The reason (JSON text) when the instance is suspended after this turn."""
    has_rest: bool = False
    """Messages were left for another turn."""

    @property
    def needs_function(self) -> bool:
        """Whether anything happened that the orchestrator function has to see."""
        quiet = {
            EventType.ORCHESTRATOR_STARTED,
            EventType.EXECUTION_SUSPENDED,
            EventType.EXECUTION_RESUMED,
        }
        return self.terminated is None and any(e.type not in quiet for e in self.new)


@dataclass(frozen=True)
class Decision:
    """What the orchestrator function answered."""

    actions: Sequence[dict[str, Any]]
    is_done: bool
    output: str | None
    error: str | None
    details: str | None
    custom_status: str | None


class OrchestratorDispatcher:
    """Takes turns of the instances that have messages."""

    def __init__(
        self,
        store: Store,
        caller: FunctionCaller,
        functions: KnownFunctions,
        *,
        clock: Callable[[], float],
        wake: Wakers,
        pace: Pace,
        concurrency: int,
    ) -> None:
        self._store = store
        self._caller = caller
        self._functions = functions
        self._clock = clock
        self._wake = wake
        self._pace = pace
        self._work = KeyedWork(self._turn, concurrency)

    def wake(self, instance_id: str) -> None:
        """There are messages for an instance, or it is to start."""
        self._work.wake(instance_id)

    async def run(self) -> None:
        """Work until cancelled."""
        await self._work.run()

    async def _turn(self, instance_id: str) -> bool:
        turn = self._begin(instance_id)
        if turn is None:
            return False
        commit = TurnCommit(self._store, self._wake, self._pace, turn.instance, turn.now, turn.past)
        commit.suspended_for = turn.suspended_for
        if turn.terminated is not None:
            commit.end("Terminated", turn.terminated)
        elif turn.needs_function:
            try:
                await self._decide(turn, commit)
            except (WorkerLostError, WorkerNotReadyError) as error:
                _log.warning("a turn of %s is delivered again: %s", instance_id, error)
                await self._caller.wait_ready()
                return True
        return commit.apply(turn.status, turn.taken, turn.new) or turn.has_rest

    # -- taking messages -------------------------------------------------------------------

    def _begin(self, instance_id: str) -> Turn | None:
        """Choose the messages of this turn; None when there is nothing to do."""
        store = self._store
        instance = store.instance(instance_id)
        if instance is None or instance.is_final:
            with store.transaction():
                store.delete_all_messages(instance_id)
            return None
        messages = store.messages(instance_id, _MESSAGES_PER_TURN)
        now = self._clock()
        past = [] if instance.starting else store.history(instance_id)
        turn = Turn(instance, now, past)
        turn.new.append(new_event(EventType.ORCHESTRATOR_STARTED, now))
        if instance.starting:
            turn.new.append(_execution_started(instance, now))
        is_suspended = self._take(turn, messages)
        turn.status = "Suspended" if is_suspended else "Running"
        turn.has_rest = len(messages) > len(turn.taken) or len(messages) == _MESSAGES_PER_TURN
        if len(turn.new) > 1:
            return turn
        if turn.taken:  # nothing but messages for an earlier generation
            with store.transaction():
                store.delete_messages(message.id for message in turn.taken)
        return None

    def _take(self, turn: Turn, messages: Sequence[Message]) -> bool:
        """Take messages into the turn, in order; returns whether it ends suspended.

        A suspended instance leaves everything but *resume* and *terminate* where it is.
        """
        is_suspended = turn.instance.status == "Suspended"
        if is_suspended:
            wakers = (EventType.EXECUTION_RESUMED, EventType.EXECUTION_TERMINATED)
            first = [m for m in messages if m.event.type in wakers][:1]
            messages = [*first, *(m for m in messages if m not in first)] if first else []
        for message in messages:
            kind = message.event.type
            turn.taken.append(message)
            if message.execution_id not in (None, turn.instance.execution_id):
                continue
            turn.new.append(message.event)
            if kind is EventType.EXECUTION_TERMINATED:
                turn.terminated = json.dumps(message.event.fields["Input"])
                return False
            if kind is EventType.EXECUTION_SUSPENDED:
                turn.suspended_for = json.dumps(message.event.fields["Reason"])
                return True
            if kind is EventType.EXECUTION_RESUMED:
                is_suspended = False
        return is_suspended

    # -- the function ----------------------------------------------------------------------

    async def _decide(self, turn: Turn, commit: TurnCommit) -> None:
        """Call the orchestrator function and turn its answer into changes."""
        instance = turn.instance
        try:
            decision = await self._invoke(turn)
            commit.custom_status = decision.custom_status or instance.custom_status
            if size := _oversize(decision.custom_status):
                commit.custom_status = None
                raise OrchestrationFaultError(
                    "The UTF-16 size of the JSON-serialized payload must not exceed 16 KB. The "
                    f"current payload size is {size} KB."
                )
            outcome = replay(
                instance.execution_id, decision.actions, (*turn.past, *turn.new), self._functions
            )
        except OrchestrationFaultError as fault:
            _log.error("orchestration %s fails: %s", instance.instance_id, fault)
            commit.fail(f"Orchestrator function '{instance.name}' failed: {fault}", str(fault))
            return
        commit.schedule(outcome.new)
        self._conclude(instance, decision, outcome, commit)

    @staticmethod
    def _conclude(
        instance: Instance, decision: Decision, outcome: Outcome, commit: TurnCommit
    ) -> None:
        """End the generation if its result counts: not while tasks or timers are open."""
        if not outcome.all_awaited or outcome.has_open_tasks:
            return
        if decision.error is not None:
            message = f"Orchestrator function '{instance.name}' failed: {decision.error}"
            commit.fail(message, decision.details or "")
        elif decision.is_done and outcome.continue_as_new:
            if outcome.buffered:
                _log.warning(
                    "%s continues as new: events that it has not waited for are lost, as in "
                    "Azure: %s",
                    *(instance.instance_id, ", ".join(outcome.buffered)),
                )
            commit.continue_as_new(outcome.next_input, outcome.carried)
        elif decision.is_done:
            commit.end("Completed", decision.output)

    async def _invoke(self, turn: Turn) -> Decision:
        instance = turn.instance
        function = self._functions.table.orchestrators.get(instance.name)
        if function is None:
            self._functions.check_orchestrator(instance.name)
            raise AssertionError("unreachable: the check above raises")
        head = json.dumps(
            {
                "input": None if instance.input is None else json.loads(instance.input),
                "instanceId": instance.instance_id,
                "isReplaying": bool(turn.past),
                "parentInstanceId": instance.parent_instance_id,
                "upperSchemaVersion": 1,
                "upperSchemaVersionNew": 2,
                "longRunningTimerIntervalDuration": "3.00:00:00",
                "maximumShortTimerDuration": "6.00:00:00",
                "defaultHttpAsyncRequestSleepTimeMillseconds": 30000,
            }
        )
        history = wire_history((event.body for event in turn.past), turn.new)
        result = await self._caller.invoke(
            Invocation(
                function,
                {str(function.trigger["name"]): {"type": "string"}},
                f'{head[:-1]},"history":{history}}}'.encode(),
                traceparent=instance.traceparent,
            )
        )
        try:
            if result.fault is not None:
                return _failed_decision(result.fault)
            return _decision(json.loads(result.text), None)
        except (ValueError, KeyError, TypeError) as error:
            raise OrchestrationFaultError(
                f"it did not answer as the Durable SDK does ({error!r}): is it declared with "
                "orchestration_trigger?"
            ) from error


def _execution_started(instance: Instance, now: float) -> Event:
    parent = None
    if instance.parent_instance_id is not None:
        parent = {
            "OrchestrationInstance": {
                "InstanceId": instance.parent_instance_id,
                "ExecutionId": instance.parent_execution_id,
            },
            "TaskScheduleId": instance.parent_task_id,
        }
    return new_event(
        EventType.EXECUTION_STARTED,
        now,
        Name=instance.name,
        Version=instance.version,
        OrchestrationInstance={
            "InstanceId": instance.instance_id,
            "ExecutionId": instance.execution_id,
        },
        ParentInstance=parent,
        Tags=None,
    )


def _decision(state: dict[str, Any], stack: str | None) -> Decision:
    actions = state["actions"]
    if len(actions) != 1:
        raise OrchestrationFaultError(
            f"the orchestrator answered in another schema ({len(actions)} lists of actions)"
        )
    error = state.get("error")
    status = state.get("customStatus")
    return Decision(
        actions=actions[0],
        is_done=bool(state["isDone"]),
        output=json.dumps(state["output"]) if "output" in state else None,
        error=error,
        details=None if error is None else f"Message: {error}, StackTrace: {stack}",
        custom_status=None if status is None else json.dumps(status),
    )


def _failed_decision(fault: FunctionFault) -> Decision:
    """The state that an orchestrator which raised puts behind a label in its message."""
    _, label, state = fault.message.partition(_STATE_LABEL)
    if not label:
        raise OrchestrationFaultError(fault.text)
    return _decision(json.loads(state), fault.stack.split(_STATE_LABEL, 1)[0])


def _oversize(custom_status: str | None) -> int:
    """The size in whole KB of a custom status that is too large, else 0."""
    size = 0 if custom_status is None else 2 * len(custom_status) // 1024
    return size if size > _CUSTOM_STATUS_LIMIT_KB else 0
