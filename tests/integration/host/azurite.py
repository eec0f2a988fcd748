"""An Azurite of one's own, for the tests that need a storage account."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from tests.integration.host.harness import ROOT, eventually

_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


@contextmanager
def azurite() -> Iterator[str]:
    """Run Azurite; yields the connection string of its account."""
    script = Path(
        os.environ.get("AZURITE_JS")
        or ROOT / "local/azurite/node_modules/azurite/dist/src/azurite.js"
    )
    node = shutil.which("node")
    if node is None or not script.is_file():
        pytest.skip("needs Azurite: run `make setup`, or set AZURITE_JS to its azurite.js")
    ports = [_free_port() for _ in range(3)]
    command = [node, str(script), "--silent", "--disableTelemetry", "--skipApiVersionCheck"]
    command.append("--inMemoryPersistence")
    for service, port in zip(("blob", "queue", "table"), ports, strict=True):
        command += [f"--{service}Port", str(port)]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        for port in ports[:2]:
            eventually(partial(_listens, port))
        yield (
            "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;"
            f"AccountKey={_KEY};"
            f"BlobEndpoint=http://127.0.0.1:{ports[0]}/devstoreaccount1;"
            f"QueueEndpoint=http://127.0.0.1:{ports[1]}/devstoreaccount1;"
            f"TableEndpoint=http://127.0.0.1:{ports[2]}/devstoreaccount1;"
        )
    finally:
        process.terminate()
        process.wait(10)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
