"""One stack for all end-to-end tests; those that break things start their own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.stack import RunningStack, running_stack


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """A stack at 60 times real speed, without quotas."""
    with running_stack(tmp_path_factory.mktemp("stack")) as running:
        yield running
