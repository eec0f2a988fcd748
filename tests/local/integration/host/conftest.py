"""Hosts for the tests: one that the tests of a module share, and one made to be harmed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from tests.local.integration.host.harness import APPS, LocalHost, running_host


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalHost]:
    """A host on the durable fixture app, shared by the tests of a module."""
    settings = {"AzureWebJobs.switched_off.Disabled": "1"}
    with running_host(APPS / "durable", tmp_path_factory.mktemp("host"), **settings) as shared:
        yield shared


@pytest.fixture
def make_host(tmp_path: Path) -> Iterator[Callable[..., LocalHost]]:
    """Makes hosts of one's own; they are ended with the test."""
    made: list[LocalHost] = []

    def make(
        app: Path = APPS / "durable", options: Sequence[str] = (), **settings: str
    ) -> LocalHost:
        made.append(LocalHost(app, tmp_path / f"host{len(made)}", options, **settings))
        return made[-1]

    yield make
    for one in made:
        one.stop()
