"""Runs entities: batches of operations, one batch of an entity at a time."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from local.host.invocation import (
    FunctionCaller,
    Invocation,
    WorkerLostError,
    WorkerNotReadyError,
)

from .history import EventType, new_event
from .known import KnownFunctions
from .rows import Operation
from .store import Store
from .work import KeyedWork

__all__ = ["EntityDispatcher", "entity_id", "split_entity_id"]

_log = logging.getLogger("host.entities")

_BATCH = 50
"""``maxEntityOperationBatchSize`` of the Consumption plan."""


def entity_id(name: str, key: str) -> str:
    """``@name@key``, with the name in lower case."""
    return f"@{name.lower()}@{key}"


def split_entity_id(identity: str) -> tuple[str, str]:
    """The name and the key of ``@name@key``."""
    _, name, key = identity.split("@", 2)
    return name, key


class EntityDispatcher:
    """Takes the operations that wait for an entity and runs them in order."""

    def __init__(
        self,
        store: Store,
        caller: FunctionCaller,
        functions: KnownFunctions,
        *,
        clock: Callable[[], float],
        wake_instance: Callable[[str], None],
        concurrency: int,
    ) -> None:
        self._store = store
        self._caller = caller
        self._functions = functions
        self._clock = clock
        self._wake_instance = wake_instance
        self._work = KeyedWork(self._run_batch, concurrency)

    def wake(self, identity: str) -> None:
        """There are operations for an entity."""
        self._work.wake(identity)

    async def run(self) -> None:
        """Work until cancelled."""
        await self._work.run()

    async def _run_batch(self, identity: str) -> bool:
        store = self._store
        batch = store.operations(identity, _BATCH)
        if not batch:
            return False
        state = store.entity_state(identity)
        try:
            answer = await self._invoke(identity, state, batch)
        except (WorkerLostError, WorkerNotReadyError) as error:
            _log.warning("a batch of %s is delivered again: %s", identity, error)
            await self._caller.wait_ready()
            return True
        now = self._clock()
        woken = []
        with store.transaction():
            exists = bool(answer["entityExists"])
            store.save_entity(identity, (answer["entityState"] or "null") if exists else None, now)
            store.delete_operations(operation.id for operation in batch)
            for operation, result in zip(batch, answer["results"], strict=True):
                if operation.request_id is None or operation.parent_instance_id is None:
                    continue
                response = {"result": result["result"]}
                if result["isError"]:
                    response["exceptionType"] = "Error"
                raised = new_event(
                    EventType.EVENT_RAISED,
                    now,
                    Name=operation.request_id,
                    Input=json.dumps(response),
                )
                parent = operation.parent_instance_id
                if store.post(parent, operation.parent_execution_id, raised):
                    woken.append(parent)
        for instance_id in woken:
            self._wake_instance(instance_id)
        return True

    async def _invoke(
        self, identity: str, state: str | None, batch: Sequence[Operation]
    ) -> Mapping[str, Any]:
        name, key = split_entity_id(identity)
        function = self._functions.table.entities.get(name)
        if function is None:
            return _all_failed(state, batch, f"there is no entity function {name!r} any more")
        context = {
            "self": {"name": name, "key": key},
            "exists": state is not None,
            "state": state,
            "batch": [
                {
                    "name": operation.operation,
                    "input": operation.input,
                    "isSignal": operation.request_id is None,
                }
                for operation in batch
            ],
        }
        call = Invocation(
            function,
            {str(function.trigger["name"]): {"type": "string"}},
            json.dumps(context).encode(),
        )
        result = await self._caller.invoke(call)
        if result.fault is not None:
            _log.error("entity %s failed as a whole: %s", identity, result.fault.text)
            return _all_failed(state, batch, result.fault.text)
        try:
            answer: Mapping[str, Any] = json.loads(result.text)
            for operation, outcome in zip(batch, answer["results"], strict=True):
                if outcome["isError"]:
                    _log.info("operation %s of %s failed", operation.operation, identity)
        except (ValueError, KeyError, TypeError) as error:
            message = f"entity {name!r} did not answer as the Durable SDK does ({error!r})"
            _log.error("%s", message)
            return _all_failed(state, batch, message)
        return answer


def _all_failed(state: str | None, batch: Sequence[Operation], message: str) -> Mapping[str, Any]:
    return {
        "entityExists": state is not None,
        "entityState": state,
        "results": [{"isError": True, "result": json.dumps(message)} for _ in batch],
    }
