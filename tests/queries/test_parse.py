"""Every query is one that Azure understands, and what it names is there."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator

import pytest

from tests.infra.project import ROOT, read_infra
from tests.queries.kusto import judge
from tests.queries.seen import names
from tests.queries.tables import TABLES

_QUERIES = {
    name.rpartition("/")[2]: text
    for name, text in read_infra().texts.items()
    if name.endswith(".kql")
}
_ELSEWHERE = {
    # Seen on the Functions host, when a message of the blob trigger's queue was given up.
    "Microsoft.Azure.WebJobs.Host.Queues.QueueProcessor",
}
_LET = re.compile(r"^let (\w+) =", re.MULTILINE)
_NAMED = re.compile(
    r'customDimensions\["(?P<dimension>[^"]+)"\]'
    r'|\b(?:name|customDimensions\["Category"\]\)) (?:==|in) (?P<value>"[^"]+"|\([^)]+\))'
)


def test_every_query_is_understood_by_microsofts_parser() -> None:
    judged = judge(_QUERIES)
    assert {name: one.errors for name, one in judged.items() if one.errors} == {}
    # An alert's mail, and the workbook, show the columns: there are some.
    assert all(one.columns for one in judged.values())


def test_the_parser_sees_what_is_wrong() -> None:
    mistakes = {
        "traces | where eventName == 'x'": "eventName",
        "AppTraces | take 1": "AppTraces",
        "traces | summarize last = max(timestamp) | where last < now()": "'last'",
        "traces | sumarize count()": "Query operator expected",
        "traces | where timestamp > 'yesterday' + 1": "+",
        "requests | where success == true | summarize percentil(duration, 5)": "percentil",
    }
    for query, one in judge({query: query for query in mistakes}).items():
        assert any(mistakes[query] in error for error in one.errors), one


@pytest.mark.parametrize("name", _QUERIES)
def test_no_name_is_hidden_by_a_column(name: str) -> None:
    """In ``where id == id`` both are the column, whatever ``let`` says."""
    columns = {column for table in TABLES.values() for column in table}
    assert set(_LET.findall(_QUERIES[name])) & (columns | set(TABLES)) == set()


@pytest.mark.parametrize("name", _QUERIES)
def test_every_operation_category_and_dimension_was_seen_or_is_the_codes(name: str) -> None:
    unknown = set(_names_in(_QUERIES[name])) - set(names()) - _of_code() - _ELSEWHERE
    assert unknown == set()


def test_a_name_that_nobody_has_is_seen() -> None:
    query = """requests | where name in ("sweep", "sweeper") and success
    | extend x = customDimensions["dailies.colour"]"""
    unknown = set(_names_in(query)) - set(names()) - _of_code()
    assert unknown == {"sweeper", "dailies.colour"}


def _names_in(query: str) -> Iterator[str]:
    for match in _NAMED.finditer(query):
        if match["dimension"]:
            yield match["dimension"]
        if match["value"]:
            yield from re.findall(r'"([^"]+)"', match["value"])
    yield from re.findall(r'"\]\) == "([^"]+)"', query)


@functools.cache
def _of_code() -> frozenset[str]:
    """The names of functions, and every text that stands in the code by itself."""
    found: set[str] = set()
    for package in ("dailies", "triggers", "activities", "entities"):
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.AsyncFunctionDef | ast.FunctionDef):
                    found.add(node.name)
                elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                    found.add(node.value)
    return frozenset(found)
