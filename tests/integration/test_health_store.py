"""How deployments fare, in Table Storage, as Azurite keeps it."""

from __future__ import annotations

import asyncio

from azure.data.tables.aio import TableServiceClient

from dailies.routing.breaker import Breaker, after_fault, after_success
from dailies.stores.health import Change, DeploymentHealth, HealthFault, HealthStore, State

START = 1_795_262_400.0
RULES = Breaker(faults=5, window=900, pause=30, trial=180)


async def _fault(store: HealthStore, name: str, video: str, at: float = START) -> None:
    fault = HealthFault(at=at, video=video)
    await store.update(name, lambda health: after_fault(health, "place", fault, "c", RULES))


async def test_what_one_instance_sees_another_one_knows(tables: TableServiceClient) -> None:
    one, other = HealthStore(tables), HealthStore(tables)
    for number in range(5):
        await _fault(one, "shared", f"video-{number}")
    assert one.known["shared"].state is State.RESTING
    await other.refresh(START, after=10)
    assert other.known["shared"] == one.known["shared"]


async def test_it_is_read_once_in_a_while(tables: TableServiceClient) -> None:
    one, other = HealthStore(tables), HealthStore(tables)
    await other.refresh(START, after=10)
    await _fault(one, "seldom", "video")
    await other.refresh(START + 9, after=10)
    assert "seldom" not in other.known
    await other.refresh(START + 10, after=10)
    assert "seldom" in other.known


async def test_faults_that_many_instances_see_at_once_are_all_counted(
    tables: TableServiceClient,
) -> None:
    stores = [HealthStore(tables) for _ in range(4)]
    await asyncio.gather(*(_fault(store, "busy", f"v{n}") for n, store in enumerate(stores)))
    await stores[0].refresh(START, after=10)
    assert len(stores[0].known["busy"].faults) == 4


async def test_one_that_works_has_no_row(tables: TableServiceClient) -> None:
    store = HealthStore(tables)
    await _fault(store, "well", "video")
    await store.update("well", lambda health: after_success(health, "place", reads=False))
    assert "well" not in store.known
    await store.refresh(START, after=0)
    assert "well" not in store.known


async def test_only_one_video_tries(tables: TableServiceClient) -> None:
    stores = [HealthStore(tables) for _ in range(6)]
    await _fault(stores[0], "trial", "video")

    def tries(video: str) -> Change:
        def change(health: DeploymentHealth | None) -> DeploymentHealth | None:
            assert health is not None
            return health if health.trial else health.model_copy(update={"trial": video})

        return change

    found = await asyncio.gather(
        *(store.update("trial", tries(f"video-{n}")) for n, store in enumerate(stores))
    )
    assert len({after.trial for _, after in found if after is not None}) == 1
