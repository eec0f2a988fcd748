"""Route templates of HTTP triggers: ``videos/{id:int}``, ``{name?}``, ``{*path}``.

Matching follows ASP.NET Core routing, which Azure Functions uses: a slash at the end is ignored,
and an empty segment matches nothing, but within what a catch-all takes. Routes have no precedence:
the first that matches serves, in the order in which they were added.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

__all__ = ["RouteTable", "RouteTemplate", "RouteTemplateError"]

T = TypeVar("T")

_CONSTRAINTS = {
    "int": r"[-+]?\d+",
    "long": r"[-+]?\d+",
    "bool": r"(?i:true|false)",
    "guid": r"[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}",
    "alpha": r"[A-Za-z]+",
    "decimal": r"[-+]?\d+(?:\.\d+)?",
    "double": r"[-+]?\d+(?:\.\d+)?",
    "float": r"[-+]?\d+(?:\.\d+)?",
}
_PARAMETER = re.compile(r"\{(\*{0,2})([A-Za-z_][A-Za-z0-9_]*)(?::([a-z]+))?(\?)?\}")


class RouteTemplateError(ValueError):
    """A route template that the host does not understand."""


@dataclass(frozen=True)
class RouteTemplate:
    """A compiled template."""

    text: str
    pattern: re.Pattern[str]

    @classmethod
    def parse(cls, text: str) -> RouteTemplate:
        """Compile a template without a slash at its ends.

        :raises RouteTemplateError: its syntax, or one of its constraints, is not supported.
        """
        pattern = ""
        for position, segment in enumerate(filter(None, text.split("/"))):
            part = _segment(text, segment)
            slash = "/" if position else ""
            parameter = _PARAMETER.fullmatch(segment)
            if parameter and (parameter[1] or parameter[4]):
                pattern += f"(?:{slash}{part})?"
            else:
                pattern += slash + part
        end = "" if _ends_in_catch_all(text) else "/?"
        return cls(text, re.compile(pattern + end, re.IGNORECASE | re.DOTALL))

    def match(self, path: str) -> dict[str, str] | None:
        """The parameters of a (decoded) path without its first slash, if it matches."""
        found = self.pattern.fullmatch(path)
        if found is None:
            return None
        return {k: v for k, v in found.groupdict().items() if v is not None}


def _ends_in_catch_all(template: str) -> bool:
    return template.rpartition("/")[2].startswith("{*")


def _segment(template: str, segment: str) -> str:
    if "{" not in segment:
        return re.escape(segment)
    pattern = ""
    position = 0
    for parameter in _PARAMETER.finditer(segment):
        star, name, constraint, _ = parameter.groups()
        pattern += re.escape(segment[position : parameter.start()])
        position = parameter.end()
        if constraint is not None and constraint not in _CONSTRAINTS:
            raise RouteTemplateError(
                f"route {template!r}: the constraint {constraint!r} is not supported by the local "
                f"host (it knows {', '.join(sorted(_CONSTRAINTS))})"
            )
        if star:
            pattern += f"(?P<{name}>(?!/).*)"
        else:
            pattern += f"(?P<{name}>{_CONSTRAINTS.get(constraint or '', '[^/]+')})"
    rest = segment[position:]
    if position == 0 or "{" in rest or "}" in rest:
        raise RouteTemplateError(f"route {template!r}: cannot read the segment {segment!r}")
    return pattern + re.escape(rest)


class RouteTable(Generic[T]):
    """Finds what serves a method and a path."""

    def __init__(self) -> None:
        self._entries: list[tuple[RouteTemplate, frozenset[str] | None, T]] = []

    def add(self, template: RouteTemplate, methods: Iterable[str] | None, target: T) -> None:
        """Serve `target` at a template, for some methods or (None) for all."""
        allowed = None if methods is None else frozenset(m.upper() for m in methods)
        self._entries.append((template, allowed, target))

    def find(self, method: str, path: str) -> tuple[T, dict[str, str]] | None:
        """The target and its parameters; a path that only matches other methods is not found."""
        for template, methods, target in self._entries:
            if methods is not None and method not in methods:
                continue
            parameters = template.match(path)
            if parameters is not None:
                return target, parameters
        return None
