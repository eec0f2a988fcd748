"""Which of a caller's ``provider_options`` a provider is given; all others are refused at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from dailies.catalogue import Catalogue, Deployment
from dailies.protocols.wish import Wish, plan
from dailies.providers.declaration import CallerOptions
from dailies.providers.fal.adapter import FalOptions
from dailies.providers.registry import check_deployment, find_provider
from dailies.video.errors import InvalidRequest

SHIPPED = Path(__file__).parents[3] / "models.yaml"
KEYS = {
    "FAL_API_KEY": "key",
    "REPLICATE_API_KEY": "r8_key",
    "XAI_API_KEY": "key",
    "LUMA_API_KEY": "key",
    "LUMA_DREAM_MACHINE_API_KEY": "key",
    "RUNWAY_API_KEY": "key",
    "KLING_API_KEY": "access:secret",
    "ARK_API_KEY": "key",
}
LISTED = Catalogue.load(SHIPPED, KEYS, check=check_deployment())
ROWS = [row for model in LISTED.listed.values() for row in model.deployments]

PAID = ("duration", "seconds", "model", "n", "callback_url", "webhook")
"""What a provider may call something that is paid for, or that leads elsewhere."""


def _row(provider: str) -> Deployment:
    return next(row for row in ROWS if row.provider == provider)


def test_every_provider_has_a_row_here() -> None:
    assert {row.provider for row in ROWS} == LISTED.providers


@pytest.mark.parametrize(
    ("provider", "name"),
    [
        ("xai", "duration"),
        ("google-omni", "safety_settings"),
        ("vertex-veo", "sampleCount"),
        ("vertex-veo", "storageUri"),
        ("luma", "hdr"),
        ("luma-dream-machine", "model"),
        ("kling", "mode"),
        ("kling", "duration"),
        ("kling", "callback_url"),
        ("kling", "external_task_id"),
        ("runway", "promptText"),
        ("runway", "duration"),
        ("seedance", "content"),
        ("seedance", "frames"),
        ("seedance", "callback_url"),
        ("seedance", "safety_identifier"),
        ("fal", "duration"),
        ("fal", "num_videos"),
        ("replicate", "duration"),
        ("replicate", "num_outputs"),
        ("openai-videos", "output_path"),
    ],
)
def test_what_is_paid_for_or_leads_elsewhere_is_not_the_callers(provider: str, name: str) -> None:
    why = _row(provider).refused_option(name)
    assert why is not None
    assert f"'{name}'" in why


@pytest.mark.parametrize(
    ("provider", "name"),
    [
        ("xai", "keyframes"),
        ("vertex-veo", "personGeneration"),
        ("luma", "loop"),
        ("luma-dream-machine", "concepts"),
        ("kling", "cfg_scale"),
        ("runway", "contentModeration"),
        ("seedance", "camera_fixed"),
        ("fal", "safety_tolerance"),
        ("replicate", "loop"),
    ],
)
def test_what_is_the_providers_own_goes_along(provider: str, name: str) -> None:
    rows = [row for row in ROWS if row.provider == provider]
    assert any(row.refused_option(name) is None for row in rows)


def test_none_can_be_given_a_price_or_an_address_that_it_knows() -> None:
    for row in ROWS:
        if row.takes_options and row.only_options is not None:
            assert not {*row.only_options} & {*PAID}, row.name


def test_every_endpoint_of_an_app_is_asked_what_it_calls_its_inputs() -> None:
    provider = find_provider("fal")
    assert provider is not None
    assert callable(provider.caller_options)
    rule = provider.caller_options(
        FalOptions.model_validate(
            {"with_image": {"path": "image", "inputs": {"image": "start_image"}}}
        )
    )
    assert isinstance(rule, CallerOptions)
    assert "start_image" in rule.own


def test_a_caller_is_told_what_can_be_set() -> None:
    wish = Wish("p", "grok-imagine-video-1.5", provider_options={"xai": {"duration": 15}})
    with pytest.raises(InvalidRequest, match="takes keyframes, reference_audios") as caught:
        plan(LISTED, wish, with_image=False)
    assert caught.value.param == "provider_options"
