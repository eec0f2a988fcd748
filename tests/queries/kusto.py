"""Microsoft's own parser of Kusto queries, asked in a process of Node.js."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from local.stack.azurite import find_node
from tests.queries.tables import TABLES, schema

__all__ = ["Judgement", "judge"]

_SCRIPT = Path(__file__).parent / "parser" / "parse.js"


@dataclass(frozen=True)
class Judgement:
    """What the parser says of one query: what is wrong, and the columns of its result."""

    errors: tuple[str, ...]
    columns: tuple[str, ...]


def judge(queries: Mapping[str, str]) -> dict[str, Judgement]:
    """Parse queries, and bind what they name to the tables of Application Insights."""
    given = {"tables": {name: schema(name) for name in TABLES}, "queries": dict(queries)}
    done = subprocess.run(
        [find_node(), str(_SCRIPT)],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return {
        name: Judgement(tuple(told["errors"]), tuple(told["columns"]))
        for name, told in json.loads(done.stdout).items()
    }
