"""Runs the hooks that azd runs, with stand-ins for ``az`` and ``azd`` on the path."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.infra.project import ROOT

__all__ = ["GIVEN", "HOOKS", "KEYED", "SHELLS", "Shell"]

HOOKS = ROOT / "infra" / "hooks"
SHELLS = {"sh": "sh", "pwsh": "ps1"}
"""The programs that run hooks, with the suffix of the form that is for each."""

GIVEN = {"AZURE_ENV_NAME": "test", "AZURE_LOCATION": "swedencentral"}
"""What azd always knows."""
KEYED = {**GIVEN, "DAILIES_API_KEYS": "me=sha256:" + "0" * 64}


@dataclass
class Shell:
    """A project folder with stand-ins that write down how they were called."""

    folder: Path
    program: str

    def tool(self, name: str, script: str = "") -> None:
        """Put a stand-in on the path; ``script`` is what it does after writing itself down."""
        path = self.folder / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f'#!/bin/sh\necho "{name} $*" >> "{self.folder}/calls"\n{script}\n')
        path.chmod(0o755)

    def run(
        self, hook: str, environment: Mapping[str, str], stdin: int = subprocess.DEVNULL
    ) -> subprocess.CompletedProcess[str]:
        """Run the form of the hook that is for this shell."""
        path = f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
        return subprocess.run(
            [self.program, str(HOOKS / f"{hook}.{SHELLS[self.program]}")],
            cwd=self.folder,
            env={"PATH": path, "HOME": str(self.folder), **environment},
            stdin=stdin,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    @property
    def calls(self) -> list[str]:
        """The command lines of the stand-ins, in order."""
        path = self.folder / "calls"
        return path.read_text().splitlines() if path.exists() else []
