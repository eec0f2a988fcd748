"""Which files of a machine an order of many videos sends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from dailies_cli.commands.batch import send
from dailies_cli.failures import Failure


@pytest.mark.parametrize("image", ["/etc/passwd", "../outside.png", "in/side.png", "..", "..\\a"])
def test_a_file_of_shots_names_no_file_outside_its_folder(tmp_path: Path, image: str) -> None:
    shots = tmp_path / "shots.jsonl"
    shots.write_text(json.dumps({"prompt": "a", "image_file": image}))
    with pytest.raises(Failure, match="image_file") as refused:
        send(shots)
    assert "beside" in str(refused.value)
