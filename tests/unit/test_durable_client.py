"""What the app makes of the SDK's answers; what the engine answers, its own tests say."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import azure.durable_functions as df
import pytest

from durable_client import DurableOrchestrations

RUNNING, ENDED = df.OrchestrationRuntimeStatus.Running, df.OrchestrationRuntimeStatus.Completed


class Refusing:
    """A client whose starts fail, of an instance that has this status."""

    def __init__(self, status: df.OrchestrationRuntimeStatus | None) -> None:
        self._status = status

    async def start_new(self, *_: Any) -> None:
        raise Exception("The operation failed")  # as the SDK does

    async def get_status(self, instance_id: str) -> SimpleNamespace:
        known = None if self._status is None else instance_id
        return SimpleNamespace(instance_id=known, runtime_status=self._status)


@pytest.mark.parametrize(("status", "fails"), [(RUNNING, False), (ENDED, True), (None, True)])
async def test_a_start_that_fails_is_one_only_where_nothing_runs(
    status: df.OrchestrationRuntimeStatus | None, fails: bool
) -> None:
    client = DurableOrchestrations(cast(df.DurableOrchestrationClient, Refusing(status)))
    if not fails:
        await client.start("makes", "one", {})
        return
    with pytest.raises(Exception, match="The operation failed"):
        await client.start("makes", "one", {})
