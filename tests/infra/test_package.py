"""The package that is deployed: what is in it, and that the app starts from it alone."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from scripts.build_package import build, packaged_files
from tests.infra.project import ROOT

_SOURCES = {"activities", "dailies", "entities", "orchestrations", "triggers"}
_FILES = {"durable_client.py", "function_app.py", "host.json", "models.yaml", "requirements.txt"}
_TRIGGERS = {"http_api", "reference_uploaded", "sweep"}

# Loads the app as Azure's worker does: the package's folder and what the remote build installed
# are on the path, and nothing of this checkout. Prints the functions and where the app came from.
_INDEX = """
import json, sys
sys.path[:0] = sys.argv[1:]
import function_app
functions = sorted(f.get_function_name() for f in function_app.app.get_functions())
modules = [getattr(m, "__file__", None) for m in list(sys.modules.values())]
print(json.dumps({"functions": functions, "files": [f for f in modules if f]}))
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package, unpacked."""
    folder = tmp_path_factory.mktemp("package")
    build(ROOT, folder / "dailies.zip")
    with zipfile.ZipFile(folder / "dailies.zip") as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def _index(*path: Path, options: tuple[str, ...] = ("-I",)) -> tuple[set[str], set[str]]:
    """The names of the functions, and the files that were loaded, from these folders alone."""
    done = subprocess.run(
        [sys.executable, *options, "-c", _INDEX, *map(str, path)],
        cwd=path[0],
        env={"PATH": os.environ["PATH"], "HOME": str(path[0])},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout.splitlines()[-1])
    return set(answer["functions"]), set(answer["files"])


def test_the_package_holds_the_app_and_nothing_else(package: Path) -> None:
    names = {path.name for path in package.iterdir()}
    assert names == _SOURCES | _FILES
    kinds = {path.suffix for path in package.rglob("*") if path.is_file()}
    assert kinds <= {".py", ".json", ".yaml", ".txt"}


def test_every_module_of_the_app_is_in_the_package(package: Path) -> None:
    for folder in _SOURCES:
        for module in (ROOT / folder).rglob("*.py"):
            assert (package / module.relative_to(ROOT)).is_file()


@pytest.mark.parametrize(
    "stray",
    [
        "local/host.py",
        "tests/test_app.py",
        "infra/main.bicep",
        "local.settings.json",
        ".env",
        ".azure/dev/.env",
        ".venv/bin/python",
        ".git/config",
        ".local/state.db",
        "node_modules/azurite/package.json",
        "out/video.mp4",
        "dailies/__pycache__/settings.cpython-311.pyc",
        ".python_packages/lib/site-packages/x.py",
    ],
)
def test_what_lies_about_in_a_checkout_stays_out(tmp_path: Path, stray: str) -> None:
    shutil.copy(ROOT / ".funcignore", tmp_path)
    for name in (stray, "function_app.py", "dailies/settings.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    names = {path.as_posix() for path in packaged_files(tmp_path)}
    assert names == {"function_app.py", "dailies/settings.py"}


def test_a_package_without_the_app_is_not_built(tmp_path: Path) -> None:
    (tmp_path / ".funcignore").write_text("function_app.py\n")
    for name in ("function_app.py", "host.json", "requirements.txt"):
        (tmp_path / name).write_text("")
    with pytest.raises(FileNotFoundError, match=r"function_app\.py is not in the package"):
        build(tmp_path, tmp_path / "dailies.zip")


def test_equal_sources_make_equal_packages(tmp_path: Path) -> None:
    build(ROOT, tmp_path / "one" / "dailies.zip")
    build(ROOT, tmp_path / "two" / "dailies.zip")
    one, two = ((tmp_path / n / "dailies.zip").read_bytes() for n in ("one", "two"))
    assert one == two


def test_the_functions_are_found_in_the_package(package: Path) -> None:
    functions, files = _index(package)
    assert functions >= _TRIGGERS
    assert str(package / "function_app.py") in files
    checkout = [f for f in files if Path(f).is_relative_to(ROOT) and ".venv" not in Path(f).parts]
    assert checkout == []


def test_the_functions_are_found_with_what_the_remote_build_installs(package: Path) -> None:
    """requirements.txt alone is enough: without the packages of this environment (-S)."""
    installed = _installed()
    functions, files = _index(package, installed, options=("-I", "-S"))
    assert functions >= _TRIGGERS
    assert any(Path(f).is_relative_to(installed) for f in files)
    assert not any("site-packages" in Path(f).parts for f in files if str(installed) not in f)


def _installed() -> Path:
    """What ``pip install --target`` makes of requirements.txt, kept while that does not change."""
    requirements = ROOT / "requirements.txt"
    key = hashlib.sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()[:16]
    target = ROOT / ".cache" / "package" / key / "lib" / "site-packages"
    if target.is_dir():
        return target
    partial = target.with_name(f"partial-{os.getpid()}")
    options = ("--quiet", "--disable-pip-version-check", "--no-compile")
    subprocess.run(
        [sys.executable, "-m", "pip", "install", *options, "-r", requirements, "--target", partial],
        check=True,
        timeout=600,
    )
    if not target.is_dir():  # another run may have been quicker
        partial.rename(target)
    return target
