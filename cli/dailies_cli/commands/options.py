"""Options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dailies_cli.failures import Failure

__all__ = ["AsJson", "Out", "VideoId", "pairs"]

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
VideoId = Annotated[str, typer.Argument(metavar="VIDEO", help="The video's id.")]
Out = Annotated[
    Path | None,
    typer.Option("--out", "-o", help="A file or a folder; the working folder if not given."),
]


def pairs(given: list[str]) -> dict[str, str]:
    """``name=value`` each, as a mapping.

    Raises:
        Failure: one of them is none.
    """
    found = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not equals or not name.strip():
            raise Failure(f"{each!r} is not of the form name=value.")
        found[name.strip()] = value
    return found
