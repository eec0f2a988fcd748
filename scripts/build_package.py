"""Builds what is deployed: the app with all that it needs, as a folder and as a zip of it.

Nothing is left for Azure to build, the studio neither. Beside the app lie the locked wheels for its
Python on Linux x86-64, each checked by its hash, in the folder that the worker looks into; and
every module is compiled, since a worker that has to do that itself starts four seconds later.
Equal sources and locks make equal bytes, with one release of Python and of zlib.

Usage: ``python -m scripts.build_package OUT.zip [--for 3.12]``; the folder is ``OUT``. It runs on a
bare Python, which must be of the version that the app will run on: bytecode is of one version.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

from scripts.uv import uv

__all__ = ["DEPENDENCIES", "STUDIO", "PackageError", "build", "deployed_python", "packaged_files"]

FOLDERS = ("activities", "dailies", "entities", "orchestrations", "triggers")
FILES = ("durable_client.py", "function_app.py", "host.json", "models.yaml", "requirements.txt")
"""What is packaged, by name: whatever else lies about in a checkout can't get in."""
_KINDS = frozenset({".py", ".json"})
STUDIO = "studio/dist"
"""The studio, which is built beforehand; of its folder nothing else is packaged."""
_STUDIO_KINDS = frozenset({".html", ".js", ".css", ".svg", ".txt"})

DEPENDENCIES = ".python_packages/lib/site-packages"
"""Where the worker of Azure Functions looks for an app's packages."""
_PLATFORM = "x86_64-manylinux_2_28"
"""No image of Azure Functions has an older glibc than this."""
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip can tell: equal files, equal bytes
_VERSION = "{}.{}".format(*sys.version_info[:2])
_ROOT = Path(__file__).resolve().parents[1]


class PackageError(Exception):
    """The package can't be built; the message says what to do."""


def packaged_files(root: Path) -> Iterator[Path]:
    """The app's files, relative to ``root``, in order.

    Raises:
        PackageError: one is missing without which nothing starts.
    """
    for name in (*FOLDERS, *FILES):
        if not (root / name).exists():
            raise PackageError(f"{name} is not in {root}; is this a whole checkout?")
    for folder in FOLDERS:
        found = (path for path in (root / folder).rglob("*") if path.suffix in _KINDS)
        yield from sorted(path.relative_to(root) for path in found if path.is_file())
    yield from map(Path, FILES)
    if not (root / STUDIO / "index.html").is_file():
        raise PackageError(f"{STUDIO} is not in {root}: build the studio with `make studio`")
    built = (path for path in (root / STUDIO).rglob("*") if path.suffix in _STUDIO_KINDS)
    yield from sorted(path.relative_to(root) for path in built)


def deployed_python(root: Path) -> str:
    """The version of Python that the templates give the app, unless a deployment says otherwise."""
    template = (root / "infra" / "main.bicep").read_text(encoding="utf-8")
    (version,) = re.findall(r"^param pythonVersion string = '(\d\.\d+)'$", template, re.MULTILINE)
    return str(version)


def build(root: Path, target: Path, *, level: int = 6) -> list[str]:
    """Write the package to ``target``, and beside it, without the suffix, as a folder.

    Args:
        level: how hard to press it, 1 to 9; most of a build's time is spent on that.

    Returns:
        The names in it.

    Raises:
        PackageError: a file is missing without which nothing starts.
        subprocess.CalledProcessError: a package can't be installed; the words are on stderr.
    """
    files = list(packaged_files(root))
    site = target.with_suffix("")
    shutil.rmtree(site, ignore_errors=True)
    for file in files:
        (site / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / file, site / file)
    _install(root / "requirements.txt", site / DEPENDENCIES)
    _compile(site)
    return _pack(site, target, level)


def _install(lock: Path, target: Path) -> None:
    command = [str(uv()), "pip", "install", "--quiet", "--target", str(target), "-r", str(lock)]
    command += ["--python", sys.executable, "--python-version", _VERSION]
    command += ["--python-platform", _PLATFORM, "--only-binary", ":all:"]
    command += ["--require-hashes", "--no-deps", "--link-mode", "copy"]
    subprocess.run(command, check=True)  # noqa: S603 - a fixed program
    # Commands are not for a worker, and begin with the path of the Python that installed them.
    shutil.rmtree(target / "bin", ignore_errors=True)
    for record in target.glob("*.dist-info/RECORD"):
        lines = record.read_text(encoding="utf-8").splitlines(keepends=True)
        kept = (line for line in lines if not line.startswith("bin/"))
        record.write_text("".join(kept), encoding="utf-8")
    (target / ".lock").unlink(missing_ok=True)


def _compile(site: Path) -> None:
    """Compile every module, in order and in one process of its own, so that equal ones give equal
    bytes. They are not compared with their sources again: nothing changes in a package."""
    command = [sys.executable, "-I", "-m", "compileall", "-q", "-j", "1", str(site)]
    command += ["-s", str(site), "-p", "/", "--invalidation-mode", "unchecked-hash"]
    subprocess.run(command, check=True)  # noqa: S603 - this very Python


def _pack(site: Path, target: Path, level: int) -> list[str]:
    files = sorted(path for path in site.rglob("*") if path.is_file())
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as package:
        for file in files:
            entry = zipfile.ZipInfo(file.relative_to(site).as_posix(), _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # of Unix, also where it is built on another system
            entry.external_attr = 0o644 << 16
            package.writestr(entry, file.read_bytes(), compresslevel=level)
        return package.namelist()


def main() -> int:
    """Build the package of the project that this script lies in; 0, or 1 after a message."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", type=Path, help="the zip to write")
    parser.add_argument(
        "--for",
        dest="version",
        default=deployed_python(_ROOT),
        help="the Python that the app will run on (%(default)s)",
    )
    options = parser.parse_args()
    target: Path = options.target
    try:
        if options.version != _VERSION:
            raise PackageError(
                f"the app will run on Python {options.version}, and this is {_VERSION}: build with "
                f"python{options.version}, or deploy to {_VERSION} (DAILIES_PYTHON_VERSION)"
            )
        setup = [sys.executable, str(_ROOT / "local" / "setup.py"), "--studio"]
        subprocess.run(setup, check=True)  # noqa: S603 - this very Python
        names = build(_ROOT, target)
    except PackageError as error:
        print(f"package: {error}", file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        print(f"package: {error.cmd[0]} failed, see above", file=sys.stderr)
        return 1
    print(f"{target}: {len(names)} files, {target.stat().st_size:,} bytes, Python {_VERSION}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
