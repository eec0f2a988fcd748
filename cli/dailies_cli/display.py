"""How things are shown: tables for people, JSON for programs."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

__all__ = ["console", "duration", "errors", "money", "print_json", "table", "text", "when"]

_WIDE = 400
"""Characters of a line that goes into a pipe or a file, where nothing needs to be folded."""

console = Console(width=None if sys.stdout.isatty() else _WIDE)
errors = Console(stderr=True)

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def text(value: object) -> str:
    """A text from outside, as it may be printed: no control characters, no markup."""
    return escape(_CONTROL.sub("\N{REPLACEMENT CHARACTER}", str(value)))


def print_json(value: Any) -> None:
    """For programs: nothing is wrapped or coloured."""
    print(json.dumps(value, indent=2, ensure_ascii=False))


def table(title: str | None, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """A table of texts; what is None is left empty."""
    shown = Table(title=title, title_justify="left", header_style="bold", box=SIMPLE_HEAD)
    for number, column in enumerate(columns):
        # What names a thing is copied from here.
        shown.add_column(column, overflow="fold", no_wrap=number == 0)
    for row in rows:
        shown.add_row(*("" if cell is None else text(cell) for cell in row))
    return shown


def money(usd: float | None, *, is_estimate: bool = False) -> str:
    """US dollars, to the tenth of a cent where that matters."""
    if usd is None:
        return "unknown"
    digits = 2 if usd >= 10 or round(usd, 2) == usd else 4
    return f"{'about ' if is_estimate else ''}${usd:,.{digits}f}"


def duration(seconds: float) -> str:
    """A length of time in the two largest units that it has."""
    left = max(round(seconds), 0)
    units = [("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)]
    parts: list[str] = []
    for name, length in units:
        count, left = divmod(left, length)
        if count or (name == "s" and not parts):
            parts.append(f"{count} {name}")
    return " ".join(parts[:2])


def when(seconds: float | None) -> str:
    """Unix seconds as a local time."""
    if seconds is None:
        return ""
    return datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M:%S")
