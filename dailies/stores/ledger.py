"""The accounts of budgets, in the owner's partition of the table of videos.

==========  ==========================================================
row key     holds
==========  ==========================================================
``b:d``     the budget of each end user without one of its own
``b:o``     the owner's account (``dailies.owners.budget.Account``)
``b:k:ID``  that of one of its keys
``b:u:SHA`` that of one of its end users, by the hash of the ``user``
==========  ==========================================================

What is counted is only ever changed in one transaction with a video's record: what the video could
cost is held in that which makes the record, and settled in that which makes it final. So whatever
dies and whenever, something is held exactly while a record says so. Each write goes by the ETag of
the account as it was read, so that of two videos that want the last of a budget one has to look
again, on whatever instance. Within a process they take turns, as they would only get in each
other's way.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from weakref import WeakValueDictionary

from azure.data.tables import TableEntity, TableTransactionError, UpdateMode
from azure.data.tables.aio import TableClient

from dailies.owners.budget import Account, Budget, BudgetWarning, Scope, over_budget
from dailies.stores.open_videos import OpenVideos
from dailies.stores.rows import Operation, hash_key, row, step_aside
from dailies.stores.tables import document_of, etag_of, find_row, properties_of, unchanged
from dailies.stores.transactions import write_together
from dailies.video.errors import Conflict, Forbidden
from dailies.video.money import Reserve, to_micros
from dailies.video.record import VideoRecord

__all__ = ["EACH_USER", "Claim", "Entry", "Held", "Ledger", "account_row"]

EACH_USER = ""
"""In place of a user's name: each that has no budget of its own. Nothing is counted there."""

_ATTEMPTS = 40
# In the column that accounts are found by of which something is to be told.
_DUE = "yes"


@dataclass(frozen=True, slots=True)
class Claim:
    """What a new video may cost, and who answers for it.

    Attributes:
        usd: the most that it may cost; None where nobody knows.
        key_budget: of the key that it is made with.
        at: when it is accepted, in Unix seconds.
    """

    owner: str
    usd: float | None
    at: float
    user: str | None = None
    key_id: str | None = None
    key_budget: Budget | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """What the transaction that makes the record holds of the accounts."""

    reserve: Reserve
    operations: Sequence[Operation]


@dataclass(frozen=True, slots=True)
class Entry:
    """An account as it was read, with its row key; without an ETag where there is no row yet."""

    key: str
    account: Account
    etag: str | None


def account_row(scope: Scope, name: str) -> str:
    """The row key of an account."""
    match scope:
        case Scope.OWNER:
            return "b:o"
        case Scope.KEY:
            return f"b:k:{name}"
        case Scope.USER:
            return "b:d" if name == EACH_USER else f"b:u:{hash_key(name)}"


