"""uv, of the locked version, in an environment of its own: ``python -m scripts.uv ARGUMENTS``.

Runs on a bare Python: standard library only.
"""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

__all__ = ["uv"]

_ROOT = Path(__file__).resolve().parents[1]
_LOCK = _ROOT / "requirements-uv.txt"
_HOME = _ROOT / ".cache" / "uv"


def uv() -> Path:
    """The program, which is installed when it is missing or of another version.

    Raises:
        subprocess.CalledProcessError: it can't be installed; pip's own words are on stderr.
    """
    folder, suffix = ("Scripts", ".exe") if sys.platform == "win32" else ("bin", "")
    program = _HOME / folder / f"uv{suffix}"
    stamp, lock = _HOME / "requirements.txt", _LOCK.read_text(encoding="utf-8")
    if program.is_file() and stamp.is_file() and stamp.read_text(encoding="utf-8") == lock:
        return program
    venv.create(_HOME, clear=True, with_pip=True, symlinks=sys.platform != "win32")
    python = _HOME / folder / f"python{suffix}"
    options = ("--quiet", "--disable-pip-version-check", "--require-hashes")
    command = [str(python), "-m", "pip", "install", *options, "-r", str(_LOCK)]
    subprocess.run(command, check=True)  # noqa: S603 - a fixed program of this environment
    stamp.write_text(lock, encoding="utf-8")
    return program


if __name__ == "__main__":
    sys.exit(subprocess.run([str(uv()), *sys.argv[1:]], check=False).returncode)  # noqa: S603 - ours
