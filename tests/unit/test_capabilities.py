"""What a model can do, told and checked by the catalogue's data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dailies.catalogue import Catalogue
from dailies.catalogue.offers import check_inputs, check_variants, describe, takes
from dailies.protocols.wish import Wish, plan
from dailies.providers.registry import check_deployment
from dailies.routing.choose import serving
from dailies.video.basics import Size
from dailies.video.errors import InvalidRequest, SettingsError
from dailies.video.framing import CropBounds
from dailies.video.request import Input, InputKind, Role, VideoRequest

SHIPPED = Path(__file__).resolve().parents[2] / "models.yaml"
CATALOGUE = Catalogue.load(
    SHIPPED,
    {"AZURE_OPENAI_ENDPOINT": "https://my.openai.azure.com"},
    check=check_deployment(),
)
SORA = CATALOGUE.resolve("sora-1")
SORA_2 = CATALOGUE.resolve("sora-2")
IMAGE = Input(role=Role.FRAME, type=InputKind.IMAGE)
VIDEO = Input(role=Role.FRAME, type=InputKind.VIDEO)


def at(frame: int) -> Input:
    return Input(role=Role.FRAME, type=InputKind.IMAGE, frame_index=frame)


def test_sora_1_in_the_catalogue_that_ships() -> None:
    assert SORA.name == "sora"
    assert SORA.seconds == (5, 1, 2, 3, 4, *range(6, 21))
    assert len(SORA.sizes) == 9
    [deployment] = SORA.deployments
    assert deployment.jobs_api
    assert (deployment.quota.concurrent, deployment.quota.requests_per_minute) == (2, None)
    assert deployment.price(Size(480, 480), 5) is None
    most = {str(size): deployment.most_variants(size) for size in SORA.sizes}
    assert most == {
        "480x480": 4,
        "480x854": 4,
        "854x480": 4,
        "720x720": 2,
        "720x1280": 2,
        "1280x720": 2,
        "1080x1080": 1,
        "1080x1920": 1,
        "1920x1080": 1,
    }


def test_what_the_models_can_do_in_words() -> None:
    assert describe(SORA_2) == (
        "The model 'sora-2' makes videos of 4, 8 or 12 seconds at 720x1280, 1280x720, from a "
        "prompt and an image that it starts with."
    )
    assert describe(SORA).startswith(
        "The model 'sora' makes videos of 1 to 20 seconds at 480x480, 480x854, 854x480 (n_variants "
        "up to 4); 720x720"
    )
    assert describe(SORA).endswith("up to 2 images, or 1 video of at most 5 seconds.")


@pytest.mark.parametrize(
    ("value", "size", "number"),
    [(None, "1920x1080", 1), (4, "480x480", 4), ("2", "1280x720", 2), (1, "1080x1080", 1)],
)
def test_variants_by_size(value: object, size: str, number: int) -> None:
    assert check_variants(value, SORA, SORA.deployments, Size.parse(size)) == number


@pytest.mark.parametrize("value", [0, -1, 5, "many", 1.5, True, [], "\u0661"])
def test_variants_that_are_none(value: object) -> None:
    with pytest.raises(InvalidRequest, match="n_variants"):
        check_variants(value, SORA, SORA.deployments, Size(480, 480))


@pytest.mark.parametrize("items", [[], [VIDEO], [IMAGE], [at(0), at(149)]])
def test_inputs_that_are_taken(items: list[Input]) -> None:
    check_inputs(SORA, items, 5, param="inpaint_items")


@pytest.mark.parametrize(
    "items",
    [[VIDEO, VIDEO], [IMAGE, VIDEO], [at(0), at(1), at(2)], [at(150)], [at(7), at(7)]],
)
def test_inputs_that_are_not(items: list[Input]) -> None:
    with pytest.raises(InvalidRequest):
        check_inputs(SORA, items, 5, param="inpaint_items")


def test_sora_2_takes_nothing_at_a_frame() -> None:
    with pytest.raises(InvalidRequest, match="'sora-2' makes videos of 4, 8 or 12"):
        check_inputs(SORA_2, [IMAGE], 4, param="frame_index")


def request(**fields: Any) -> VideoRequest:
    return VideoRequest(model="sora", prompt="p", seconds=5, size=Size(1280, 720), **fields)


def test_only_a_deployment_that_can_is_asked() -> None:
    [sora], [sora_2] = SORA.deployments, SORA_2.deployments
    assert takes(sora, request(n_variants=2, inputs=(VIDEO,)))
    assert not takes(sora, request(n_variants=3))
    four = request().model_copy(update={"seconds": 4})
    assert takes(sora_2, four)
    assert not takes(sora_2, request())
    assert not takes(sora_2, four.model_copy(update={"n_variants": 2}))
    assert not takes(sora_2, four.model_copy(update={"inputs": (IMAGE,)}))
    assert serving(CATALOGUE, request(n_variants=3)) == []


def test_a_length_that_is_none_is_told_as_a_range() -> None:
    with pytest.raises(InvalidRequest, match="Supported values are: '1' to '20'"):
        plan(CATALOGUE, Wish("p", "sora", seconds=21), with_image=False)


def test_records_of_before_still_parse() -> None:
    document = '{"model": "sora-2", "prompt": "p", "seconds": 4, "size": "1280x720"}'
    old = VideoRequest.model_validate_json(document)
    assert (old.n_variants, old.inputs, old.needs_preparing) == (1, (), False)
    kept = Input(role=Role.FRAME, type=InputKind.VIDEO, crop=CropBounds(0.1, 0, 1, 1))
    new = request(inputs=(kept,))
    assert VideoRequest.model_validate_json(new.model_dump_json()) == new


@pytest.mark.parametrize(
    "seconds",
    ["{from: 5, to: 1}", "{from: 1, to: 9, default: 10}", "{from: a, to: 9}", "{to: 9, by: 2}"],
)
def test_a_range_that_is_none(seconds: str) -> None:
    text = SHIPPED.read_text().replace("{from: 1, to: 20, default: 5}\n", f"{seconds}\n")
    with pytest.raises(SettingsError, match=r"sora\.deployments\[0\]\.seconds"):
        Catalogue.parse(text, {"AZURE_OPENAI_ENDPOINT": "https://my.openai.azure.com"})
