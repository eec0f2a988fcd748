"""Bicep files as data: what they declare, read with tree-sitter.

This is no compiler: it checks no types and knows no resource provider. It reads each declaration
with its literal values, which is what the contract (``tests.infra.contract``) asks about.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TypeAlias

import tree_sitter_bicep
from tree_sitter import Language, Node, Parser

__all__ = ["BicepFile", "Choice", "Module", "Param", "Raw", "Resource", "Value", "parse"]

_PARSER = Parser(Language(tree_sitter_bicep.language()))


@dataclass(frozen=True, slots=True)
class Raw:
    """An expression that has no literal value, as it is written."""

    text: str


@dataclass(frozen=True, slots=True)
class Choice:
    """``condition ? then : otherwise``; the condition as it is written."""

    condition: str
    then: Value
    otherwise: Value


Value: TypeAlias = "str | int | bool | Raw | Choice | list[Value] | dict[str, Value] | None"


@dataclass(frozen=True, slots=True)
class Param:
    """A parameter: the names of its decorators, and whether it may be left out."""

    decorators: frozenset[str]
    optional: bool


@dataclass(frozen=True, slots=True)
class Resource:
    """``resource symbol 'type@api_version' [existing] = body``; of a loop, one turn's body."""

    symbol: str
    type: str
    api_version: str
    existing: bool
    body: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Module:
    """``module symbol 'path' = body``; ``path`` is relative to the file that declares it."""

    symbol: str
    path: str
    body: Mapping[str, Value]


@dataclass(slots=True)
class BicepFile:
    """What one file declares; ``errors`` are the places that the grammar does not understand."""

    path: PurePosixPath
    text: str
    errors: list[str] = field(default_factory=list)
    params: dict[str, Param] = field(default_factory=dict)
    variables: dict[str, Value] = field(default_factory=dict)
    resources: list[Resource] = field(default_factory=list)
    modules: list[Module] = field(default_factory=list)
    outputs: dict[str, Value] = field(default_factory=dict)

    def resource(self, kind: str) -> Iterator[Resource]:
        """The resources of this type that the file makes (not those that it only refers to)."""
        return (r for r in self.resources if r.type == kind and not r.existing)


def parse(path: PurePosixPath, text: str) -> BicepFile:
    """Read one ``.bicep`` or ``.bicepparam`` file.

    The grammar wants a type after a parameter's name, which a parameter file never has, so one is
    put there before reading.
    """
    source = text
    if path.suffix == ".bicepparam":
        source = "\n".join(_with_type(line) for line in text.split("\n"))
    root = _PARSER.parse(source.encode()).root_node
    file = BicepFile(path, text)
    file.errors = [
        f"{path}:{node.start_point.row + 1}: {'missing ' if node.is_missing else ''}{node.type}"
        for node in _walk(root)
        if node.is_error or node.is_missing
    ]
    decorators: frozenset[str] = frozenset()
    for node in root.named_children:
        if node.type == "decorators":
            decorators = frozenset(_decorator_names(node))
            continue
        _declare(file, node, decorators)
        decorators = frozenset()
    return file


def _with_type(line: str) -> str:
    words = line.split(" ", 3)
    return f"param {words[1]} any = {words[3]}" if words[0] == "param" else line


def _walk(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from _walk(child)


def _text(node: Node) -> str:
    return (node.text or b"").decode()


def _decorator_names(node: Node) -> Iterator[str]:
    for call in _walk(node):
        if call.type == "call_expression" and (name := call.child_by_field_name("function")):
            yield _text(name)


def _declare(file: BicepFile, node: Node, decorators: frozenset[str]) -> None:
    children = node.named_children
    if node.type == "parameter_declaration":
        optional = any(child.type == "=" for child in node.children)
        file.params[_text(children[0])] = Param(decorators, optional)
    elif node.type == "variable_declaration":
        file.variables[_text(children[0])] = _value(children[-1])
    elif node.type == "output_declaration":
        file.outputs[_text(children[0])] = _value(children[-1])
    elif node.type == "module_declaration":
        file.modules.append(
            Module(_text(children[0]), _text(children[1]).strip("'"), _body(children[-1]))
        )
    elif node.type == "resource_declaration":
        kind, _, api_version = _text(children[1]).strip("'").partition("@")
        existing = any(child.type == "existing" for child in node.children)
        file.resources.append(
            Resource(_text(children[0]), kind, api_version, existing, _body(children[-1]))
        )


def _body(node: Node) -> Mapping[str, Value]:
    """The object of a declaration, under its condition and its loop."""
    while node.type in ("for_statement", "if_statement"):
        node = node.child_by_field_name("body") or node.named_children[-1]
    value = _value(node)
    return value if isinstance(value, dict) else {}


def _value(node: Node) -> Value:
    match node.type:
        case "string":
            return _string(node)
        case "number":
            return int(_text(node))
        case "boolean":
            return _text(node) == "true"
        case "null":
            return None
        case "array":
            return [_value(child) for child in node.named_children if child.type != "comment"]
        case "object":
            return dict(_properties(node))
        case "ternary_expression":
            condition, then, otherwise = node.named_children
            return Choice(_text(condition), _value(then), _value(otherwise))
        case _:
            return Raw(_text(node))


def _string(node: Node) -> Value:
    if any(child.type == "interpolation" for child in node.named_children):
        return Raw(_text(node))
    return _text(node)[1:-1].replace("\\'", "'").replace("\\\\", "\\")


def _properties(node: Node) -> Iterator[tuple[str, Value]]:
    for child in node.named_children:
        if child.type != "object_property" or len(child.named_children) < 2:
            continue
        yield _text(child.named_children[0]).strip("'"), _value(child.named_children[-1])
