"""Owners' webhooks and the secrets that they are signed with, in the owner's partition of the table
of deliveries: ``w:NAME`` and ``s``.

What is known of an owner's webhooks is read again when it is some seconds old: each event asks.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence

from azure.core.exceptions import ResourceExistsError, ResourceModifiedError
from azure.data.tables import UpdateMode
from azure.data.tables.aio import TableClient, TableServiceClient

from dailies.owners.webhooks import OwnerWebhook, SigningSecrets
from dailies.stores.rows import row, step_aside
from dailies.stores.tables import (
    WEBHOOKS,
    document_of,
    etag_of,
    find_row,
    properties_of,
    unchanged,
)
from dailies.video.errors import Conflict

__all__ = ["FRESH_SECONDS", "WebhookStore"]

FRESH_SECONDS = 5.0
_MOST_KNOWN = 2000
_MOST_TRIES = 12
_SECRETS = "s"


class WebhookStore:
    """The webhooks of all owners."""

    def __init__(self, service: TableServiceClient) -> None:
        self._table: TableClient = service.get_table_client(WEBHOOKS)
        self._known: OrderedDict[str, tuple[float, Sequence[OwnerWebhook]]] = OrderedDict()

    async def list(self, owner: str) -> Sequence[OwnerWebhook]:
        """The owner's webhooks, in the order of their names."""
        rows = self._table.query_entities(
            "PartitionKey eq @owner and RowKey ge @low and RowKey lt @high",
            parameters={"owner": owner, "low": "w:", "high": "w;"},
        )
        return [OwnerWebhook.model_validate_json(document_of(found)) async for found in rows]

    async def known(self, owner: str, now: float) -> Sequence[OwnerWebhook]:
        """The owner's webhooks, as they were some seconds ago at most."""
        seen = self._known.get(owner)
        if seen is not None and 0 <= now - seen[0] < FRESH_SECONDS:
            return seen[1]
        webhooks = await self.list(owner)
        self._known[owner] = (now, webhooks)
        self._known.move_to_end(owner)
        if len(self._known) > _MOST_KNOWN:
            self._known.popitem(last=False)
        return webhooks

    async def get(self, owner: str, name: str) -> OwnerWebhook | None:
        """One of the owner's webhooks."""
        found = await find_row(self._table, owner, f"w:{name}")
        return None if found is None else OwnerWebhook.model_validate_json(document_of(found))

    async def put(self, webhook: OwnerWebhook) -> None:
        """Set a webhook, in the place of one that has its name."""
        await self._table.upsert_entity(
            row(webhook.owner, f"w:{webhook.name}", **properties_of(webhook.model_dump_json())),
            mode=UpdateMode.REPLACE,
        )
        self._known.pop(webhook.owner, None)

    async def delete(self, owner: str, name: str) -> bool:
        """Remove a webhook; False when there is none."""
        if await self.get(owner, name) is None:
            return False
        await self._table.delete_entity(owner, f"w:{name}")
        self._known.pop(owner, None)
        return True

    async def secrets(self, owner: str, now: float) -> SigningSecrets:
        """What the owner's webhooks are signed with; made where there is nothing yet."""
        return await self._secrets(owner, now, lambda secrets: secrets)

    async def rotate(self, owner: str, now: float, *, overlap: float) -> SigningSecrets:
        """Give the owner a new secret; the one so far signs for ``overlap`` seconds more."""
        return await self._secrets(owner, now, lambda each: each.rotated(now, overlap=overlap))

    async def _secrets(
        self, owner: str, now: float, change: Callable[[SigningSecrets], SigningSecrets]
    ) -> SigningSecrets:
        for attempt in range(_MOST_TRIES):
            found = await find_row(self._table, owner, _SECRETS)
            try:
                if found is None:
                    after = SigningSecrets.new(now)
                    await self._table.create_entity(_secrets_row(owner, after))
                    return after
                before = SigningSecrets.model_validate_json(document_of(found))
                after = change(before)
                if after != before:
                    await self._table.update_entity(
                        _secrets_row(owner, after),
                        mode=UpdateMode.REPLACE,
                        **unchanged(etag_of(found)),
                    )
            except (ResourceExistsError, ResourceModifiedError):
                await step_aside(attempt)
                continue
            return after
        raise Conflict("Others change this secret at the moment; try again.", code="busy")


def _secrets_row(owner: str, secrets: SigningSecrets) -> dict[str, str]:
    return row(owner, _SECRETS, **properties_of(secrets.model_dump_json()))
