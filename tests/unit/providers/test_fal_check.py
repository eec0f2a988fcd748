"""A row that does not fit fal's endpoints is found out at start, by the field that is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dailies.catalogue import Catalogue
from dailies.providers.fal.adapter import FalOptions
from dailies.providers.fal.check import route_problems
from dailies.providers.registry import check_deployment
from dailies.video.errors import SettingsError
from tests.unit.providers.rows import able_row

ROOT = Path(__file__).parents[3]
COMMON = {"seed": "seed", "negative_prompt": "negative_prompt", "sound": "generate_audio"}
SCHEMA = "replicate-veo-3.1.json"
ROUTES: dict[str, dict[str, Any]] = {
    "with_image": {"path": "image", "inputs": {**COMMON, "image": "image"}},
    "with_last_frame": {
        "path": "frames",
        "inputs": {**COMMON, "image": "image", "last_frame": "last_frame"},
    },
    "with_references": {"path": "references", "inputs": {"references": "reference_images"}},
}


def problems(options: dict[str, Any], **fields: object) -> dict[str, str]:
    """What is wrong with a row whose endpoints all take what Veo 3.1 takes, by field."""
    mapped = {"inputs": COMMON, "schema": SCHEMA, **ROUTES, **options}
    found = route_problems(
        able_row("fal", "fal-ai/veo3.1", **fields), FalOptions.model_validate(mapped)
    )
    return {problem.field: problem.message for problem in found}


def _route(name: str, **changes: object) -> dict[str, Any]:
    route = ROUTES[name]
    return {name: {**route, "schema": SCHEMA, "inputs": {**route["inputs"], **changes}}}


def test_a_row_that_fits_has_no_problems() -> None:
    every = {name: {**route, "schema": SCHEMA} for name, route in ROUTES.items()}
    assert problems({}) == {}
    assert problems(every) == {}


@pytest.mark.parametrize(
    ("options", "fields", "field", "says"),
    [
        ({"with_image": None, "with_last_frame": None}, {}, "reference", "options.inputs.image"),
        ({"with_last_frame": None}, {}, "last_frame", "options.inputs.last_frame"),
        ({"with_references": None}, {}, "max_references", "options.inputs.references"),
        ({"inputs": {}}, {}, "seed", "options.inputs.seed"),
        ({}, {"sizes": ["1000x130"]}, "sizes", "no usual aspect ratio"),
        ({}, {"seconds": [5]}, "options.inputs.seconds", "one of [4, 6, 8], not 5"),
        (
            _route("with_image", image="first_image"),
            {},
            "options.with_image.inputs.image",
            "no input 'first_image'",
        ),
        (
            _route("with_references", seconds_as="unit"),
            {},
            "options.with_references.inputs.seconds",
            "not '8s'",
        ),
        (
            {"with_image": {**ROUTES["with_image"], "schema": "nothing.json"}},
            {},
            "options.with_image.schema",
            "can't be read",
        ),
    ],
)
def test_what_does_not_fit_is_named(
    options: dict[str, Any], fields: dict[str, object], field: str, says: str
) -> None:
    found = problems(options, **fields)
    assert says in found.get(field, f"nothing: {found}")


def test_the_start_error_names_the_deployment() -> None:
    text = (ROOT / "models.yaml").read_text(encoding="utf-8")
    wrong = text.replace("last_frame: last_frame_url", "references: last_frame_url")
    assert wrong != text
    with pytest.raises(SettingsError, match=r"models\.fal-veo.*last_frame"):
        Catalogue.parse(wrong, {"FAL_API_KEY": "key"}, check=check_deployment())


def test_the_rows_that_come_with_the_app_fit_themselves() -> None:
    catalogue = Catalogue.load(
        ROOT / "models.yaml", {"FAL_API_KEY": "key"}, check=check_deployment()
    )
    assert len([row for row in catalogue.deployments if row.provider == "fal"]) >= 6
