"""What the list of models tells of each."""

from __future__ import annotations

from datetime import UTC, date, datetime

from dailies.catalogue import Catalogue, Deployment
from dailies.protocols.openai.bodies import CreateVideo
from dailies.protocols.openai.models import ModelObject, model_list, model_object
from dailies.protocols.openai.synonyms import wish_of
from tests.unit.test_abilities import CATALOGUE, CATALOGUE_TEXT
from tests.unit.test_capabilities import CATALOGUE as SHIPPED


def told(name: str, catalogue: Catalogue = CATALOGUE, now: float = 0) -> ModelObject:
    model = catalogue.find(name)
    assert model is not None
    return model_object(catalogue, model, now, _retires)


def _retires(deployment: Deployment) -> date | None:
    return deployment.retires_at


def test_what_any_deployment_of_a_model_can_do() -> None:
    able = told("able")
    assert (able.id, able.object, able.owned_by, able.available) == ("able", "model", "alpha", True)
    assert (able.seconds, able.sound, able.seed, able.negative_prompt) == (
        [5, 10, 4, 8],
        "chosen",
        True,
        True,
    )
    assert (able.inputs.first_frame, able.inputs.last_frame, able.inputs.references) == (
        True,
        True,
        3,
    )
    assert (able.provider_options, able.prices) == (["alpha", "beta"], None)
    assert (told("plain").provider_options, told("unsaid").sound) == ([], None)


def test_the_models_that_ship() -> None:
    sora_2, sora = told("sora-2", SHIPPED), told("sora-1", SHIPPED)
    assert sora_2.prices == {"720x1280": 0.1, "1280x720": 0.1}
    assert sora_2.operations == ["create", "remix", "edit", "extend"]
    assert sora_2.extension_seconds == [4, 8, 12, 16, 20]
    assert (sora.operations, sora.extension_seconds) == (["create"], [])
    assert (sora.n_variants["480x480"], sora.inputs.video) == (4, True)
    assert sora.inputs.frames is not None
    assert (sora.inputs.frames.images, sora.inputs.frames.videos) == (2, 1)
    assert (sora_2.sound, sora.sound) == ("always", "never")


def test_a_shape_that_is_told_is_one_that_a_create_takes() -> None:
    for model in model_list(SHIPPED, 0, _retires).data:
        if not model.available:
            continue
        for size in model.sizes:
            width, height = map(int, size.split("x"))
            [ratio] = [
                ratio
                for ratio in model.aspect_ratios
                if abs(width / height / _quotient(ratio) - 1) < 0.01
            ]
            body = CreateVideo.read(
                {
                    "prompt": "p",
                    "model": model.id,
                    "aspect_ratio": ratio,
                    "resolution": f"{min(width, height)}p",
                }
            )
            assert str(wish_of(body, SHIPPED).size) == size


def _quotient(ratio: str) -> float:
    width, height = map(int, ratio.split(":"))
    return width / height


def test_what_is_not_set_up_comes_last_and_is_not_to_be_had() -> None:
    text = CATALOGUE_TEXT.replace("https://one.example", "${NOWHERE}", 1).replace(
        "  plain:\n",
        "  here:\n    deployments:\n      - {<<: *able, name: here, "
        "endpoint: https://two.example}\n  plain:\n",
    )
    found = model_list(Catalogue.parse(text, {}), 0, _retires).data
    assert [(model.id, model.available) for model in found] == [
        ("here", True),
        ("able", False),
        ("plain", False),
        ("unsaid", False),
    ]
    assert found[1].seconds == [5, 10, 4, 8]


def test_a_model_is_there_until_the_day_on_which_all_its_deployments_are_gone() -> None:
    text = CATALOGUE_TEXT.replace("takes_options: false", "retired_on: 2027-01-31", 1)
    catalogue = Catalogue.parse(text, {})
    day_before = datetime(2027, 1, 30, 23, 59, tzinfo=UTC).timestamp()
    assert told("plain", catalogue, day_before).available
    assert not told("plain", catalogue, day_before + 60).available
    assert told("able", catalogue, day_before + 60).available


def test_a_model_tells_the_day_from_which_none_of_its_deployments_is_left() -> None:
    text = CATALOGUE_TEXT.replace("takes_options: false", "retires_at: 2027-01-31", 1)
    catalogue = Catalogue.parse(text, {})
    day_before = datetime(2027, 1, 30, 23, 59, tzinfo=UTC).timestamp()
    plain = told("plain", catalogue, day_before)
    assert (plain.retires_at, plain.available) == ("2027-01-31", True)
    assert not told("plain", catalogue, day_before + 60).available
    assert told("able", catalogue).retires_at is None
