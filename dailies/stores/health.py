"""How each deployment fares, and when it retires: a row where something is to be remembered.

All instances of the app share the rows. They are read at most once in a while, all in one query,
and written only when something changes: a deployment that works has none, and costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from enum import StrEnum

from azure.core.exceptions import ResourceExistsError, ResourceModifiedError
from azure.data.tables import UpdateMode
from azure.data.tables.aio import TableClient, TableServiceClient

from dailies.stores.rows import step_aside
from dailies.stores.tables import (
    DEPLOYMENTS,
    document_of,
    etag_of,
    find_row,
    properties_of,
    unchanged,
)
from dailies.video.request import Document

__all__ = ["Change", "DeploymentHealth", "HealthFault", "HealthStore", "Retirement", "State"]

_PARTITION = "health"
_RETIRING = "retiring"
_MOST_TRIES = 12


class State(StrEnum):
    """What is thought of a deployment, for all videos."""

    WELL = "well"
    RESTING = "resting"
    """Fault after fault: nothing is sent for a while, then one video tries."""
    SHUT = "shut"
    """No credit, no access, not there: an operator has to mend something."""
    GONE = "gone"
    """Retired by its provider, which is never forgotten."""


class HealthFault(Document):
    """A call that the deployment failed on, at Unix seconds."""

    at: float
    video: str
    reads: bool = False
    """The call only read; it created nothing."""


class DeploymentHealth(Document):
    """What is remembered of a deployment; times are Unix seconds.

    ``place`` tells where it was when that happened: somewhere else, it starts anew. ``faults`` are
    the latest ones in a row. ``since``, ``code`` and ``remedy`` tell when and why it is not well;
    ``until`` when it is to be tried again, ``trial`` which video does so, before ``trial_until``,
    and ``openings`` how often that came to nothing.
    """

    place: str
    state: State = State.WELL
    faults: tuple[HealthFault, ...] = ()
    since: float | None = None
    code: str | None = None
    remedy: str | None = None
    until: float | None = None
    openings: int = 0
    trial: str | None = None
    trial_until: float | None = None


class Retirement(Document):
    """What is remembered of a deployment's retirement: the day ``read`` from its provider, and the
    warnings that were given."""

    place: str
    read: date | None = None
    told: tuple[str, ...] = ()


Change = Callable[[DeploymentHealth | None], DeploymentHealth | None]
"""From what is remembered to what is to be; None for nothing."""


class HealthStore:
    """The rows of all deployments, with what this process last read of them."""

    def __init__(self, service: TableServiceClient) -> None:
        self._table: TableClient = service.get_table_client(DEPLOYMENTS)
        self._known: dict[str, DeploymentHealth] = {}
        self._retiring: dict[str, Retirement] = {}
        self._read_at: float | None = None

    @property
    def known(self) -> Mapping[str, DeploymentHealth]:
        """By the deployments' names, as last read."""
        return self._known

    @property
    def retiring(self) -> Mapping[str, Retirement]:
        """What is remembered of retirements, by the deployments' names, as last read."""
        return self._retiring

    async def remember_retirement(self, name: str, retirement: Retirement) -> None:
        """Write what is to be remembered of a deployment's retirement; one timer alone does."""
        document = properties_of(retirement.model_dump_json())
        await self._table.upsert_entity(
            {"PartitionKey": _RETIRING, "RowKey": name, **document}, mode=UpdateMode.REPLACE
        )
        self._retiring = {**self._retiring, name: retirement}

    async def refresh(self, now: float, *, after: float) -> None:
        """Read the rows, unless that was done less than ``after`` seconds ago."""
        if self._read_at is not None and 0 <= now - self._read_at < after:
            return
        before = self._read_at
        # Those who come meanwhile go by what is known.
        self._read_at = now
        try:
            # Both partitions in one request: there are never more than a few rows.
            rows = [
                row
                async for row in self._table.query_entities(
                    "PartitionKey ge @first", parameters={"first": _PARTITION}
                )
            ]
        except BaseException:
            self._read_at = before
            raise
        documents = [(row["PartitionKey"], str(row["RowKey"]), document_of(row)) for row in rows]
        self._known = {
            name: DeploymentHealth.model_validate_json(text)
            for partition, name, text in documents
            if partition == _PARTITION
        }
        self._retiring = {
            name: Retirement.model_validate_json(text)
            for partition, name, text in documents
            if partition == _RETIRING
        }

    async def update(
        self, name: str, change: Change
    ) -> tuple[DeploymentHealth | None, DeploymentHealth | None]:
        """Change what is remembered of a deployment; what it was, and what it is now.

        Nothing is written where ``change`` gives back what it was given. Where others always come
        first, nothing is changed: there is something to remember at the next occasion too.
        """
        before: DeploymentHealth | None = None
        for attempt in range(_MOST_TRIES):
            row = await find_row(self._table, _PARTITION, name)
            before = None if row is None else DeploymentHealth.model_validate_json(document_of(row))
            after = change(before)
            if after == before:
                break
            try:
                if after is None:
                    await self._table.delete_entity(_PARTITION, name)
                elif row is None:
                    await self._table.create_entity(_row(name, after))
                else:
                    await self._table.update_entity(
                        _row(name, after), mode=UpdateMode.REPLACE, **unchanged(etag_of(row))
                    )
            except (ResourceExistsError, ResourceModifiedError):
                await step_aside(attempt)
                continue
            self._remember(name, after)
            return before, after
        self._remember(name, before)
        return before, before

    def _remember(self, name: str, health: DeploymentHealth | None) -> None:
        rest = {key: known for key, known in self._known.items() if key != name}
        self._known = rest if health is None else {**rest, name: health}


def _row(name: str, health: DeploymentHealth) -> dict[str, str]:
    return {
        "PartitionKey": _PARTITION,
        "RowKey": name,
        "State": health.state.value,
        **properties_of(health.model_dump_json()),
    }
