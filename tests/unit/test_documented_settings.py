"""The page of the settings tells the truth about them."""

from __future__ import annotations

import re
from pathlib import Path

from dailies.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
_PLACEHOLDER = re.compile(r"\$\{([A-Z0-9_]+)")


def _documented() -> set[str]:
    table = (ROOT / "docs/settings.md").read_text(encoding="utf-8")
    names = set()
    for line in table.splitlines():
        if line.startswith("| `"):
            names |= set(re.findall(r"`([A-Za-z0-9_]+)`", line.split("|")[1]))
    return names


def _read_by_the_app() -> set[str]:
    catalogue = (ROOT / "models.yaml").read_text(encoding="utf-8")
    entries = "\n".join(line for line in catalogue.splitlines() if not line.startswith("#"))
    return set(Settings.environment_names()) | set(_PLACEHOLDER.findall(entries))


def test_every_setting_is_documented_and_nothing_else() -> None:
    assert _documented() == _read_by_the_app()
