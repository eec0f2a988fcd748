"""Callers are told what callers can change: no text of the app that may reach one names a setting.

What only an operator can change stands in the log, as the ``remedy`` of a line.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from dailies.providers.classify import ANSWERS, FAULTS, Answer, Fault

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("dailies", "triggers", "orchestrations", "activities", "entities")
FOR_OPERATORS = {
    # What they find is told at start, in the log.
    "dailies/settings/model.py",
    "dailies/settings/values.py",
    "dailies/catalogue/file.py",
    "dailies/catalogue/deployment.py",
    "dailies/app/doubts.py",
}
SETTING = re.compile(
    r"DAILIES_[A-Z]|AZURE_[A-Z]|OTEL_|VideoStorage|IDENTITY_|FUNCTIONS_|models\.yaml|az login"
)


def _sources() -> list[Path]:
    return [path for part in PARTS for path in sorted((ROOT / part).rglob("*.py"))]


def _texts(path: Path) -> Iterator[tuple[int, str]]:
    """Every text in a module's code, but for docstrings, remedies, wrong settings, and names: of
    settings that are read (``environ.get``, a binding) and of what a module offers."""
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    left_out: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            left_out.add(node.value)
        elif _is_for_others(node):
            left_out.update(ast.walk(node))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in left_out:
            yield node.lineno, re.sub(r"%\w+%", "", node.value)


def _is_for_others(node: ast.AST) -> bool:
    match node:
        case ast.keyword(arg="remedy" | "connection"):
            return True
        case ast.Call(func=func):
            return ast.unparse(func).endswith(("environ.get", "SettingsError"))
        case ast.Assign(targets=[ast.Name(id="__all__")]):
            return True
        case ast.FunctionDef(name=name):
            return name.endswith("remedy")
    return False


@pytest.mark.parametrize("path", _sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_text_for_callers_names_a_setting(path: Path) -> None:
    if path.relative_to(ROOT).as_posix() in FOR_OPERATORS:
        return
    found = [(line, text) for line, text in _texts(path) if SETTING.search(text)]
    assert found == []


def test_the_rule_sees_texts_in_all_places(tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text(
        '"""DAILIES_DOC"""\n'
        'A = f"{1} set DAILIES_A"\n'
        'B = ("x" "models.yaml")\n'
        'raise KeyError("use " + "AZURE_B")\n'
        'stop(remedy=f"DAILIES_C {1}")\n'
        'environ.get("AZURE_D")\n'
    )
    found = {text for _, text in _texts(module) if SETTING.search(text)}
    assert found == {" set DAILIES_A", "xmodels.yaml", "AZURE_B"}


@pytest.mark.parametrize("row", [*ANSWERS, *FAULTS], ids=lambda row: str(row.code))
def test_what_the_provider_answered_is_told_without_addresses(row: Answer | Fault) -> None:
    says = row.says or ""
    assert "{endpoint}" not in says
    assert "{deployment}" not in says
    assert "{check}" not in says
