"""What is read here is of all owners, so these tests have an account of their own: in the other one
each test leaves some behind."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.azurite import running_azurite


@pytest.fixture(scope="package")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_azurite(tmp_path_factory.mktemp("azurite")) as connection:
        yield connection
