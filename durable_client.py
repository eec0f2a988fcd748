"""The durable client, in the form that the library knows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import azure.durable_functions as df

from dailies.engine import InstanceState

__all__ = ["DurableOrchestrations"]

# The SDK wants a beginning; there was no Durable Functions for Python before it.
_BEGINNING = datetime(2019, 1, 1, tzinfo=UTC)

_STATES = MappingProxyType(
    {
        df.OrchestrationRuntimeStatus.Completed: InstanceState.COMPLETED,
        df.OrchestrationRuntimeStatus.Failed: InstanceState.FAILED,
        df.OrchestrationRuntimeStatus.Terminated: InstanceState.TERMINATED,
        df.OrchestrationRuntimeStatus.Canceled: InstanceState.TERMINATED,
    }
)


class DurableOrchestrations:
    """``dailies.engine.Orchestrations`` over the SDK's client."""

    def __init__(self, client: df.DurableOrchestrationClient) -> None:
        self._client = client

    async def start(self, name: str, instance_id: str, payload: Mapping[str, Any]) -> None:
        """Start an instance, unless it runs: on one that runs the extension answers an error."""
        try:
            await self._client.start_new(name, instance_id, dict(payload))
        except Exception:
            # The SDK's exceptions have no types: what became of it tells.
            if await self.state(instance_id) is not InstanceState.RUNNING:
                raise

    async def raise_event(self, instance_id: str, event: str) -> None:
        """Raise an event on an instance that runs."""
        if await self.state(instance_id) is InstanceState.RUNNING:
            await self._client.raise_event(instance_id, event, True)

    async def state(self, instance_id: str) -> InstanceState:
        """What became of the instance; pending and suspended ones run."""
        status = await self._client.get_status(instance_id)
        if status.instance_id is None or status.runtime_status is None:
            return InstanceState.MISSING
        return _STATES.get(status.runtime_status, InstanceState.RUNNING)

    async def release_quota(self, deployment: str, video_id: str) -> None:
        """Signal the quota entity of a deployment."""
        await self._client.signal_entity(
            df.EntityId("quota", deployment), "release", {"video": video_id}
        )

    async def lane(self, deployment: str) -> Mapping[str, Any] | None:
        """Read the quota entity of a deployment."""
        answer = await self._client.read_entity_state(df.EntityId("quota", deployment))
        state = answer.entity_state
        # The extension answers JSON; that of a state which the SDK has stored as text is text.
        found: Mapping[str, Any] | None = json.loads(state) if isinstance(state, str) else state
        return found if answer.entity_exists else None

    async def purge_finished(self, before: datetime) -> int:
        """Delete the histories of instances that have ended."""
        result = await self._client.purge_instance_history_by(_BEGINNING, before, list(_STATES))
        return int(result.instances_deleted)

    def check_status(self, instance_id: str) -> Mapping[str, str]:
        """Durable's management payload."""
        return self._client.create_http_management_payload(instance_id)
