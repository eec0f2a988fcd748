"""How Durable's SDK reads the times of a history.

With each turn of an orchestration it reads the time of every row that there is so far, by a parser
that takes times of any notation: of all that a worker does, a tenth. The host writes ISO 8601.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from datetime import datetime

__all__ = ["Parser", "iso_first", "read_times_faster"]

Parser = Callable[[str], datetime]

_MODULE = "azure.durable_functions.models.history.HistoryEvent"
_PARSER = "dt_parse"


def read_times_faster() -> None:
    """Let the SDK try Python's own parser first, where it parses times as it does now."""
    module = importlib.import_module(_MODULE)
    parser: Parser | None = getattr(module, _PARSER, None)
    if parser is not None:
        setattr(module, _PARSER, iso_first(parser))


def iso_first(parser: Parser) -> Parser:
    """Python's own parser of ISO 8601, and ``parser`` for what that does not take."""

    def parse(text: str) -> datetime:
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            return parser(text)

    return parse
