"""Which app a command is meant for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from dailies_cli.failures import Failure
from dailies_cli.place import find_place

_READY = {
    "base_url": "http://127.0.0.1:7071",
    "api_key": "caller",
    "admin_key": "operator",
    "storage_connection_string": "AccountName=a",
    "simulator_url": "http://127.0.0.1:1",
}


def _stack(folder: Path) -> Path:
    (folder / ".local").mkdir()
    (folder / ".local" / "ready.json").write_text(json.dumps(_READY))
    inner = folder / "films" / "today"
    inner.mkdir(parents=True)
    return inner


def test_without_a_word_it_is_the_stack_of_this_folder_or_one_above(tmp_path: Path) -> None:
    place = find_place({}, _stack(tmp_path))
    assert (place.url, place.key, place.operator_key) == (_READY["base_url"], "caller", "operator")
    assert place.is_here


def test_the_environment_comes_first(tmp_path: Path) -> None:
    environ = {"DAILIES_URL": "https://app.example/v1/", "DAILIES_KEY": "mine"}
    place = find_place(environ, _stack(tmp_path))
    assert (place.url, place.key, place.operator_key) == ("https://app.example", "mine", "mine")
    assert not place.is_here
    assert "mine" not in repr(place)


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({}, "DAILIES_URL"),
        ({"DAILIES_URL": "app.example", "DAILIES_KEY": "k"}, "DAILIES_URL"),
        ({"DAILIES_URL": "https://app.example"}, "DAILIES_KEY"),
    ],
)
def test_what_is_missing_is_named(tmp_path: Path, environ: dict[str, str], named: str) -> None:
    with pytest.raises(Failure, match=named):
        find_place(environ, tmp_path)