class Ledger:
    """The accounts of all owners."""

    def __init__(self, videos: TableClient, open_videos: OpenVideos) -> None:
        self._videos = videos
        self._open = open_videos
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def turn(self, owner: str) -> AsyncIterator[None]:
        """Wait until nobody else in this process changes the owner's accounts."""
        lock = self._turns.get(owner)
        if lock is None:
            lock = self._turns[owner] = asyncio.Lock()
        async with lock:
            yield

    async def applies(self, claim: Claim) -> bool:
        """Whether a budget has a say in it.

        Raises:
            OverBudget: it does not allow the video now.
            Forbidden: nobody knows what the video costs (code ``price_unknown``).
        """
        entries = await self._concerned(claim)
        self._reserve(claim, entries)
        return bool(entries)

    async def accounts(self, claim: Claim) -> list[tuple[Account, Budget]]:
        """Those that have a say in it, with their budgets."""
        return [(entry.account, budget) for entry, budget in await self._concerned(claim)]

    async def hold(self, claim: Claim) -> Held | None:
        """What is to be written with the record; None where no budget has a say.

        What a share of a limit is reached by is to be told of: ``due`` has it from then on.

        Raises:
            OverBudget: a budget does not allow it.
            Forbidden: nobody knows what the video costs (code ``price_unknown``).
        """
        entries = await self._concerned(claim)
        reserve = self._reserve(claim, entries)
        if reserve is None:
            return None
        await self._open.know_owner(claim.owner)
        operations = [
            _write(
                claim.owner, entry, _with(budget, entry.account).holding(reserve.micros, claim.at)
            )
            for entry, budget in entries
        ]
        return Held(reserve, operations)

    async def refuse(self, claim: Claim) -> None:
        """Remember that a video was refused, where that is not known yet: all of the budget that is
        of any use is used up then, which is to be told of."""
        for entry, budget in await self._concerned(claim):
            short = entry.account.shortage(budget, to_micros(claim.usd or 0.0), claim.at)
            if short is None:
                continue
            account = _with(budget, entry.account).refusing(short, claim.at)
            if account != entry.account:
                await self._open.know_owner(claim.owner)
                # If another was faster, the next refusal is remembered.
                await self._replace(claim.owner, entry, account)

    async def due(self, owner: str) -> list[Entry]:
        """The owner's accounts of which something is to be told."""
        rows = self._videos.query_entities(
            "PartitionKey eq @owner and RowKey ge @low and RowKey lt @high and Due eq @due",
            parameters={"owner": owner, "low": "b:", "high": "b;", "due": _DUE},
        )
        return [_entry_of(each) async for each in rows]

    async def note_told(self, owner: str, entry: Entry, warnings: Sequence[BudgetWarning]) -> None:
        """Remember that these were told.

        Raises:
            Conflict: others keep writing to the account.
        """
        async with self.turn(owner):
            for attempt in range(_ATTEMPTS):
                if await self._replace(owner, entry, entry.account.telling(warnings)):
                    return
                await step_aside(attempt)
                entry = await self._read(owner, entry.account.scope, entry.account.name)
        raise _busy()

    def _reserve(self, claim: Claim, entries: Sequence[tuple[Entry, Budget]]) -> Reserve | None:
        if not entries:
            return None
        if claim.usd is None:
            raise Forbidden(
                "Nobody knows what this video costs, and a budget applies to it. Use another "
                "model, or ask the operator to give this one a price.",
                param="model",
                code="price_unknown",
            )
        micros = to_micros(claim.usd)
        for entry, budget in entries:
            short = entry.account.shortage(budget, micros, claim.at)
            if short is not None:
                raise over_budget(short, claim.at)
        names = tuple(entry.key for entry, _ in entries)
        return Reserve(micros=micros, accounts=names, at=claim.at)

    async def _concerned(self, claim: Claim) -> list[tuple[Entry, Budget]]:
        """The accounts that the video is held on, with the budget of each."""
        wanted = [(Scope.OWNER, claim.owner)]
        if claim.user is not None:
            wanted.append((Scope.USER, claim.user))
        if claim.key_id is not None and claim.key_budget is not None:
            wanted.append((Scope.KEY, claim.key_id))
        found = [await self._read(claim.owner, scope, name) for scope, name in wanted]
        budgets = [
            claim.key_budget
            if entry.account.scope is Scope.KEY
            else await self.standing_budget(claim.owner, entry.account)
            for entry in found
        ]
        return [
            (entry, budget)
            for entry, budget in zip(found, budgets, strict=True)
            if budget is not None and budget.limits
        ]

    async def standing_budget(self, owner: str, account: Account) -> Budget | None:
        """The budget of an owner or of a user as it stands now: its own, else that of each user."""
        if account.scope is not Scope.USER or account.own_budget is not None:
            return account.own_budget
        return (await self._read(owner, Scope.USER, EACH_USER)).account.budget

    async def settle(self, record: VideoRecord, changed: VideoRecord) -> list[Operation]:
        """What is to be written with a record that ends, or whose cost turns out to be another."""
        reserve = record.reserve
        if reserve is None:
            return []
        before = _spent(record, reserve) if record.is_final else 0
        spent = _spent(changed, reserve) - before
        held = 0 if record.is_final else reserve.micros
        if spent == held == 0:
            return []
        operations = []
        for key in reserve.accounts:
            found = await find_row(self._videos, record.owner, key)
            if found is None:
                continue
            entry = _entry_of(found)
            settled = entry.account.settled(reserve.at, held=held, spent=spent)
            operations.append(_write(record.owner, entry, settled))
        return operations

    async def set_budget(self, owner: str, scope: Scope, name: str, budget: Budget) -> Account:
        """Set an owner's or a user's budget; what has been counted stays.

        Raises:
            Conflict: others keep writing to the account.
        """
        async with self.turn(owner):
            for attempt in range(_ATTEMPTS):
                entry = await self._read(owner, scope, name)
                account = entry.account.with_budget(budget)
                if account.warnings():
                    await self._open.know_owner(owner)
                if await self._replace(owner, entry, account):
                    return account
                await step_aside(attempt)
        raise _busy()

    async def delete_budget(self, owner: str, scope: Scope, name: str) -> bool:
        """Take a budget away; False where there is none. What is held is still settled.

        Raises:
            Conflict: others keep writing to the account.
        """
        async with self.turn(owner):
            for attempt in range(_ATTEMPTS):
                entry = await self._read(owner, scope, name)
                if entry.account.own_budget is None:
                    return False
                account = entry.account.with_budget(None)
                if await self._replace(owner, entry, account):
                    return True
                await step_aside(attempt)
        raise _busy()

    async def _replace(self, owner: str, entry: Entry, account: Account) -> bool:
        """False when others have changed the account; not when an answer was lost."""
        try:
            await write_together(self._videos, [_write(owner, entry, account)])
        except TableTransactionError as error:
            if error.status_code not in (404, 409, 412):
                raise
            return (await self._read(owner, account.scope, account.name)).account == account
        return True

    async def budgets(
        self, owner: str, *, user: str | None, after: str | None, limit: int
    ) -> tuple[list[Entry], bool]:
        """The owner's accounts that have a budget, or that of one user, and whether there are more
        than ``limit``, in the order of their keys from that ``after`` on."""
        if user is not None:
            return [await self._read(owner, Scope.USER, user)], False
        found: list[Entry] = []
        rows = self._videos.query_entities(
            "PartitionKey eq @owner and RowKey gt @after and RowKey lt @high",
            parameters={"owner": owner, "after": max(after or "b:", "b:"), "high": "b;"},
        )
        async for each in rows:
            entry = _entry_of(each)
            if entry.account.budget is None:
                continue
            if len(found) == limit:
                return found, True
            found.append(entry)
        return found, False

    async def _read(self, owner: str, scope: Scope, name: str) -> Entry:
        key = account_row(scope, name)
        found = await find_row(self._videos, owner, key)
        if found is None:
            return Entry(key, Account(scope=scope, name=name), None)
        return _entry_of(found)


def _entry_of(found: TableEntity) -> Entry:
    account = Account.model_validate_json(document_of(found))
    return Entry(str(found["RowKey"]), account, etag_of(found))


def _with(budget: Budget, account: Account) -> Account:
    """The account with the budget that a video is held by."""
    is_default = account.scope is Scope.USER and account.own_budget is None
    return account.with_budget(budget, by_default=is_default)


def _spent(record: VideoRecord, reserve: Reserve) -> int:
    """What a video that has ended counts for: what could be held of it where nobody knows."""
    return reserve.micros if record.cost_usd is None else to_micros(record.cost_usd)


def _write(owner: str, entry: Entry, account: Account) -> Operation:
    columns = properties_of(account.model_dump_json())
    if account.warnings():
        columns["Due"] = _DUE
    entity = row(owner, entry.key, **columns)
    if entry.etag is None:
        return ("create", entity)
    return ("update", entity, {"mode": UpdateMode.REPLACE, **unchanged(entry.etag)})


def _busy() -> Conflict:
    return Conflict("The budget is being used by many; try again.", code="busy")
