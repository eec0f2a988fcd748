"""LiteLLM in a virtual environment of its own, ``.cache/litellm``: its pins are not ours.

    python -m bench.litellm.environment

Needs the package index; does nothing when the environment is there. Not part of ``make setup``.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import venv
from pathlib import Path

__all__ = ["HOME", "PYTHON", "VERSION", "EnvironmentFailed", "ensure"]

VERSION = "1.109.1"
_ROOT = Path(__file__).resolve().parents[2]
HOME = _ROOT / ".cache" / "litellm"
PYTHON = HOME / "bin" / "python"
_OVERRIDES = Path(__file__).with_name("overrides.txt")
_UV = _ROOT / ".cache" / "uv"
_STAMP = HOME / ".installed"


class EnvironmentFailed(Exception):
    """LiteLLM could not be installed; the message says which step failed."""


def ensure() -> Path:
    """The interpreter of the environment, which is made when missing or of another version.

    Raises:
        EnvironmentFailed: with what the installer printed.
    """
    wanted = hashlib.sha256(VERSION.encode() + _OVERRIDES.read_bytes()).hexdigest()
    if _STAMP.is_file() and _STAMP.read_text(encoding="ascii") == wanted:
        return PYTHON
    print(f"installing LiteLLM {VERSION} into {HOME.relative_to(_ROOT)}", flush=True)
    uv = _uv()
    _run(uv, "venv", "--quiet", "--clear", "--python", sys.executable, HOME)
    # pip has no way to overrule a requirement of a requirement.
    _run(
        *(uv, "pip", "install", "--quiet", "--python", PYTHON),
        *("--override", _OVERRIDES, f"litellm[proxy]=={VERSION}"),
    )
    _STAMP.write_text(wanted, encoding="ascii")
    return PYTHON


def _uv() -> Path:
    """uv, where ``make lock`` keeps it too."""
    program = _UV / "bin" / "uv"
    if not program.exists():
        venv.create(_UV, with_pip=True, symlinks=True)
        _run(_UV / "bin" / "python", "-m", "pip", "install", "--quiet", "uv")
    return program


def _run(*command: Path | str) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise EnvironmentFailed(f"{Path(command[0]).name} failed:\n{done.stderr.strip()}")


if __name__ == "__main__":
    try:
        ensure()
    except EnvironmentFailed as error:
        sys.exit(f"LiteLLM can't be installed: {error}")
