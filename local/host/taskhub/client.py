"""What clients ask of the task hub: start, signal, query and purge instances and entities."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from .entities import entity_id
from .history import EventType, new_event
from .hub import TaskHub
from .rows import FINAL, Instance
from .turn import new_execution_id

__all__ = [
    "HubClient",
    "InstanceExistsError",
    "InstanceFinalError",
    "InstanceNotFoundError",
    "InstanceRunsError",
]

_PURGED_AT_ONCE = 1000


class InstanceExistsError(Exception):
    """An instance with this id has not ended."""


class InstanceNotFoundError(Exception):
    """There is no instance with this id."""


class InstanceRunsError(Exception):
    """The instance has not ended."""


class InstanceFinalError(Exception):
    """The instance has ended and takes no more messages."""


class HubClient:
    """Operations on the task hub; each is one transaction."""

    def __init__(self, hub: TaskHub) -> None:
        self._hub = hub
        self._store = hub.store

    def start(
        self,
        name: str,
        instance_id: str | None,
        argument: str | None,
        *,
        version: str = "",
        traceparent: str = "",
    ) -> str:
        """Start an orchestration; an instance with the same id that has ended is replaced.

        :param name: of the orchestrator; where there is none, the instance fails in its first turn.
        :param argument: the input as JSON text.
        :returns: the instance id.
        :raises InstanceExistsError: an instance with this id has not ended.
        """
        identity = instance_id or uuid.uuid4().hex
        now = self._hub.clock()
        with self._store.transaction():
            existing = self._store.instance(identity)
            if existing is not None and not existing.is_final:
                raise InstanceExistsError(
                    f"An Orchestration instance with the status {existing.status} already exists."
                )
            self._store.insert_instance(
                Instance(
                    instance_id=identity,
                    execution_id=new_execution_id(),
                    name=name,
                    version=version,
                    input=argument,
                    output=None,
                    custom_status=None,
                    status="Pending",
                    starting=True,
                    created_at=now,
                    updated_at=now,
                    parent_instance_id=None,
                    parent_execution_id=None,
                    parent_task_id=None,
                    traceparent=traceparent,
                )
            )
        self._hub.wake_instance(identity)
        return identity

    def restart(self, instance_id: str, *, with_new_id: bool) -> str:
        """Start the orchestration of an instance once more, with its input.

        :raises InstanceNotFoundError: there is no such instance. For others see :meth:`start`.
        """
        instance = self.get(instance_id)
        new_id = None if with_new_id else instance_id
        return self.start(instance.name, new_id, instance.input, version=instance.version)

    def get(self, instance_id: str) -> Instance:
        """Read one instance.

        :raises InstanceNotFoundError: there is none.
        """
        instance = self._store.instance(instance_id)
        if instance is None:
            raise InstanceNotFoundError(instance_id)
        return instance

    def raise_event(self, instance_id: str, name: str, data: str) -> None:
        """Send an external event; `data` is JSON text.

        :raises InstanceNotFoundError: there is no such instance.
        :raises InstanceFinalError: it has ended.
        """
        self._post(instance_id, EventType.EVENT_RAISED, Name=name, Input=data)

    def terminate(self, instance_id: str, reason: str | None) -> None:
        """End an instance at its next turn; see :meth:`raise_event` for what is raised."""
        self._post(instance_id, EventType.EXECUTION_TERMINATED, Input=reason)

    def suspend(self, instance_id: str, reason: str | None) -> None:
        """Suspend an instance; see :meth:`raise_event` for what is raised."""
        self._post(instance_id, EventType.EXECUTION_SUSPENDED, Reason=reason)

    def resume(self, instance_id: str, reason: str | None) -> None:
        """Resume an instance; see :meth:`raise_event` for what is raised."""
        self._post(instance_id, EventType.EXECUTION_RESUMED, Reason=reason)

    def _post(self, instance_id: str, kind: EventType, **fields: Any) -> None:
        event = new_event(kind, self._hub.clock(), **fields)
        with self._store.transaction():
            is_posted = self._store.post(instance_id, None, event)
        if not is_posted:
            self.get(instance_id)
            raise InstanceFinalError(instance_id)
        self._hub.wake_instance(instance_id)

    def history(self, instance_id: str) -> list[dict[str, Any]]:
        """The events of an instance's current generation, oldest first."""
        return [event.fields for event in self._store.history(instance_id)]

    def query(
        self,
        *,
        created_from: float | None = None,
        created_to: float | None = None,
        statuses: Sequence[str] = (),
        prefix: str = "",
        after: str = "",
        limit: int = 100,
    ) -> list[Instance]:
        """Instances, entities among them, in the order of their ids, those after `after` only."""
        return self._store.query(
            created_from=created_from,
            created_to=created_to,
            statuses=statuses,
            prefix=prefix,
            after=after,
            limit=limit,
        )

    def purge(self, instance_id: str) -> int:
        """Delete an instance that has ended; its sub-orchestrations stay.

        :returns: how many were deleted; 0 when there is no such instance.
        :raises InstanceRunsError: it has not ended.
        """
        with self._store.transaction():
            instance = self._store.instance(instance_id)
            if instance is None:
                return 0
            if not instance.is_final:
                raise InstanceRunsError(
                    "Only orchestrations in a terminal state can be purged, but the orchestration "
                    f"with instance ID {instance_id} has status {instance.status}"
                )
            self._store.delete_instance(instance_id)
            return 1

    def purge_many(
        self, created_from: float, created_to: float | None, statuses: Sequence[str]
    ) -> int:
        """Delete the ended instances that match."""
        wanted = [status for status in statuses if status in FINAL] if statuses else sorted(FINAL)
        deleted = 0
        while wanted:
            found = self.query(
                created_from=created_from,
                created_to=created_to,
                statuses=wanted,
                limit=_PURGED_AT_ONCE,
            )
            if not found:
                break
            with self._store.transaction():
                for instance in found:
                    self._store.delete_instance(instance.instance_id)
            deleted += len(found)
        return deleted

    # -- entities --------------------------------------------------------------------------

    def signal_entity(self, name: str, key: str, operation: str, argument: str | None) -> None:
        """Send an operation to an entity; `argument` is JSON text.

        :raises UnknownFunctionError: there is no such entity.
        """
        self._hub.functions.check_entity(name)
        identity = entity_id(name, key)
        with self._store.transaction():
            self._store.insert_operation(identity, operation, argument)
        self._hub.wake_entity(identity)

    def entity_state(self, name: str, key: str) -> str | None:
        """The JSON text of an entity's state; None when it does not exist."""
        return self._store.entity_state(entity_id(name, key))

    def entities(self, name: str, after: str, limit: int) -> list[tuple[str, str, float]]:
        """Existing entities, of one name or (empty) of all: (id, state, last operation)."""
        return self._store.entities(f"@{name.lower()}@" if name else "@", after, limit)
