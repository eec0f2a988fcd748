"""The examples of docs/api.md, run as they stand."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.stack import RunningStack

DOCUMENT = Path(__file__).parents[2] / "docs" / "api.md"


def _blocks(language: str) -> str:
    """All blocks of a language, one after the other: later ones build on the earlier."""
    text = DOCUMENT.read_text(encoding="utf-8")
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
    done = subprocess.run(
        [*command, _blocks(language)],
        cwd=tmp_path,
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
    assert files <= {path.name for path in tmp_path.iterdir()}
    assert b"ftyp" in (tmp_path / "video.mp4").read_bytes()[:16]
