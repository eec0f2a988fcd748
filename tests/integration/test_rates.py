"""Requests a minute, counted across instances: never one too many, and few too few."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator

import pytest
from azure.data.tables.aio import TableServiceClient

from dailies.stores.rates import Rate, RateStore, share_of

MINUTE = 1_795_262_400.0  # the beginning of one


class Tables:
    """The tables of one account, and how often they were asked."""

    def __init__(self, storage: str) -> None:
        self.requests = 0
        self.service = TableServiceClient.from_connection_string(
            storage, raw_response_hook=self._count
        )

    def _count(self, _response: object) -> None:
        self.requests += 1


@pytest.fixture
async def tables(connection: str) -> AsyncIterator[Tables]:
    tables = Tables(connection)
    yield tables
    await tables.service.close()


@pytest.fixture
def key_id() -> str:
    return f"key_{secrets.token_hex(8)}"


async def _ask(
    instances: list[RateStore], key_id: str, limit: int, now: float, times: int
) -> list[Rate]:
    """Ask so often, in turn at each instance, until all are answered."""
    return [
        await instances[number % len(instances)].take(key_id, limit, now) for number in range(times)
    ]


def _allowed(rates: list[Rate]) -> int:
    return sum(rate.allowed for rate in rates)


@pytest.mark.parametrize("limit", [1, 7, 60, 100])
async def test_one_instance_lets_through_exactly_the_limit(
    tables: Tables, key_id: str, limit: int
) -> None:
    store = RateStore(tables.service)
    rates = await _ask([store], key_id, limit, MINUTE + 1, limit + 5)
    assert [rate.allowed for rate in rates] == [True] * limit + [False] * 5
    assert [rate.remaining for rate in rates] == [*range(limit - 1, -1, -1), 0, 0, 0, 0, 0]
    assert {rate.reset_seconds for rate in rates} == {59}


async def test_what_is_used_up_is_there_again_in_the_next_minute(
    tables: Tables, key_id: str
) -> None:
    store = RateStore(tables.service)
    for minute in range(3):
        assert _allowed(await _ask([store], key_id, 5, MINUTE + 60 * minute + 59, 9)) == 5


@pytest.mark.parametrize(("limit", "number"), [(5, 2), (60, 2), (100, 3), (400, 2)])
async def test_instances_together_stay_within_the_limit_and_the_stated_bound(
    tables: Tables, key_id: str, limit: int, number: int
) -> None:
    instances = [RateStore(tables.service) for _ in range(number)]
    rates = await _ask(instances, key_id, limit, MINUTE, limit + 40)
    lost = (number - 1) * (share_of(limit) - 1)
    assert limit - lost <= _allowed(rates) <= limit


async def test_the_bound_is_met_where_another_instance_holds_what_it_does_not_use(
    tables: Tables, key_id: str
) -> None:
    first, second = RateStore(tables.service), RateStore(tables.service)
    assert (await first.take(key_id, 100, MINUTE)).allowed  # and holds four more
    assert _allowed(await _ask([second], key_id, 100, MINUTE, 200)) == 95
    assert _allowed(await _ask([first], key_id, 100, MINUTE, 20)) == 4


async def test_requests_that_come_at_once_are_all_counted(tables: Tables, key_id: str) -> None:
    instances = [RateStore(tables.service) for _ in range(2)]
    rates = await asyncio.gather(
        *(instances[number % 2].take(key_id, 20, MINUTE) for number in range(60))
    )
    assert _allowed(rates) == 20  # a share is one request, so none is lost


async def test_storage_is_asked_for_shares_and_not_for_requests(
    tables: Tables, key_id: str
) -> None:
    store = RateStore(tables.service)
    await _ask([store], key_id, 200, MINUTE, 1000)
    # Twenty shares, each a read and a write, and one look that finds nothing left; no more.
    assert tables.requests <= 2 * 20 + 1


async def test_a_clock_that_is_a_little_ahead_gives_nothing_twice(
    tables: Tables, key_id: str
) -> None:
    ahead, behind = RateStore(tables.service), RateStore(tables.service)
    assert _allowed(await _ask([ahead], key_id, 5, MINUTE + 60.5, 9)) == 5
    assert _allowed(await _ask([behind], key_id, 5, MINUTE + 59.5, 9)) == 0


async def test_a_clock_that_was_far_ahead_locks_nobody_out(tables: Tables, key_id: str) -> None:
    wrong, right = RateStore(tables.service), RateStore(tables.service)
    await _ask([wrong], key_id, 5, MINUTE + 86_400, 9)
    assert _allowed(await _ask([right], key_id, 5, MINUTE, 9)) == 5


async def test_a_changed_limit_holds_in_the_same_minute(tables: Tables, key_id: str) -> None:
    store = RateStore(tables.service)
    assert _allowed(await _ask([store], key_id, 5, MINUTE, 9)) == 5
    assert _allowed(await _ask([store], key_id, 8, MINUTE, 9)) == 3
    assert _allowed(await _ask([store], key_id, 2, MINUTE, 9)) == 0


async def test_what_is_held_has_a_fixed_size(tables: Tables) -> None:
    store = RateStore(tables.service)
    for number in range(2005):
        store._share(f"key_{number}")
    assert len(store._shares) == 2000
