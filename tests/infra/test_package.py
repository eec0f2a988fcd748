"""The package that is deployed: what is in it, and that the app works from it alone."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from email import message_from_string
from pathlib import Path

import pytest

from scripts.build_package import (
    DEPENDENCIES,
    FILES,
    FOLDERS,
    STUDIO,
    PackageError,
    build,
    deployed_python,
    packaged_files,
)
from tests.e2e.checks import assert_delivered
from tests.infra.project import ROOT
from tests.stack import RunningStack, running_stack

# Of no importance to what is in it, and half of the seconds that a build takes.
_LEVEL = 1
_KINDS = {".py", ".json", ".yaml", ".txt", ".pyc"}

# In a process that has this one's standard library, and of other packages what is named.
_MODULES = """
import json, sys
sys.path[:0] = sys.argv[1:]
import function_app, dailies.api.app, dailies.services
modules = [getattr(m, "__file__", None) for m in list(sys.modules.values())]
print(json.dumps([name for name in modules if name]))
"""


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package."""
    target = tmp_path_factory.mktemp("package") / "dailies.zip"
    build(ROOT, target, level=_LEVEL)
    return target


@pytest.fixture(scope="module")
def package(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What Azure makes of it: the zip, unpacked elsewhere."""
    site = tmp_path_factory.mktemp("wwwroot")
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(site)
    return site


@pytest.fixture(scope="module")
def stack(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    state = tmp_path_factory.mktemp("state")
    options = ("--app-dir", str(package))
    with running_stack(state, *options, few_frames=False) as running:
        yield running


def test_the_package_holds_the_app_and_its_packages_and_nothing_else(package: Path) -> None:
    names = {path.name for path in package.iterdir()}
    assert names == {
        *FOLDERS,
        *FILES,
        STUDIO.partition("/")[0],
        "__pycache__",
        DEPENDENCIES.partition("/")[0],
    }
    ours = (path for folder in FOLDERS for path in (package / folder).rglob("*"))
    assert {path.suffix for path in ours if path.is_file()} <= _KINDS


def test_every_module_of_the_app_is_in_the_package(package: Path) -> None:
    for folder in FOLDERS:
        for module in (ROOT / folder).rglob("*.py"):
            assert (package / module.relative_to(ROOT)).is_file()


@pytest.mark.parametrize(
    "stray",
    [
        "local/host.py",
        "local.settings.json",
        ".env",
        ".azure/dev/.env",
        ".git/config",
        "dailies/.env",
        "dailies/settings.py.orig",
        "dailies/__pycache__/settings.cpython-311.pyc",
        ".python_packages/lib/site-packages/x.py",
        "studio/package.json",
        "studio/node_modules/vite/index.js",
        "studio/dist/assets/index.js.map",
    ],
)
def test_what_lies_about_in_a_checkout_stays_out(tmp_path: Path, stray: str) -> None:
    wanted = {*FILES, *(f"{folder}/__init__.py" for folder in FOLDERS), f"{STUDIO}/index.html"}
    for name in (stray, *wanted):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    names = {path.as_posix() for path in packaged_files(tmp_path)}
    assert names == wanted


def test_a_package_without_the_studio_is_not_built(tmp_path: Path) -> None:
    for name in (*FILES, *(f"{folder}/__init__.py" for folder in FOLDERS)):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    with pytest.raises(PackageError, match="make studio"):
        build(tmp_path, tmp_path / "dailies.zip")


def test_a_package_without_the_app_is_not_built(tmp_path: Path) -> None:
    for folder in FOLDERS:
        (tmp_path / folder).mkdir()
    (tmp_path / "host.json").write_text("{}")
    with pytest.raises(PackageError, match="is not in"):
        build(tmp_path, tmp_path / "dailies.zip")
    assert not (tmp_path / "dailies.zip").exists()


def test_equal_sources_make_equal_packages(archive: Path, tmp_path: Path) -> None:
    build(ROOT, tmp_path / "elsewhere" / "dailies.zip", level=_LEVEL)
    assert (tmp_path / "elsewhere" / "dailies.zip").read_bytes() == archive.read_bytes()


def test_a_package_whose_hashes_are_others_is_not_built(tmp_path: Path) -> None:
    for path in (*packaged_files(ROOT), Path("requirements.txt")):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes((ROOT / path).read_bytes())
    lock = tmp_path / "requirements.txt"
    lock.write_text(f"six==1.17.0 \\\n    --hash=sha256:{'0' * 64}\n")
    with pytest.raises(subprocess.CalledProcessError):
        build(tmp_path, tmp_path / "out" / "dailies.zip")


def test_what_is_installed_is_what_is_locked(package: Path) -> None:
    found = {
        str(about["Name"]).lower().replace("_", "-").replace(".", "-"): about["Version"]
        for path in (package / DEPENDENCIES).glob("*.dist-info/METADATA")
        if (about := message_from_string(path.read_text("utf-8")))
    }
    locked = dict(
        line.partition(" ")[0].split("==")
        for line in (ROOT / "requirements.txt").read_text().splitlines()
        if "==" in line and not line.startswith(" ") and _is_for_us(line)
    )
    assert found == locked


def _is_for_us(line: str) -> bool:
    """Of the lines for certain versions of Python, that for this one."""
    old = sys.version_info < (3, 13)
    return not (("< '3.13'" in line and not old) or (">= '3.13'" in line and old))


def test_no_module_is_compiled_at_a_cold_start(package: Path) -> None:
    # A cache that does not fit its source is made anew: seconds, for each instance that starts.
    loaded = _loaded(package)
    assert len(loaded) > 500
    for name in loaded:
        if name.endswith(".py") and Path(name).is_relative_to(package):
            cached = Path(importlib.util.cache_from_source(name))
            assert cached.is_file(), name
            flags = int.from_bytes(cached.read_bytes()[4:8], "little")
            assert flags == 1, f"{name}: by hash, and not compared with its source"


def test_everything_is_imported_from_the_package_alone(package: Path) -> None:
    strays = [
        name
        for name in _loaded(package)
        if "site-packages" in name and not Path(name).is_relative_to(package)
    ]
    assert strays == []


def _loaded(package: Path) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-c", _MODULES, package, package / DEPENDENCIES],
        cwd=package,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    files: list[str] = json.loads(done.stdout.splitlines()[-1])
    return files


def test_the_app_makes_a_video_straight_from_the_package(
    stack: RunningStack, package: Path
) -> None:
    video = stack.create("a lighthouse in the rain")
    assert_delivered(stack, stack.wait_for(video))
    (worker,) = (pid for name, pid in stack.pids().items() if name == "worker")
    mapped = Path(f"/proc/{worker}/maps").read_text()
    libraries = {line.split()[-1] for line in mapped.splitlines() if "site-packages" in line}
    assert libraries  # aiohttp's own, for one
    assert all(Path(library).is_relative_to(package) for library in libraries)


def test_the_package_is_for_the_python_of_the_templates() -> None:
    parameters = (ROOT / "infra" / "main.bicepparam").read_text()
    assert f"('DAILIES_PYTHON_VERSION', '{deployed_python(ROOT)}')" in parameters
    page = (ROOT / "docs" / "operations.md").read_text()
    assert f"| `DAILIES_PYTHON_VERSION` | `{deployed_python(ROOT)}` |" in page
