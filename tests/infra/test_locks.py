"""The locks: each package by one version and by the hashes of its files."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.infra.project import ROOT

_LOCKS = sorted(ROOT.glob("requirements*.txt"))
_ENTRY = re.compile(r"[a-z0-9-]+==\S+( ; [^\\\n]+)?( \\\n    --hash=sha256:[0-9a-f]{64})+")


def _entries(lock: Path) -> list[str]:
    return re.split(r"\n(?=\S)", lock.read_text(encoding="utf-8").rstrip("\n"))


@pytest.mark.parametrize("lock", _LOCKS, ids=lambda lock: lock.name)
def test_every_package_is_locked_by_hash(lock: Path) -> None:
    # pip refuses what is not, but only where it is told so; uv and Dependabot read the same files.
    assert [entry for entry in _entries(lock) if not _ENTRY.fullmatch(entry)] == []


def test_every_list_has_its_lock() -> None:
    assert {lock.stem for lock in _LOCKS} == {path.stem for path in ROOT.glob("requirements*.in")}


def test_what_is_tested_is_what_is_deployed() -> None:
    deployed, tested = (
        set(_entries(ROOT / name)) for name in ("requirements.txt", "requirements-dev.txt")
    )
    assert deployed
    assert deployed <= tested
