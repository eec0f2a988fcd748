"""``--stack READY.json``: test a stack that runs already, whatever its host."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.stack import attach_to


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option."""
    parser.addoption(
        "--stack",
        type=Path,
        metavar="READY.json",
        help="the ready file of a stack that runs already; the tests start none",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Take it."""
    ready_file: Path | None = config.getoption("--stack")
    if ready_file is not None:
        if not ready_file.is_file():
            raise pytest.UsageError(f"--stack {ready_file}: there is no such file")
        attach_to(ready_file.resolve())
