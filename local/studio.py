"""``python -m local.studio``: types, lint and unit tests of the studio's sources."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from local.stack.azurite import find_node
from local.stack.layout import APP_DIR

_STUDIO = APP_DIR / "studio"
_CHECKS = (
    ("typescript/bin/tsc", "--noEmit"),
    ("@biomejs/biome/bin/biome", "check", "--error-on-warnings", "."),
    ("vitest/vitest.mjs", "run"),
)


def main() -> int:
    """0, or the code of the first check that fails, after its words."""
    node = find_node()
    for script, *arguments in _CHECKS:
        command = [node, str(Path("node_modules", script)), *arguments]
        print("studio:", " ".join(command[1:]), flush=True)
        code = subprocess.run(command, cwd=_STUDIO, check=False).returncode
        if code != 0:
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main())
