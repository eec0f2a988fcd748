"""Virtual environments of their own, for clients that can't share the project's.

They lie under ``.cache/venvs`` and are made once for each set of requirements.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

__all__ = ["python_with"]

_HOME = Path(__file__).parents[1] / ".cache" / "venvs"


def python_with(*requirements: str) -> Path:
    """The interpreter of an environment that has exactly these packages and what they need.

    Raises:
        subprocess.CalledProcessError: they can't be installed; pip's own words are on stderr.
    """
    key = "\n".join((sys.version, *requirements))
    home = _HOME / hashlib.sha256(key.encode()).hexdigest()[:16]
    python = home / "bin" / "python"
    if not (home / "complete").exists():
        shutil.rmtree(home, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
        install = [str(python), "-m", "pip", "install", "--quiet", *requirements]
        subprocess.run([*install, "--disable-pip-version-check"], check=True)
        # Without this an installation that was broken off would be taken for a whole one.
        (home / "complete").touch()
    return python
