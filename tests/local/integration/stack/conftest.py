"""A state directory with all that a part needs, and a supervisor to run it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from local.stack.certificates import Certificates
from local.stack.environment import Wiring
from local.stack.keys import Keys
from local.stack.layout import StateDir
from local.stack.ports import Ports
from local.stack.supervisor import Supervisor


@pytest.fixture
def state(tmp_path: Path) -> StateDir:
    state = StateDir(tmp_path / "state")
    state.create()
    return state


@pytest.fixture
def wiring(state: StateDir) -> Wiring:
    return Wiring(
        keys=Keys.load_or_create(state.keys),
        ports=Ports.assign(state.ports, host_port=0),
        certificates=Certificates.load_or_create(state.tls),
    )


@pytest.fixture
async def supervisor() -> AsyncIterator[Supervisor]:
    supervisor = Supervisor(changed=lambda: None, tell=print)
    yield supervisor
    await supervisor.stop()
