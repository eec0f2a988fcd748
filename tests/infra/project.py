"""The two sides of the contract: the infrastructure's files, and what the code knows by name."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from dailies.announce.events import EventType
from dailies.settings import Settings
from dailies.stores.tables import TABLES

__all__ = ["ROOT", "Code", "Infra", "read_code", "read_infra"]

ROOT = Path(__file__).resolve().parents[2]
_PLACEHOLDER = re.compile(r"\$\{([A-Z][A-Z0-9_]*)")
_ADDS_TO = {"telling_fault": "function_fault", "note": "request"}
"""Functions whose keywords are fields of a line that is logged elsewhere, by its event."""
_PACKAGES = ("dailies", "triggers", "orchestrations", "activities", "entities")


@dataclass(frozen=True)
class Infra:
    """Every file of the infrastructure by its path from the project's root, ``/`` between names."""

    texts: Mapping[str, str]

    @property
    def queries(self) -> frozenset[str]:
        """The names of the files in ``infra/queries``."""
        return frozenset(n.rpartition("/")[2] for n in self.texts if n.endswith(".kql"))

    def with_text(self, name: str, old: str, new: str) -> Infra:
        """The same files with one mistake in them.

        Raises:
            ValueError: ``old`` is not in the file, so nothing would be tested.
        """
        if old not in self.texts[name]:
            raise ValueError(f"{name} does not contain {old!r}")
        return Infra({**self.texts, name: self.texts[name].replace(old, new)})


@dataclass(frozen=True)
class Code:
    """What the app calls things."""

    settings: frozenset[str]
    catalogue_settings: frozenset[str]
    drop_trigger: str
    """The name of the function that dropped images start."""
    binding_settings: frozenset[str]
    """Settings that bindings name as ``%NAME%``, and their connections: the host reads these."""
    containers: Mapping[str, str]
    """By the setting that renames them."""
    tables: tuple[str, ...]
    event_types: frozenset[str]
    log_fields: Mapping[str, frozenset[str]]
    """Fields of the structured log lines, by the name of their event."""


def read_infra(root: Path = ROOT) -> Infra:
    """The infrastructure as it lies in the checkout."""
    paths = [p for p in (root / "infra").rglob("*") if p.is_file()]
    paths += [root / "azure.yaml", root / "host.json"]
    paths += [root / "docs" / name for name in ("operations.md", "security.md")]
    return Infra({p.relative_to(root).as_posix(): p.read_text(encoding="utf-8") for p in paths})


def read_code(root: Path = ROOT) -> Code:
    """What the app's code says, without running the app."""
    fields = Settings.model_fields
    containers = (fields["videos_container"], fields["references_container"])
    return Code(
        settings=Settings.environment_names(),
        catalogue_settings=frozenset(_placeholders(root / "models.yaml")),
        drop_trigger=_drop_trigger(root),
        binding_settings=frozenset(_binding_settings(root)),
        containers={str(f.alias): str(f.default) for f in containers},
        tables=tuple(TABLES),
        event_types=frozenset(kind.wire_name for kind in EventType),
        log_fields=_log_fields(root),
    )


def _placeholders(catalogue: Path) -> list[str]:
    # Through the YAML parser, since a comment may show a placeholder too.
    document = yaml.safe_load(catalogue.read_text(encoding="utf-8"))
    return _PLACEHOLDER.findall(json.dumps(document))


def _trigger_nodes(root: Path) -> Iterator[ast.AST]:
    for path in sorted((root / "triggers").glob("*.py")):
        yield from ast.walk(ast.parse(path.read_text(encoding="utf-8")))


def _drop_trigger(root: Path) -> str:
    """The function under the one ``@….event_grid_trigger(…)``."""
    (name,) = (
        node.name
        for node in _trigger_nodes(root)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for decorator in node.decorator_list
        if isinstance(decorator, ast.Call) and _name_of(decorator.func) == "event_grid_trigger"
    )
    return name


def _binding_settings(root: Path) -> Iterator[str]:
    for node in _trigger_nodes(root):
        if isinstance(node, ast.keyword) and isinstance(node.value, ast.Constant):
            value = str(node.value.value)
            if node.arg == "connection":
                yield f"{value}__blobServiceUri"
                yield f"{value}__queueServiceUri"
            yield from re.findall(r"%(\w+)%", value)


def _log_fields(root: Path) -> dict[str, frozenset[str]]:
    paths = [path for package in _PACKAGES for path in sorted((root / package).rglob("*.py"))]
    nodes = [
        node for path in paths for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    ]
    shared = {n.name: _keys(n) for n in nodes if isinstance(n, ast.FunctionDef)}
    found: dict[str, frozenset[str]] = {}
    for node in nodes:
        if not isinstance(node, ast.Call) or not node.args:
            continue
        fields = frozenset(k.arg for k in node.keywords if k.arg)
        if "fault" in fields:
            fields |= shared["fault_fields"]
        if event := _ADDS_TO.get(_name_of(node.func)):
            found[event] = found.get(event, frozenset()) | fields
        elif _name_of(node.func) == "log_event":
            # **answer_fields(…): the keys that the function gives; **{…}: those that stand there
            unpacked = [k.value for k in node.keywords if k.arg is None]
            inner = [n for given in unpacked for n in ast.walk(given)]
            calls = [_name_of(n.func) for n in inner if isinstance(n, ast.Call)]
            fields = fields.union(*(shared.get(name, ()) for name in calls), *map(_keys, unpacked))
            for event in _literals(node.args[0]):
                found[event] = found.get(event, frozenset()) | fields
    return found


def _keys(code: ast.AST) -> frozenset[str]:
    """The keys of all objects that are written down in a piece of code."""
    keys = [key for n in ast.walk(code) if isinstance(n, ast.Dict) for key in n.keys if key]
    return frozenset(text for key in keys for text in _literals(key))


def _name_of(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def _literals(node: ast.expr) -> list[str]:
    """The strings that an argument can be: itself, or either side of a conditional."""
    if isinstance(node, ast.IfExp):
        return _literals(node.body) + _literals(node.orelse)
    return [node.value] if isinstance(node, ast.Constant) and isinstance(node.value, str) else []
