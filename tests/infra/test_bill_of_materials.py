"""The licences of what is deployed: which are accepted, and what is said of them."""

from __future__ import annotations

from typing import Any

from scripts.bill_of_materials import licences, table, unknown


def _bill(**packages: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "components": [
            {"name": name, "version": "1.0", "licenses": told} for name, told in packages.items()
        ]
    }


def test_licences_are_read_in_each_of_their_forms() -> None:
    bill = _bill(
        one=[{"expression": "Apache-2.0 AND MIT", "acknowledgement": "declared"}],
        two=[{"license": {"id": "MIT"}}, {"license": {"name": "License :: Public Domain"}}],
    )
    assert licences(bill) == {
        "one": ("1.0", ["Apache-2.0 AND MIT"]),
        "two": ("1.0", ["MIT", "License :: Public Domain"]),
    }


def test_a_licence_that_nobody_looked_at_is_named() -> None:
    bill = _bill(
        fine=[{"license": {"id": "MIT"}}],
        strict=[{"license": {"id": "MIT"}}, {"license": {"id": "AGPL-3.0-only"}}],
        silent=[],
    )
    assert unknown(licences(bill)) == [
        "strict 1.0: MIT, AGPL-3.0-only",
        "silent 1.0: no licence is told",
    ]


def test_what_wheels_bring_is_told_beside_them() -> None:
    page = table(licences(_bill(av=[{"license": {"id": "BSD-3-Clause"}}])))
    assert "| av | 1.0 | BSD-3-Clause | its wheels bring FFmpeg" in page
