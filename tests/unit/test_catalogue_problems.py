"""What is wrong with a catalogue is told, all at once, by its path and with a remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from dailies.catalogue import Catalogue
from dailies.video.errors import SettingsError
from tests.unit.catalogue_text import BOTH, TEXT


def problems(text: str, environ: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        Catalogue.parse(text, BOTH if environ is None else environ)
    return list(caught.value.problems)


@pytest.mark.parametrize(
    ("old", "new", "path", "remedy"),
    [
        ("[720x1280, 1280x720, 1792x1024]", "[wide]", "fast.deployments[0].sizes[0]", "1280x720"),
        ("[720x1280, 1280x720, 1792x1024]", "[]", "fast.deployments[0].sizes", "at least 1"),
        ("seconds: [4, 8]", "seconds: [0]", "fast.deployments[0].seconds[0]", "greater than"),
        ("name: fast-us", "name: fast-eu", "fast.deployments[1].name", "taken"),
        ("name: fast-us", "name: fast@us", "fast.deployments[1].name", "pattern"),
        ("fallbacks: [good]", "fallbacks: [best]", "fast.fallbacks[0]", "no model 'best'"),
        ("aliases: [Quick]", "aliases: [Good]", "models.good", "already names 'fast'"),
        ("default_model: fast", "default_model: slow", "default_model", "no model 'slow'"),
        (
            "default_model: fast",
            "default_model: fast\ndefault_last: [slow]",
            "default_last[0]",
            "no model 'slow'",
        ),
        ("{1280x720: 0.2}", "{720x720: 0.2}", "fast.deployments[1]", "nothing for 1280x720"),
        ("{1280x720: 0.2}", "{wide: 0.2}", "fast.deployments[1].prices", "wide"),
        ("{default: 1}", "{default: -1}", "good.deployments[0].prices.default", "greater"),
        ("[video, thumbnail]", "[thumbnail]", "fast.deployments[0]", "must name 'video'"),
        ("[video, thumbnail]", "[video, poster]", "fast.deployments[0].variants[1]", "thumbnail"),
        ("quota: {", "quotas: {", "fast.deployments[0].quotas", "not permitted"),
        ("${US}", "${US", "fast.deployments[1].endpoint", "${NAME:-default}"),
        ("${US}", "ftp://x", "fast.deployments[1].endpoint", "https://"),
        ("${US}", "http://example.com", "fast.deployments[1].endpoint", "loopback"),
    ],
)
def test_what_is_wrong_is_named_by_its_path(old: str, new: str, path: str, remedy: str) -> None:
    assert old in TEXT
    told = problems(TEXT.replace(old, new))

    assert told[0].startswith("models.yaml: ")
    assert path in told[0]
    assert remedy in told[0]


@pytest.mark.parametrize(
    ("old", "new", "key", "line"),
    [
        ("seconds: [4, 8]\n", "seconds: [4]\n        seconds: [8]\n", "seconds", 14),
        ("{default: 0.1, 1792x1024: 0.5}", "{default: 0.1, default: 0.5}", "default", 15),
        ("  good:\n", "  fast:\n", "fast", 25),
        ("default_model: fast", "default_model: good\ndefault_model: fast", "default_model", 3),
    ],
)
def test_a_key_that_is_there_twice_is_named(old: str, new: str, key: str, line: int) -> None:
    assert old in TEXT
    (told,) = problems(TEXT.replace(old, new))
    assert told.startswith(f"models.yaml: line {line}, column ")
    assert f"the key '{key}' is there twice" in told


def test_all_that_is_wrong_is_told_at_once() -> None:
    text = TEXT.replace("fallbacks: [good]", "fallbacks: [best]").replace("fast-us", "fast-eu")

    assert len(problems(text)) == 2


@pytest.mark.parametrize("text", ["", "[]", "a: [", "models: 3", "\0"])
def test_what_is_no_catalogue(text: str) -> None:
    assert problems(text)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="DAILIES_CATALOGUE"):
        Catalogue.load(tmp_path / "none.yaml", {})


def test_a_value_can_not_change_the_structure() -> None:
    name = "x\n        provider: evil"
    deployment = Catalogue.parse(TEXT, BOTH | {"EU_NAME": name}).deployment("fast-eu")

    assert deployment is not None
    assert deployment.deployment == name
