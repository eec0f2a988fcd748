"""The page that draws the house is true: its floors, files and functions are those of the code."""

from __future__ import annotations

import ast
import re

from tests.unit.test_architecture import FLOORS, ROOT

_PAGE = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
_LINK = re.compile(r"\[`([^`]+)`\]\(\.\./([^)]+)\)")
_HOP = re.compile(r"^\|[^|]+\| \[`([^`]+\.py)`\]\([^)]+\) \| `(\w+)` \|$", re.MULTILINE)


def _functions(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    kinds = ast.FunctionDef | ast.AsyncFunctionDef
    return {node.name for node in ast.walk(tree) if isinstance(node, kinds)}


def test_every_file_that_is_named_exists() -> None:
    links = _LINK.findall(_PAGE)
    assert len(links) > 20
    named = {path for pair in links for path in pair}
    named |= set(re.findall(r"`([\w/.]+\.(?:py|yaml|md))`", _PAGE))
    assert {path for path in named if not (ROOT / path).exists()} == set()


def test_a_link_leads_to_what_it_names() -> None:
    assert [pair for pair in _LINK.findall(_PAGE) if pair[0].rstrip("/") != pair[1]] == []


def test_every_hop_names_a_function_of_its_file() -> None:
    hops = _HOP.findall(_PAGE)
    assert len(hops) == _PAGE.count(".py) |")
    assert [hop for hop in hops if hop[1] not in _functions(hop[0])] == []


def test_the_floors_are_drawn_as_they_are() -> None:
    drawn = _PAGE.partition("## The floors")[2].split("```")[1].split("\n")
    floors = [set(line.split()) for line in drawn if line]
    assert floors == [set(rooms) for rooms in reversed(FLOORS)]


def test_every_room_is_explained() -> None:
    rooms = _PAGE.partition("| room |")[2].partition("\n## ")[0]
    explained = re.findall(r"^\| `(\w+)` \|", rooms, re.MULTILINE)
    assert sorted(explained) == sorted(room for floor in FLOORS for room in floor)
