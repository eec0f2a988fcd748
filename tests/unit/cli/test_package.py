"""The command line installs by itself, with what it says that it needs."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

from local.stack.layout import APP_DIR

_CLI = APP_DIR / "cli"


def _imported(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


def test_it_imports_nothing_but_what_it_declares() -> None:
    declared = tomllib.loads((_CLI / "pyproject.toml").read_text())["project"]["dependencies"]
    # The namespace package of Azure's libraries belongs to all of them.
    providers = packages_distributions()
    for path in sorted(_CLI.rglob("*.py")):
        for name in _imported(path):
            top = name.partition(".")[0]
            if top in sys.stdlib_module_names or top == "dailies_cli":
                continue
            assert set(providers[top]) & set(declared), f"{path.name} imports {name}"


def test_a_wheel_of_it_has_the_command_and_every_module(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", str(tmp_path)]
    subprocess.run([*build, "--disable-pip-version-check", str(_CLI)], check=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as opened:
        names = set(opened.namelist())
        (points,) = (name for name in names if name.endswith("entry_points.txt"))
        assert "dailies = dailies_cli.__main__:main" in opened.read(points).decode()
    modules = {path.relative_to(_CLI).as_posix() for path in _CLI.rglob("dailies_cli/**/*.py")}
    assert modules <= names
