"""What the tests of the infrastructure read: its files, what they would make, and the code."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.infra.compiler import MISSING, Compiler, find_compiler
from tests.infra.hook_shell import SHELLS, Shell
from tests.infra.parameter_sets import PARAMETER_SETS
from tests.infra.predicted import Deployment
from tests.infra.project import ROOT, Code, Infra, read_code, read_infra
from tests.infra.snapshots import SECOND, kept


@pytest.fixture(scope="session")
def infra() -> Infra:
    return read_infra()


@pytest.fixture(scope="session")
def code() -> Code:
    return read_code()


@pytest.fixture(scope="session")
def deployments() -> Mapping[str, Deployment]:
    """The kept snapshots by name, that of the second phase among them."""
    return {name: kept(name) for name in (*PARAMETER_SETS, SECOND)}


@pytest.fixture(scope="session")
def compiler() -> Compiler:
    """The Bicep compiler; without one the test is skipped, since no registry of packages has it."""
    found = find_compiler()
    if found is None:
        pytest.skip(MISSING)
    return found


@pytest.fixture(params=[name for name in SHELLS if shutil.which(name)])
def shell(request: pytest.FixtureRequest, tmp_path: Path) -> Shell:
    """Each shell that this machine has, in a project folder."""
    (tmp_path / "host.json").write_text((ROOT / "host.json").read_text())
    shell = Shell(tmp_path, request.param)
    shell.tool("azd")
    shell.tool("az")
    return shell
