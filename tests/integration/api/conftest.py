"""The HTTP surface in-process, over a real Azurite."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.azurite import running_azurite
from tests.integration.api.world import World
from tests.media import write_clip


@pytest.fixture(scope="session")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_azurite(tmp_path_factory.mktemp("azurite")) as connection:
        yield connection


@pytest.fixture
async def world(storage: str) -> AsyncIterator[World]:
    async with World(storage) as world:
        yield world


@pytest.fixture
def clip(tmp_path: Path) -> bytes:
    """A short MP4."""
    return write_clip(tmp_path / "clip.mp4", seconds=1, width=160, height=90).read_bytes()
