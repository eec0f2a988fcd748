"""Azurite for tests of the stores: one process, in memory, with the app's tables and containers."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from azure.data.tables import TableServiceClient
from azure.storage.blob import BlobServiceClient

from local.stack.azurite import AZURITE_DIR, find_node

__all__ = ["API_VERSION", "azurite"]

API_VERSION = "2025-01-05"
CONTAINERS = ("videos", "references")
_ACCOUNT = "devstoreaccount1"
# The key that Azurite gives this account, as Microsoft documents it.
_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
_TABLES = ("videos", "openvideos", "claims")
_LONGEST_START = 60.0


def _script() -> Path:
    """Azurite as `make setup` installs it, or the one that AZURITE_JS names."""
    installed = AZURITE_DIR / "node_modules" / "azurite" / "dist" / "src" / "azurite.js"
    script = installed if installed.exists() else Path(os.environ.get("AZURITE_JS", installed))
    assert script.exists(), "Azurite is missing: run `make setup`, or set AZURITE_JS to azurite.js"
    return script


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(held.getsockname()[1]) for held in sockets]
    for held in sockets:
        held.close()
    return ports


@contextmanager
def azurite(folder: Path) -> Iterator[str]:
    """Run Azurite; gives its connection string."""
    blob, queue, table = _free_ports(3)
    command = [find_node(), str(_script()), "--silent", "--disableTelemetry"]
    command += ["--skipApiVersionCheck", "--inMemoryPersistence"]
    for service, port in (("blob", blob), ("queue", queue), ("table", table)):
        command += [f"--{service}Host", "127.0.0.1", f"--{service}Port", str(port)]
    connection = (
        f"DefaultEndpointsProtocol=http;AccountName={_ACCOUNT};AccountKey={_KEY};"
        f"BlobEndpoint=http://127.0.0.1:{blob}/{_ACCOUNT};"
        f"TableEndpoint=http://127.0.0.1:{table}/{_ACCOUNT};"
    )
    with (folder / "azurite.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
        try:
            for port in (blob, table):
                _wait_for(port, process)
            _prepare(connection)
            yield connection
        finally:
            process.terminate()
            process.wait(timeout=10)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _LONGEST_START
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert process.poll() is None, "Azurite ended as it started"
            assert time.monotonic() < deadline, "Azurite does not answer"
            time.sleep(0.05)
        else:
            return


def _prepare(connection: str) -> None:
    with TableServiceClient.from_connection_string(connection) as tables:
        for name in _TABLES:
            tables.create_table(name)
    with BlobServiceClient.from_connection_string(connection, api_version=API_VERSION) as blobs:
        for name in CONTAINERS:
            blobs.create_container(name)
