"""A simulator for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from tests.local.unit.services.simulator import Simulator


@pytest.fixture
async def make_simulator(tmp_path: Path) -> AsyncIterator[Callable[..., Simulator]]:
    """Makes simulators with settings of one's own."""
    made: list[Simulator] = []

    def make(**settings: object) -> Simulator:
        made.append(Simulator(tmp_path / str(len(made)), **settings))  # type: ignore[arg-type]  # Settings checks them
        made[-1].services.start()
        return made[-1]

    yield make
    for one in made:
        await one.close()


@pytest.fixture
async def simulator(make_simulator: Callable[..., Simulator]) -> Simulator:
    """Speed 1, without quotas."""
    return make_simulator(unlimited=True)
