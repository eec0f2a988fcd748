"""Azurite for the tests of a file, and clients of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
from azure.data.tables.aio import TableServiceClient

from tests.azurite import running_azurite


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The connection string of an account that nothing is stored in at first."""
    with running_azurite(tmp_path_factory.mktemp("azurite")) as connection:
        yield connection


@pytest.fixture
async def tables(connection: str) -> AsyncIterator[TableServiceClient]:
    """Its tables."""
    async with TableServiceClient.from_connection_string(connection) as service:
        yield service
