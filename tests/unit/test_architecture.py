"""Imports point one way, so that each part can be understood, tested and replaced alone."""

from __future__ import annotations

import ast
import graphlib
from collections.abc import Container, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FUNCTIONS = ("triggers", "orchestrations", "activities", "entities")
APP = ("function_app", "durable_client", "dailies", *FUNCTIONS)
MAY_IMPORT = {
    "function_app": {*FUNCTIONS, "dailies"},
    **{part: {"durable_client", "dailies", part} for part in FUNCTIONS},
    "durable_client": {"dailies"},
    "dailies": {"dailies"},
    "local": {"local"},
}
"""Which of our own packages each may import."""

FLOORS = (
    ("telemetry", "hosts", "jsontext", "threads"),
    ("video",),
    ("owners",),
    ("settings", "engine", "net", "inputs"),
    ("catalogue", "footage"),
    ("providers", "stores", "announce", "guards"),
    ("services",),
    ("routing", "intake"),
    ("pipeline",),
    ("protocols",),
    ("batches",),
    ("drops",),
    ("api", "app"),
)
"""The folders and modules of ``dailies``, from the ground up: imports go down only."""


def _files(part: str) -> list[Path]:
    module = ROOT / f"{part}.py"
    return [module] if module.exists() else sorted((ROOT / part).rglob("*.py"))


def _sources(part: str) -> list[Path]:
    # Azurite's node_modules come with Python scripts of their build tools.
    return [path for path in _files(part) if "node_modules" not in path.parts]


def _imports(path: Path) -> Iterator[str]:
    """Every module that a file imports, at its top or inside a function, by its absolute name."""
    package = path.relative_to(ROOT).parent.parts
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level:
            base = package[: len(package) - node.level + 1]
            yield ".".join((*base, *([node.module] if node.module else [])))
        elif isinstance(node, ast.ImportFrom) and node.module:
            # "from azure import durable_functions" imports azure.durable_functions.
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("part", MAY_IMPORT)
def test_imports_point_one_way(part: str) -> None:
    ours = {*APP, "local", "tests", "bench"}
    wrong = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in _sources(part)
        for name in _imports(path)
        if name.partition(".")[0] in ours - MAY_IMPORT[part]
    }
    assert not wrong


def test_the_library_has_the_rooms_that_are_drawn() -> None:
    found = {path.relative_to(ROOT / "dailies").parts[0] for path in _sources("dailies")}
    assert {name.removesuffix(".py") for name in found} - {"__init__"} == {
        room for floor in FLOORS for room in floor
    }


@pytest.mark.parametrize("room", [room for floor in FLOORS for room in floor])
def test_rooms_rest_on_those_below(room: str) -> None:
    floor = next(number for number, rooms in enumerate(FLOORS) if room in rooms)
    below = {room, *(name for rooms in FLOORS[:floor] for name in rooms)}
    wrong = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in _sources(f"dailies/{room}")
        for name in _imports(path)
        if name.startswith("dailies.") and name.split(".")[1] not in below
    }
    assert not wrong


@pytest.mark.parametrize("part", ["dailies", "local"])
def test_no_modules_import_each_other_in_a_circle(part: str) -> None:
    modules = {_module(path): path for path in _sources(part)}
    arrows = {
        module: {target for name in _imports(path) if (target := _target(name, modules))}
        for module, path in modules.items()
    }
    # Raises CycleError, which names the circle.
    graphlib.TopologicalSorter(
        {module: targets - {module} for module, targets in arrows.items()}
    ).prepare()


def _module(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def _target(name: str, modules: Container[str]) -> str | None:
    """The module that ``from a.b import c`` is about: ``a.b.c`` or ``a.b``."""
    outer = name.rpartition(".")[0]
    return name if name in modules else outer if outer in modules else None


def test_the_library_does_not_know_azure_functions() -> None:
    wrong = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in _sources("dailies")
        for name in _imports(path)
        if name.startswith(("azure.functions", "azure.durable_functions"))
    }
    assert not wrong


def test_orchestrators_import_nothing_that_has_side_effects() -> None:
    # The clock, ids, the environment, logs, I/O: an orchestrator is replayed.
    impure = ("time", "random", "secrets", "uuid", "os", "logging", "asyncio", "httpx")
    parts = ("dailies.app", "dailies.services", "dailies.telemetry", "dailies.stores")
    wrong = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in _sources("orchestrations")
        for name in _imports(path)
        if any(name == module or name.startswith(f"{module}.") for module in (*impure, *parts))
    }
    assert not wrong


def test_no_address_is_made_of_a_request() -> None:
    # Its Host is the host's own behind Azure's front end, or a caller's words.
    sources = [path for part in ("dailies/api", "triggers") for path in _sources(part)]
    wrong = {
        f"{path.relative_to(ROOT)}:{node.lineno}: {ast.unparse(node)}"
        for path in sources
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path)))
        if isinstance(node, ast.Attribute)
        and (
            node.attr in ("base_url", "url_for") or ast.unparse(node) in ("request.url", "req.url")
        )
    }
    assert not wrong


def test_blobs_are_read_in_one_place_only() -> None:
    # The SDK undoes whatever compression a blob's headers claim, unless it is told not to.
    readers = {
        str(path.relative_to(ROOT))
        for part in APP
        for path in _sources(part)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr == "download_blob"
    }
    assert readers == {"dailies/stores/raw.py"}


def test_every_part_was_looked_at() -> None:
    assert all(_sources(part) for part in MAY_IMPORT)
    assert len(_sources("dailies")) > 20
