"""Azurite as a part of the stack: the account is ready for the app, and survives a restart."""

from __future__ import annotations

import os
import signal

import pytest
from azure.data.tables import TableServiceClient
from azure.storage.blob import BlobServiceClient

from local.stack.azurite import azurite_part
from local.stack.environment import Wiring, app_settings, connection_string
from local.stack.layout import StateDir
from local.stack.options import StackOptions
from local.stack.ports import Ports
from local.stack.processes import Part
from local.stack.resources import CONTAINERS, TABLES
from local.stack.supervisor import Supervisor


def _part(state: StateDir, wiring: Wiring) -> Part:
    settings = app_settings(StackOptions(), wiring, {})
    return azurite_part(state, wiring, settings, os.environ)


async def test_containers_and_tables_are_there_when_azurite_is_ready(
    supervisor: Supervisor, state: StateDir, wiring: Wiring
) -> None:
    await supervisor.start([_part(state, wiring)])
    with BlobServiceClient.from_connection_string(connection_string(wiring)) as blobs:
        assert {container.name for container in blobs.list_containers()} == set(CONTAINERS)
    with TableServiceClient.from_connection_string(connection_string(wiring)) as tables:
        assert {table.name for table in tables.list_tables()} == set(TABLES)


async def test_blobs_survive_a_restart_on_the_same_ports(state: StateDir, wiring: Wiring) -> None:
    for attempt in range(2):
        supervisor = Supervisor(changed=lambda: None, tell=print)
        try:
            await supervisor.start([_part(state, wiring)])
            with BlobServiceClient.from_connection_string(connection_string(wiring)) as blobs:
                blob = blobs.get_blob_client("references", "kite.png")
                if attempt == 0:
                    blob.upload_blob(b"an image")
                assert blob.download_blob().readall() == b"an image"
        finally:
            await supervisor.stop()
        assert Ports.assign(state.ports, host_port=0) == wiring.ports


async def test_azurite_ends_in_order(
    supervisor: Supervisor, state: StateDir, wiring: Wiring
) -> None:
    await supervisor.start([_part(state, wiring)])
    pid = supervisor.pids["azurite"]
    await supervisor.stop()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, signal.SIG_DFL)
