"""The commands that the documents tell a reader to run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

__all__ = ["ROOT", "following_downloads", "shell_commands"]

ROOT = Path(__file__).resolve().parents[1]
_BLOCK = re.compile(r"^ *```sh\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
_FOLLOWS = re.compile(r"\s(-[A-Za-z]*L[A-Za-z]*|--location)\s")


def shell_commands() -> Iterator[tuple[str, str]]:
    """The name of a document, and a command of one of its shell blocks on one line."""
    for path in (
        ROOT / "README.md",
        ROOT / "local/README.md",
        *sorted((ROOT / "docs").glob("*.md")),
    ):
        for block in _BLOCK.findall(path.read_text(encoding="utf-8")):
            for line in block.replace("\\\n", " ").splitlines():
                yield path.name, line.strip()


def following_downloads() -> list[tuple[str, str]]:
    """Those that have curl follow redirects."""
    return [
        (name, command)
        for name, command in shell_commands()
        if command.startswith("curl ") and _FOLLOWS.search(command)
    ]
