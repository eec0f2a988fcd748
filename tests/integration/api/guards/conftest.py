"""A simulated account of Content Safety, and a world that it guards."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.content_safety import ContentSafetyAccount
from tests.integration.api.guards.asking import (
    guard_with,
)
from tests.integration.api.world import World


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the key of the tokens lies: made once, as it takes as long as many tests do."""
    return tmp_path_factory.mktemp("keys")


@pytest.fixture
async def account(keys: Path) -> ContentSafetyAccount:
    account = ContentSafetyAccount(keys)
    await account.block("house-words", "zanzibar")
    return account


@pytest.fixture
async def guarded(world: World, account: ContentSafetyAccount) -> AsyncIterator[World]:
    """A world whose guard is the account."""
    guards = guard_with(world, account.guard())
    yield world
    await guards.close()
