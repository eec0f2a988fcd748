"""Services for the tests: one that a module shares, and ones to be harmed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.local.integration.services.harness import ServicesProcess


@pytest.fixture(scope="module")
def services(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServicesProcess]:
    """Fast and without quotas, shared by the tests of a module, with a few frames of each video.

    A module that looks at all frames says so: ``EVERY_FRAME = True``.
    """
    options = ["--speed", "200", "--unlimited"]
    options += [] if getattr(request.module, "EVERY_FRAME", False) else ["--few-frames"]
    shared = ServicesProcess(tmp_path_factory.mktemp("services"), *options)
    shared.start()
    try:
        yield shared
    finally:
        assert shared.end() == 0


@pytest.fixture(autouse=True)
def _no_faults_are_left(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "services" in request.fixturenames:
        shared: ServicesProcess = request.getfixturevalue("services")
        with shared.client() as client:
            client.delete("/_inspect/faults").raise_for_status()


@pytest.fixture
def make_services(tmp_path: Path) -> Iterator[Callable[..., ServicesProcess]]:
    """Makes services of one's own; they are ended with the test."""
    made: list[ServicesProcess] = []

    def make(*arguments: str) -> ServicesProcess:
        made.append(ServicesProcess(tmp_path / f"services{len(made)}", *arguments))
        made[-1].start()
        return made[-1]

    yield make
    for one in made:
        one.end()
