"""The examples of docs/api.md and docs/batches.md, run as they stand."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.stack import RunningStack

DOCUMENTS = Path(__file__).parents[2] / "docs"


def _blocks(language: str, document: str = "api.md") -> str:
    """All blocks of a language, one after the other: later ones build on the earlier."""
    text = (DOCUMENTS / document).read_text(encoding="utf-8")
    return "\n".join(re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE))


@pytest.mark.parametrize(
    ("language", "command", "files"),
    [
        ("sh", ["bash", "-euo", "pipefail", "-c"], {"video.mp4", "thumbnail.webp"}),
        ("python", [sys.executable, "-W", "ignore", "-c"], {"video.mp4", "spritesheet.jpg"}),
    ],
)
def test_the_examples_run_as_they_stand(
    stack: RunningStack, tmp_path: Path, language: str, command: list[str], files: set[str]
) -> None:
    picture = io.BytesIO()
    Image.new("RGB", (900, 1600), "teal").save(picture, "JPEG")
    (tmp_path / "portrait.jpg").write_bytes(picture.getvalue())
    _run(stack, tmp_path, [*command, _blocks(language)])
    assert files <= {path.name for path in tmp_path.iterdir()}
    assert b"ftyp" in (tmp_path / "video.mp4").read_bytes()[:16]


def test_a_batch_is_ordered_as_its_page_shows_it(stack: RunningStack, tmp_path: Path) -> None:
    told = _run(stack, tmp_path, ["bash", "-euo", "pipefail", "-c", _blocks("sh", "batches.md")])
    dry, ordered = [
        json.loads(part) for part in re.findall(r"\{\"(?:object|id)\".*?\}(?=\{|$)", told)
    ]
    assert (dry["valid"], dry["total"]) == (True, 2)
    path = f"/v1/video_batches/{ordered['id']}"
    stack.wait_until(
        lambda: stack.api.get(path).json()["status"] == "completed", what="the batch's end"
    )


def _run(stack: RunningStack, folder: Path, command: list[str]) -> str:
    """What the command says."""
    done = subprocess.run(
        command,
        cwd=folder,
        env={
            **os.environ,
            "DAILIES_URL": stack.base_url,
            "DAILIES_KEY": stack.api_key,
            "NO_PROXY": "127.0.0.1",
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout
