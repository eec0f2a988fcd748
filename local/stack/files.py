"""Files that others read while they are written, and files that only their owner may read."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

__all__ = ["make_private_dir", "tail", "write_private"]


def make_private_dir(path: Path) -> Path:
    """Create ``path`` with its parents, readable by its owner only, and return it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.mkdir(mode=0o700, exist_ok=True)
    return path


def write_private(path: Path, text: str) -> None:
    """Replace the content of ``path`` in one step; nobody but the owner can read it (0600)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def tail(path: Path, *, start: int = 0, lines: int = 20) -> str:
    """The last ``lines`` lines of a log, nothing before byte ``start``; at most 64 KB are read."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(min(start, size), size - 65_536))
            text = file.read().decode("utf-8", errors="replace")
    except FileNotFoundError:
        return ""
    return "\n".join(text.rstrip().splitlines()[-lines:])
