"""A row that does not fit its model is found out at start, by the field that is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dailies.catalogue import Catalogue
from dailies.providers.map_check import map_problems
from dailies.providers.mapping import MappedOptions
from dailies.providers.registry import check_deployment
from dailies.video.errors import SettingsError
from tests.unit.providers.rows import able_row

ROOT = Path(__file__).parents[3]
VEO = {
    "image": "image",
    "last_frame": "last_frame",
    "references": "reference_images",
    "seed": "seed",
    "negative_prompt": "negative_prompt",
    "sound": "generate_audio",
}


def problems(
    options: dict[str, Any] | None = None, inputs: dict[str, Any] | None = None, **fields: object
) -> dict[str, str]:
    """What is wrong with a row for Veo 3.1, by field."""
    mapped = {"inputs": VEO | (inputs or {}), "schema": "replicate-veo-3.1.json"}
    deployment = able_row("film", "google/veo-3.1", **fields)
    found = map_problems(deployment, MappedOptions.model_validate(mapped | (options or {})))
    return {problem.field: problem.message for problem in found}


def test_a_row_that_fits_has_no_problems() -> None:
    assert problems() == {}


@pytest.mark.parametrize(
    ("changes", "field", "says"),
    [
        ({"inputs": {"image": "first_frame"}}, "options.inputs.image", "no input 'first_frame'"),
        ({"inputs": {"seconds_as": "text"}}, "options.inputs.seconds", "not '8'"),
        ({"seconds": [8, 5]}, "options.inputs.seconds", "one of [4, 6, 8], not 5"),
        ({"sizes": ["720x720"]}, "options.inputs.aspect_ratio", "not '1:1'"),
        ({"sizes": ["854x480"]}, "options.inputs.resolution", "not '480p'"),
        ({"sizes": ["1000x130"]}, "sizes", "no usual aspect ratio"),
        ({"max_references": 4}, "options.inputs.references", "3 items"),
        ({"options": {"fixed": {"mode": "pro"}}}, "options.fixed.mode", "no input 'mode'"),
        (
            {"options": {"by_size": {"1280x720": {"mode": "pro"}}}},
            "options.by_size.1280x720.mode",
            "no input 'mode'",
        ),
        (
            {"options": {"by_size": {"640x480": {}}}},
            "options.by_size.640x480",
            "none of the deployment's sizes",
        ),
        (
            {"options": {"fixed_with_image": {"aspect_ratio": "adaptive"}}},
            "options.fixed_with_image.aspect_ratio",
            "not 'adaptive'",
        ),
        ({"options": {"fixed": {"seed": 1}}}, "options.fixed.seed", "the request itself"),
        ({"inputs": {"prompt": "text"}}, "options.inputs.prompt", "no input 'text'"),
        ({"options": {"schema": "nothing.json"}}, "options.schema", "can't be read"),
        ({"inputs": {"last_frame": "image"}}, "options.inputs.image", "named twice"),
        ({"operations": ["create", "remix"]}, "operations", "only creates"),
        ({"variants": ["video", "thumbnail"]}, "variants", "a video only"),
        ({"n_variants": {"default": 2}}, "n_variants", "one video"),
        ({"inpaint": {"max_images": 1}}, "inpaint", "no inpaint"),
    ],
)
def test_what_does_not_fit_is_named(changes: dict[str, Any], field: str, says: str) -> None:
    assert says in problems(**changes).get(field, f"nothing: {problems(**changes)}")


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("image", "reference"),
        ("last_frame", "last_frame"),
        ("references", "max_references"),
        ("seed", "seed"),
        ("negative_prompt", "negative_prompt"),
        ("sound", "sound"),
    ],
)
def test_a_promise_needs_a_name(name: str, field: str) -> None:
    found = problems(inputs={name: None})
    assert list(found) == [field]
    assert f"options.inputs.{name}" in found[field]


def test_the_start_error_names_the_deployment() -> None:
    text = (ROOT / "models.yaml").read_text(encoding="utf-8").replace("start_image", "first_image")
    with pytest.raises(SettingsError, match=r"models\.replicate-kling-v3.*options\.inputs\.image"):
        Catalogue.parse(text, {"REPLICATE_API_KEY": "r8_key"}, check=check_deployment())


def test_the_rows_that_come_with_the_app_fit_their_models() -> None:
    catalogue = Catalogue.load(
        ROOT / "models.yaml", {"REPLICATE_API_KEY": "r8_key"}, check=check_deployment()
    )
    mapped = [row for row in catalogue.deployments if row.provider == "replicate"]
    assert len(mapped) >= 6
    assert all(row.options["schema"] for row in mapped)


@pytest.mark.parametrize("schema", ["../models.yaml", "a/b.json", "veo"])
def test_a_schema_is_a_file_of_that_folder(schema: str) -> None:
    with pytest.raises(ValueError, match="schema"):
        MappedOptions.model_validate({"schema": schema})
