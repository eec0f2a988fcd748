"""The catalogue: what it reads, and what it offers."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dailies.catalogue import Catalogue, Credential, Deployment
from dailies.catalogue.offers import price_of
from dailies.providers.registry import check_deployment
from dailies.video.basics import Operation, Size, Variant
from dailies.video.errors import NotFound, SettingsError
from dailies.video.request import Input, InputKind, Role, VideoRequest
from tests.unit.catalogue_text import BOTH, TEXT

SHIPPED = Path(__file__).parents[2] / "models.yaml"
ENDPOINT = {"AZURE_OPENAI_ENDPOINT": "https://my.openai.azure.com/"}

# xAI charges for images, too; the simulated one as the real one.
GROK = {"XAI_API_KEY": "k"}


def test_the_catalogue_that_ships_is_sound() -> None:
    catalogue = Catalogue.load(SHIPPED, ENDPOINT)

    assert list(catalogue.models) == ["sora-2", "sora-2-pro", "sora"]
    (deployment,) = catalogue.resolve(None).deployments
    assert deployment.endpoint == "https://my.openai.azure.com"
    assert deployment.deployment == "sora-2"
    assert deployment.credential is Credential.ENTRA
    assert deployment.secret is None
    assert (deployment.default_size, deployment.default_seconds) == (Size(720, 1280), 4)
    assert (deployment.quota.requests_per_minute, deployment.quota.concurrent) == (2, 2)


@pytest.mark.parametrize(
    ("model", "size", "seconds", "price"),
    [
        ("sora-2", "720x1280", 4, 0.40),
        ("sora-2", "1280x720", 12, 1.20),
        ("sora-2-pro", "1280x720", 8, 2.40),
        ("sora-2-pro", "1792x1024", 12, 6.00),
    ],
)
def test_prices_of_the_catalogue_that_ships(
    model: str, size: str, seconds: int, price: float
) -> None:
    (deployment,) = Catalogue.load(SHIPPED, ENDPOINT).resolve(model).deployments

    assert deployment.price(Size.parse(size), seconds) == price


def test_a_video_without_sound_may_be_cheaper() -> None:
    catalogue = Catalogue.load(SHIPPED, {})
    (veo,) = catalogue.listed["veo-3.1"].deployments
    (grok,) = catalogue.listed["grok-imagine-video-1.5"].deployments

    assert veo.price(Size(1280, 720), 8, silent=True) == 1.6
    assert veo.price(Size(3840, 2160), 8, silent=True) == 3.2
    assert veo.price(Size(640, 360), 8, silent=True) == 1.6  # a fallback's size: the default
    assert grok.price(Size(1280, 720), 8, silent=True) == grok.price(Size(1280, 720), 8)


@pytest.mark.parametrize("sound", ["always", "never", None])
def test_a_price_without_sound_needs_a_choice_of_sound(sound: str | None) -> None:
    with pytest.raises(ValueError, match="silent_prices"):
        Deployment.model_validate(
            {
                "name": "one",
                "provider": "xai",
                "deployment": "one",
                "sizes": ["1280x720"],
                "seconds": [4],
                "sound": sound,
                "prices": {"default": 0.1},
                "silent_prices": {"default": 0.05},
            }
        )


def test_without_an_endpoint_nothing_is_offered_and_the_setting_is_named() -> None:
    catalogue = Catalogue.load(SHIPPED, {})

    assert not catalogue.models
    places = {re.sub(r"(\[\d+\])\..*", r"\1", line) for line in catalogue.left_out}
    assert len(places) == SHIPPED.read_text().count(" provider: ")
    azures = [line for line in catalogue.left_out if "AZURE_OPENAI_ENDPOINT" in line]
    assert len(azures) == 3
    for line in azures:
        assert "endpoint is not set (set AZURE_OPENAI_ENDPOINT)" in line
    for line in catalogue.left_out:
        assert re.search(r" is not set \(set [A-Z0-9_]+\); it is left out$", line)
    for name in (None, "sora-2", "openai/azure-sora-1"):
        with pytest.raises(NotFound, match="not offered here at present") as caught:
            catalogue.resolve(name)
        assert (caught.value.param, caught.value.code) == ("model", "DeploymentNotFound")
        assert "AZURE" not in caught.value.message


def test_a_key_is_only_read_when_chosen() -> None:
    key = {"AZURE_OPENAI_API_KEY": "k"}
    unasked = Catalogue.load(SHIPPED, ENDPOINT | key).resolve(None).deployments[0]
    asked = (
        Catalogue.load(SHIPPED, ENDPOINT | key | {"AZURE_OPENAI_CREDENTIAL": "api-key"})
        .resolve(None)
        .deployments[0]
    )

    assert unasked.secret is None
    assert asked.secret is not None
    assert asked.secret.get_secret_value() == "k"
    assert "'k'" not in repr(asked)


def test_without_the_key_that_is_chosen_nothing_is_offered() -> None:
    catalogue = Catalogue.load(SHIPPED, ENDPOINT | {"AZURE_OPENAI_CREDENTIAL": "api-key"})

    assert not catalogue.models
    assert "models.sora-2.deployments[0].api_key is not set" in catalogue.left_out[0]
    assert "AZURE_OPENAI_API_KEY" in catalogue.left_out[0]


@pytest.mark.parametrize("key", ["with space", "line\nbreak", "schlüssel"])
def test_a_key_that_fits_no_header_is_refused_without_being_shown(key: str) -> None:
    with pytest.raises(SettingsError, match="api_key") as caught:
        Catalogue.load(
            SHIPPED,
            ENDPOINT | {"AZURE_OPENAI_CREDENTIAL": "api-key", "AZURE_OPENAI_API_KEY": key},
        )
    assert key not in str(caught.value)


@pytest.mark.parametrize(
    "name",
    [
        "fast",
        "FAST",
        " fast ",
        "quick",
        "Quick",
        "openai/fast",
        "azure/QUICK",
        "azure_ai/fast",
        None,
    ],
)
def test_names_that_callers_use(name: str | None) -> None:
    assert Catalogue.parse(TEXT, BOTH).resolve(name).name == "fast"


def test_an_unknown_name_is_refused_as_azure_refuses_an_unknown_deployment() -> None:
    with pytest.raises(NotFound) as caught:
        Catalogue.parse(TEXT, BOTH).resolve("slow")
    assert caught.value.message == (
        "The API deployment 'slow' for this resource does not exist. If you created the deployment "
        "within the last 5 minutes, please wait a moment and try again. GET /v1/models lists the "
        "models that there are."
    )
    assert caught.value.type == "video_generation_user_error"
    assert (caught.value.param, caught.value.code) == ("model", "DeploymentNotFound")


def test_a_deployment_without_an_endpoint_is_left_out() -> None:
    catalogue = Catalogue.parse(TEXT, {"EU": BOTH["EU"]})

    assert [deployment.name for deployment in catalogue.deployments] == ["fast-eu"]
    assert list(catalogue.models) == ["fast"]
    assert catalogue.deployment("good-us") is None


def test_placeholders_are_filled_in() -> None:
    named = Catalogue.parse(TEXT, BOTH | {"EU_NAME": "mine"}).deployment("fast-eu")
    plain = Catalogue.parse(TEXT, BOTH | {"EU_NAME": ""}).deployment("fast-eu")

    assert named is not None
    assert plain is not None
    assert (named.deployment, plain.deployment) == ("mine", "fast-deployment")


def test_a_lineage_goes_from_a_model_to_its_fallbacks_and_never_round() -> None:
    catalogue = Catalogue.parse(TEXT, BOTH)

    def names(model: str) -> list[str]:
        return [each.name for each in catalogue.lineage(catalogue.resolve(model))]

    assert names("fast") == ["fast", "good"]
    assert names("good") == ["good", "fast"]


def test_what_a_deployment_can_do() -> None:
    catalogue = Catalogue.parse(TEXT, BOTH)
    fast, good = catalogue.deployment("fast-eu"), catalogue.deployment("good-us")

    assert fast is not None
    assert good is not None
    assert fast.operations == tuple(Operation)
    assert good.operations == (Operation.CREATE,)
    assert fast.files == (Variant.VIDEO, Variant.THUMBNAIL)
    assert good.files == tuple(Variant)
    assert fast.reference is not None
    assert good.reference is None


def test_a_model_offers_what_any_of_its_deployments_does() -> None:
    model = Catalogue.parse(TEXT, BOTH).resolve("fast")

    assert [str(size) for size in model.sizes] == ["720x1280", "1280x720", "1792x1024"]
    assert model.seconds == (4, 8, 12)


def test_prices_and_times() -> None:
    catalogue = Catalogue.parse(TEXT, BOTH)
    eu, us = catalogue.deployment("fast-eu"), catalogue.deployment("fast-us")

    assert eu is not None
    assert us is not None
    assert eu.price(Size(720, 1280), 8) == 0.8
    assert eu.price(Size(1792, 1024), 8) == 4.0
    assert us.price(Size(720, 1280), 4) == 0.8  # never too low
    assert eu.typical_seconds(Size(720, 1280), 4) == 60
    assert eu.typical_seconds(Size(1280, 720), 8) == 120
    assert eu.typical_seconds(Size(1792, 1024), 4) == pytest.approx(119.5, abs=0.1)


def test_an_entry_may_build_on_another() -> None:
    text = TEXT.replace("quota: {requests_per_minute: 2}", "quota: &quota {concurrent: 2}").replace(
        "prices: {1280x720: 0.2}",
        "prices: {1280x720: 0.2}\n        quota: {<<: *quota, concurrent: 3}",
    )
    catalogue = Catalogue.parse(text, BOTH)
    quotas = [d.quota.concurrent for d in catalogue.deployments if d.name.startswith("fast")]
    assert quotas == [2, 3]


def test_a_default_that_is_left_out_is_said_to_be() -> None:
    catalogue = Catalogue.parse(
        TEXT.replace("default_model: fast", "default_model: good"), {"EU": BOTH["EU"]}
    )

    with pytest.raises(NotFound, match=r"'good' is not offered here at present.*: fast"):
        catalogue.resolve(None)
    assert catalogue.resolve("fast").name == "fast"
    assert [line for line in catalogue.left_out if "models.good" in line]


@pytest.mark.parametrize(
    ("last", "set_up", "meant"),
    [
        ("[]", BOTH, "fast"),
        ("[fast]", BOTH, "good"),
        ("[fast]", {"EU": BOTH["EU"]}, "fast"),  # better than none
        ("[fast, good]", BOTH, "fast"),
        ("[]", {}, "fast"),  # which is not on offer, as none is
    ],
)
def test_without_a_default_the_first_that_is_set_up_is_meant(
    last: str, set_up: dict[str, str], meant: str
) -> None:
    text = TEXT.replace("default_model: fast", f"default_model: ${{NONE}}\ndefault_last: {last}")
    assert Catalogue.parse(text, set_up).default_name == meant


def test_of_the_shipped_catalogue_a_retired_model_is_meant_last() -> None:
    text = (Path(__file__).parents[2] / "models.yaml").read_text()
    sora = {"AZURE_OPENAI_ENDPOINT": "https://x.openai.azure.com"}
    both = {**sora, "RUNWAY_API_KEY": "key"}
    assert Catalogue.parse(text, sora, check=check_deployment()).resolve(None).name == "sora-2"
    assert Catalogue.parse(text, both, check=check_deployment()).resolve(None).name == "gen4.5"
    named = {**both, "DAILIES_DEFAULT_MODEL": "sora-2-pro"}
    assert Catalogue.parse(text, named, check=check_deployment()).resolve(None).name == "sora-2-pro"


def test_of_the_shipped_catalogue_nobody_asks_for_another_kind_of_file() -> None:
    text = (Path(__file__).parents[2] / "models.yaml").read_text()
    keys = dict.fromkeys(re.findall(r"\$\{(\w+_KEY)", text), "key")
    catalogue = Catalogue.parse(text, keys, check=check_deployment())
    assert len({deployment.provider for deployment in catalogue.deployments}) > 8
    for deployment in catalogue.deployments:
        # What is stored and announced is an MP4.
        assert deployment.refused_option("output_format"), deployment.name


@pytest.mark.parametrize("rules", ["{}", "{formats: [png], exact_size: false, max_bytes: 9}"])
def test_what_earlier_files_say_of_references_is_accepted(rules: str) -> None:
    text = TEXT.replace("reference: null", f"reference: {rules}")
    deployment = Catalogue.parse(text, BOTH).deployment("good-us")

    assert deployment is not None
    assert deployment.reference is not None


def test_an_image_is_priced_where_its_provider_charges_for_it() -> None:
    catalogue = Catalogue.load(SHIPPED, GROK)
    [deployment] = catalogue.resolve("grok-imagine-video-1.5").deployments
    request = VideoRequest(
        model="grok-imagine-video-1.5", prompt="a", seconds=4, size=Size(1280, 720)
    )
    assert price_of(deployment, request) == 0.56
    inputs = [Input(role=role, type=InputKind.IMAGE) for role in (Role.FIRST, Role.LAST)]
    assert price_of(deployment, request.model_copy(update={"inputs": tuple(inputs)})) == 0.58
