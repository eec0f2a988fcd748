"""``python -m local drop``, with Azurite alone."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from azure.storage.blob import BlobServiceClient

from local.__main__ import main
from local.stack.azurite import azurite_part
from local.stack.environment import Wiring, app_settings, connection_string
from local.stack.layout import StateDir
from local.stack.options import StackOptions
from local.stack.ready import ReadyFile, StackInfo
from local.stack.supervisor import Supervisor


async def test_an_image_is_dropped_with_its_prompt(
    supervisor: Supervisor, state: StateDir, wiring: Wiring, tmp_path: Path
) -> None:
    settings = app_settings(StackOptions(), wiring, {})
    await supervisor.start([azurite_part(state, wiring, settings)])
    connection = connection_string(wiring)
    info = StackInfo(
        base_url=wiring.base_url,
        api_key="",
        admin_key="",
        storage_connection_string=connection,
        simulator_url=wiring.simulator_url,
        pids={},
    )
    ReadyFile(state.ready).update(info)
    image = tmp_path / "kite.png"
    image.write_bytes(b"an image")
    arguments = ["drop", str(image), "--prompt", "Ein Drachen über Dünen", "--seconds", "8"]
    arguments += ["--name", "kites/red.png", "--state-dir", str(state.root)]
    assert main(arguments) == 0
    with BlobServiceClient.from_connection_string(connection) as blobs:
        blob = blobs.get_blob_client("references", "kites/red.png")
        properties = blob.get_blob_properties()
        assert blob.download_blob().readall() == b"an image"
    assert properties.content_settings.content_type == "image/png"
    assert properties.metadata["seconds"] == "8"
    assert base64.b64decode(properties.metadata["prompt_b64"]).decode() == "Ein Drachen über Dünen"


def test_without_a_stack_the_way_to_one_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["drop", "kite.png", "--state-dir", str(tmp_path)]) == 1
    assert "make start" in capsys.readouterr().err
