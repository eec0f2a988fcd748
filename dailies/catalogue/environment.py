"""``${NAME}`` and ``${NAME:-default}`` in configuration files."""

from __future__ import annotations

import re
from collections.abc import Mapping

__all__ = ["UnfilledPlaceholder", "fill_in", "placeholders"]

_PLACEHOLDER = re.compile(r"\$\{(?P<name>[A-Za-z_]\w*)(?::-(?P<default>[^{}]*))?\}")


class UnfilledPlaceholder(ValueError):
    """A ``${…}`` that can't be read; the message names the path in the file and the remedy."""


def placeholders(text: str) -> frozenset[str]:
    """The names of all placeholders in a file, before it is parsed."""
    return frozenset(match["name"] for match in _PLACEHOLDER.finditer(text))


def fill_in(node: object, environ: Mapping[str, str], path: str = "") -> object:
    """A copy of parsed YAML or JSON in which the placeholders of every text are filled in.

    Unset and empty are the same, as in a shell's ``:-``: the default, else nothing. Filling in
    happens after parsing, so that a value can't change the structure around it.

    Raises:
        UnfilledPlaceholder: a placeholder is malformed.
    """
    if isinstance(node, dict):
        return {
            key: fill_in(value, environ, f"{path}.{key}".lstrip(".")) for key, value in node.items()
        }
    if isinstance(node, list):
        return [fill_in(value, environ, f"{path}[{place}]") for place, value in enumerate(node)]
    if not isinstance(node, str):
        return node
    if "${" in _PLACEHOLDER.sub("", node):
        raise UnfilledPlaceholder(
            f"{path or '(top)'}: a placeholder must read ${{NAME}} or ${{NAME:-default}}"
        )
    return _PLACEHOLDER.sub(
        lambda match: environ.get(match["name"], "") or match["default"] or "", node
    )
