"""Which model a name means: a prefix leads to the models of its own providers only."""

from __future__ import annotations

import pytest

from dailies.catalogue import Catalogue
from dailies.video.errors import NotFound, SettingsError

TEXT = """
default_model: pier
prefixes: {openai: any, harbour: [alpha], sea: [beta, gamma]}
models:
  pier:
    aliases: [old-pier, harbour/special]
    deployments:
      - &one
        name: pier-alpha
        provider: alpha
        endpoint: https://one.example
        deployment: alpha/pier-preview
        upstream_models: [Pier-0042]
        credential: none
        sizes: [1280x720]
        seconds: [4]
        prices: null
  wave:
    deployments:
      - {<<: *one, name: wave-beta, provider: beta, deployment: wave-upstream, upstream_models: []}
  gone:
    deployments:
      - {<<: *one, name: gone-beta, provider: beta, endpoint: "${NOWHERE}", deployment: gone-1,
         upstream_models: []}
"""
CATALOGUE = Catalogue.parse(TEXT, {})


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("pier", "pier"),
        ("Old-Pier", "pier"),
        ("harbour/special", "pier"),
        ("openai/pier", "pier"),
        ("OpenAI/harbour/special", "pier"),
        ("openai/wave", "wave"),
        ("harbour/pier", "pier"),
        ("harbour/old-pier", "pier"),
        ("harbour/alpha/pier-preview", "pier"),
        ("harbour/pier-0042", "pier"),
        ("sea/wave", "wave"),
        ("sea/Wave-Upstream", "wave"),
    ],
)
def test_names_that_mean_a_model(name: str, model: str) -> None:
    assert CATALOGUE.resolve(name).name == model


@pytest.mark.parametrize(
    "name",
    [
        "harbour/wave",  # another provider's
        "sea/pier",
        "sea/pier-0042",
        "openai/wave-upstream",  # says nothing of the provider, so nothing of its names
        "wave-upstream",
        "nowhere/pier",
        "harbour/",
        "/pier",
        "openai/openai/pier",
    ],
)
def test_a_prefix_leads_nowhere_else(name: str) -> None:
    assert CATALOGUE.find(name) is None
    with pytest.raises(NotFound):
        CATALOGUE.resolve(name)


@pytest.mark.parametrize("name", ["gone", "sea/gone", "sea/gone-1", "openai/gone"])
def test_a_model_that_is_not_set_up_is_said_to_be_just_that(name: str) -> None:
    with pytest.raises(NotFound, match=r"not offered here at present.*pier, wave"):
        CATALOGUE.resolve(name)
    found = CATALOGUE.find(name)
    assert found is not None
    assert found.name not in CATALOGUE.models


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("peir", "'pier'"),
        ("harbour/piers", "'pier'"),
        ("old_pier", "'old-pier'"),
        ("WAVES", "'wave'"),
        ("wav", "'wave'"),  # the family alone
        ("openai/pie", "'pier'"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest(name: str, meant: str) -> None:
    with pytest.raises(NotFound, match=f"Did you mean .*{meant}"):
        CATALOGUE.resolve(name)


def test_only_what_is_on_offer_is_suggested() -> None:
    assert CATALOGUE.hint("gone1") == " GET /v1/models lists the models that there are."


def test_a_name_of_any_length_is_looked_up() -> None:
    assert CATALOGUE.find("harbour/" * 100_000) is None
    assert CATALOGUE.hint("x" * 1_000_000).startswith(" GET")


def test_a_file_that_says_nothing_of_prefixes_has_those_of_the_protocol() -> None:
    plain = Catalogue.parse(TEXT.replace("prefixes:", "# "), {})
    assert plain.resolve("azure/pier").name == "pier"
    assert plain.find("sea/wave") is None


def test_an_alias_with_a_slash_may_not_name_two_models() -> None:
    text = TEXT.replace("  wave:\n", "  wave:\n    aliases: [harbour/special]\n")
    with pytest.raises(SettingsError, match="'harbour/special' already names 'pier'"):
        Catalogue.parse(text, {})
