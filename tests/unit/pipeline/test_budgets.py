"""What is held of a budget is what records say, whatever dies and whenever."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import cast

import pytest
from azure.core.exceptions import ServiceRequestError
from azure.data.tables.aio import TableServiceClient

from dailies.intake.accept import accept
from dailies.owners.budget import Account, Budget, Scope
from dailies.owners.key import Key, Limits
from dailies.pipeline.budgets import warn_of_budgets
from dailies.pipeline.costs import settle_cost
from dailies.pipeline.finish import finish_video
from dailies.pipeline.remove import remove_video
from dailies.stores.ledger import account_row
from dailies.stores.records import RecordStore
from dailies.stores.resends import Sending
from dailies.stores.tables import VIDEOS, document_of
from dailies.stores.tombstones import Removal
from dailies.video.basics import Phase, Size
from dailies.video.errors import OverBudget
from dailies.video.money import to_micros
from dailies.video.record import JobEnd, Source, SubmitState, VideoRecord, VideoRequest
from tests.unit.pipeline.memory import no_point
from tests.unit.pipeline.schedule import Crash, Scheduler
from tests.unit.pipeline.test_never_pay_twice import CrashAt
from tests.unit.pipeline.world import OWNER, World, ref

PRICE = 0.8  # of the dearest deployment that could make it: four seconds at that of the fallback
ACCOUNTS = (
    account_row(Scope.OWNER, OWNER),
    account_row(Scope.KEY, "key-1"),
    account_row(Scope.USER, "zoe"),
)
KEY = Key(id="key-1", owner=OWNER, digest="0" * 64, limits=Limits(budget=Budget(total_usd=1000)))

BARE = KEY.model_copy(update={"limits": Limits()})


async def _with_budgets(usd: float = 1000.0) -> World:
    world = World()
    ledger = world.services.records.ledger
    await ledger.set_budget(OWNER, Scope.OWNER, OWNER, Budget(day_usd=usd, total_usd=usd))
    await ledger.set_budget(OWNER, Scope.USER, "zoe", Budget(month_usd=1000))
    return world


async def _accept(
    world: World,
    *,
    store: RecordStore | None = None,
    key: str | None = None,
    caller: Key = KEY,
    sending: Sending | None = None,
) -> VideoRecord:
    services = world.services if store is None else replace(world.services, records=store)
    request = VideoRequest(
        model="sora-2", prompt="A pier", seconds=4, size=Size(720, 1280), user="zoe"
    )
    accepted = await accept(
        services,
        owner=OWNER,
        request=request,
        source=Source(),
        idempotency_key=key,
        traceparent=None,
        key=caller,
        sending=sending,
    )
    return accepted.record


def _records(world: World) -> list[VideoRecord]:
    rows = world.tables.tables[VIDEOS].rows
    return [
        VideoRecord.model_validate_json(document_of(row))
        for (_, name), (row, _) in rows.items()
        if name.startswith("v:")
    ]


def _check(world: World, *, gone: int = 0) -> None:
    """Each account holds what its videos that have not ended hold, and has spent the cost of the
    others; ``gone``: of those that are removed."""
    records = _records(world)
    held = sum(to_micros(PRICE) for record in records if not record.is_final)
    spent = gone + sum(to_micros(record.cost_usd or 0.0) for record in records if record.is_final)
    for name in ACCOUNTS:
        row, _ = world.tables.tables[VIDEOS].rows.get((OWNER, name), ({}, ""))
        text = document_of(row)
        if not text:
            assert not records, name
            continue
        for label, counter in Account.model_validate_json(text).counters.items():
            assert (counter.held, counter.spent) == (held, spent), (name, label)


async def _at_every_call(
    world_of: Callable[[], Awaitable[World]],
    work: Callable[[World], Awaitable[object]],
) -> int:
    """Do it, dying at each of its calls in turn, and once more after that."""
    counter = CrashAt()
    world = await world_of()
    world.go_wrong(counter)
    await work(world)
    for place in range(1, counter.passed + 1):
        world = await world_of()
        world.go_wrong(CrashAt(place))
        with pytest.raises(Crash):
            await work(world)
        world.go_wrong(no_point)
        _check(world)
        await work(world)
        _check(world)
    return counter.passed


@pytest.mark.parametrize("key", [None, "key"])
@pytest.mark.parametrize("number", [None, 0, 1])
async def test_an_accept_that_breaks_off_anywhere_holds_nothing_for_nobody(
    key: str | None, number: int | None
) -> None:
    async def work(world: World) -> None:
        sending = None if number is None else Sending(number, -1)
        await _accept(world, key=key, sending=sending)

    assert await _at_every_call(_with_budgets, work) > 12


async def _rendered(world: World) -> World:
    """A video whose job was stopped, so that what it costs is not known for sure."""
    record = await _accept(world)
    submit = SubmitState(
        deployment="first", job_id="job", submitted_at=world.now, job_end=JobEnd.STOPPING
    )
    await world.services.records.update(
        OWNER, record.id, lambda r: r.model_copy(update={"submit": submit})
    )
    return world


async def test_an_end_that_breaks_off_anywhere_settles_once() -> None:
    async def begin() -> World:
        return await _rendered(await _with_budgets())

    async def work(world: World) -> None:
        (record,) = _records(world)
        error = {"code": "timeout", "message": "too long"}
        await finish_video(world.services, ref(record, error=error))

    assert await _at_every_call(begin, work) > 12


async def test_a_correction_that_breaks_off_anywhere_counts_once() -> None:
    async def begin() -> World:
        world = await _rendered(await _with_budgets())
        (record,) = _records(world)
        error = {"code": "timeout", "message": "too long"}
        await finish_video(world.services, ref(record, error=error))
        (record,) = _records(world)
        assert (record.cost_usd, record.cost_is_estimate) == (0.4, True)
        return world

    async def work(world: World) -> None:
        (record,) = _records(world)
        told = record.submit.model_copy(update={"job_end": JobEnd.STOPPED})
        await world.services.records.update(
            OWNER, record.id, lambda r: r.model_copy(update={"submit": told})
        )
        await settle_cost(world.services, OWNER, record.id)
        (record,) = _records(world)
        assert (record.cost_usd, record.cost_is_estimate) == (0.0, False)

    assert await _at_every_call(begin, work) > 8


async def test_what_is_removed_stays_spent() -> None:
    world = await _rendered(await _with_budgets())
    (record,) = _records(world)
    await finish_video(world.services, ref(record, error={"code": "timeout", "message": "long"}))
    await remove_video(world.services, OWNER, record.id, Removal.DELETED)
    assert _records(world) == []
    await settle_cost(world.services, OWNER, record.id)
    _check(world, gone=to_micros(0.4))


async def test_a_withdrawn_video_is_held_until_it_has_ended() -> None:
    world = await _rendered(await _with_budgets())
    (record,) = _records(world)
    await world.services.tombstones.withdraw(OWNER, record.id, world.now)
    _check(world)
    await finish_video(world.services, ref(record))
    _check(world)


async def test_records_of_before_settle_nothing() -> None:
    world = World()
    record = await world.accepted()
    await world.services.records.ledger.set_budget(OWNER, Scope.OWNER, OWNER, Budget(day_usd=1))
    assert record.reserve is None
    old = record.model_dump(exclude={"reserve"})
    assert VideoRecord.model_validate(old).reserve is None
    await finish_video(world.services, ref(record, error={"code": "timeout", "message": "long"}))
    row, _ = world.tables.tables[VIDEOS].rows[OWNER, ACCOUNTS[0]]
    assert Account.model_validate_json(document_of(row)).counters == {}


async def _half_used() -> World:
    """Of its day, fifty per cent are held; of all, a video was refused."""
    world = await _with_budgets()
    ledger = world.services.records.ledger
    await ledger.set_budget(OWNER, Scope.OWNER, OWNER, Budget(day_usd=1.6, total_usd=0.9))
    await _accept(world)
    with pytest.raises(OverBudget):
        await _accept(world)
    return world


WARNED = {f"{OWNER}.b:o.2026-11-21.1600000.50", f"{OWNER}.b:o.total.900000.100"}


async def test_a_warning_is_told_once() -> None:
    world = await _half_used()
    assert await warn_of_budgets(world.services) == 2
    assert set(world.events.ids) == WARNED
    assert await warn_of_budgets(world.services) == 0
    with pytest.raises(OverBudget):
        await _accept(world)
    assert await warn_of_budgets(world.services) == 0
    assert len(world.events.ids) == 2


async def test_a_warning_is_told_whatever_breaks_off_and_whenever() -> None:
    counter = CrashAt()
    world = await _half_used()
    world.go_wrong(counter)
    await warn_of_budgets(world.services)
    assert counter.passed >= 8
    for place in range(1, counter.passed + 1):
        world = await _half_used()
        world.go_wrong(CrashAt(place))
        with pytest.raises(Crash):
            await warn_of_budgets(world.services)
        world.go_wrong(no_point)
        await warn_of_budgets(world.services)
        assert set(world.events.ids) == WARNED
        assert await warn_of_budgets(world.services) == 0


async def test_an_accept_that_breaks_off_anywhere_is_warned_of_if_it_was_one() -> None:
    async def begin() -> World:
        world = World()
        await world.services.records.ledger.set_budget(
            OWNER, Scope.OWNER, OWNER, Budget(day_usd=1.6)
        )
        return world

    counter = CrashAt()
    world = await begin()
    world.go_wrong(counter)
    await _accept(world, caller=BARE)
    for place in range(1, counter.passed + 1):
        world = await begin()
        world.go_wrong(CrashAt(place))
        with pytest.raises(Crash):
            await _accept(world, caller=BARE)
        world.go_wrong(no_point)
        assert await warn_of_budgets(world.services) == len(_records(world))


async def test_a_topic_that_is_away_is_told_later() -> None:
    world = await _half_used()
    world.events.failures = [ServiceRequestError("no route")]
    assert await warn_of_budgets(world.services) == 0
    assert await warn_of_budgets(world.services) == 2
    assert set(world.events.ids) == WARNED


async def test_a_key_s_and_a_user_s_budget_are_told_of_and_no_user_is_in_an_id() -> None:
    world = World()
    ledger = world.services.records.ledger
    await ledger.set_budget(OWNER, Scope.USER, "zoe", Budget(month_usd=0.8))
    tight = KEY.model_copy(update={"limits": Limits(budget=Budget(day_usd=1))})
    await _accept(world, caller=tight)
    assert await warn_of_budgets(world.services) == 2
    told = {event.data["scope"]: event.data for event in world.events.taken if event.data}
    assert told["user"] == {
        "owner": OWNER,
        "scope": "user",
        "user": "zoe",
        "key": None,
        "period": "month",
        "of": "2026-11",
        "percent": 100,
        "limit_usd": 0.8,
        "spent_usd": 0.0,
        "held_usd": 0.8,
        "left_usd": 0.0,
        "renews_at": 1_796_083_200,
    }
    assert (told["key"]["key"], told["key"]["percent"]) == ("key-1", 80)
    assert not any("zoe" in event.id for event in world.events.taken)
    assert {event.type for event in world.events.taken} == {"dailies.budget.warning"}


@pytest.mark.parametrize("seed", range(40))
async def test_instances_in_any_order_never_hold_more_than_there_is(seed: int) -> None:
    """Some create and some end, and now and then one dies: between instances only ETags decide."""
    fits = 3
    world = await _with_budgets(PRICE * fits + 0.1)
    scheduler = Scheduler(world, seed, crash=0.01)
    refused = 0

    async def instance(ends: bool) -> None:
        nonlocal refused
        store = RecordStore(cast(TableServiceClient, world.tables))
        try:
            record = await _accept(world, store=store)
            if ends:
                failed = {"completed_at": world.now, "cost_usd": 0.0, "phase": Phase.FAILED}
                await store.update(OWNER, record.id, lambda r: r.model_copy(update=failed))
        except OverBudget:
            refused += 1
        except Crash:
            pass

    for number in range(8):
        scheduler.spawn(instance(ends=number % 3 == 0))
    await scheduler.run()
    world.go_wrong(no_point)
    _check(world)
    unfinished = sum(not record.is_final for record in _records(world))
    assert unfinished <= fits
    if refused:
        assert len(_records(world)) >= fits, "one was refused though there was room"
