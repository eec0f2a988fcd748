"""Where the app parses: every function that uses something that takes text or bytes apart."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

__all__ = ["ROOT", "parsing_functions"]

ROOT = Path(__file__).resolve().parents[3]
PACKAGES = ("dailies", "triggers", "orchestrations", "activities", "entities")

_FUNCTIONS = {
    *("parse_qsl", "parse_qs", "urlsplit", "urlparse", "unquote", "unquote_plus"),
    *("unquote_to_bytes", "parsedate_to_datetime", "parse_options_header", "MultipartParser"),
    *("ip_address", "ip_network", "PurePosixPath", "parse_json", "JsonScanner", "whole_number"),
    *("int", "float", "b64decode", "urlsafe_b64decode", "a2b_base64", "fromhex", "from_bytes"),
    *("fromisoformat", "strptime", "decompressobj", "decompress", "unpack", "unpack_from"),
    *("iter_unpack", "safe_load", "literal_eval", "URL", "loads", "compile", "match", "search"),
    *("fullmatch", "finditer", "findall", "sub", "split_header_words", "get_close_matches"),
    *("decode_header", "open_heif"),
}
"""By their last name: what is called so takes something apart, whoever's it is."""


def parsing_functions() -> set[tuple[str, str]]:
    """The file and the qualified name of each function that parses."""
    return {
        (str(path.relative_to(ROOT)), name)
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
        for name in _in_module(ast.parse(path.read_text(encoding="utf-8")))
    }


def _in_module(tree: ast.Module) -> Iterator[str]:
    for name, function in _functions(tree, ""):
        if any(_parses(node) for node in _own_nodes(function)):
            yield name


def _functions(
    parent: ast.AST, prefix: str
) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """All functions with their names as Python qualifies them."""
    for node in ast.iter_child_nodes(parent):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield prefix + node.name, node
            yield from _functions(node, f"{prefix}{node.name}.<locals>.")
        elif isinstance(node, ast.ClassDef):
            yield from _functions(node, f"{prefix}{node.name}.")
        else:
            yield from _functions(node, prefix)


def _own_nodes(function: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a function's body, those of functions in it left out."""
    for node in ast.iter_child_nodes(function):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node
            yield from _own_nodes(node)


def _parses(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call):
        return False
    called = node.func
    name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
    return name in _FUNCTIONS
