"""A provider of one's own is one module: found, checked at start, used by the pipeline."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from dailies.catalogue import Catalogue
from dailies.pipeline.archive import archive_video
from dailies.pipeline.check import check_video
from dailies.pipeline.submit import submit_video
from dailies.providers.azure_auth import TokenCredential
from dailies.providers.registry import Providers, check_deployment, known_providers
from dailies.settings import Settings
from dailies.video.basics import Variant
from dailies.video.errors import NotFound, SettingsError
from tests.media import clip_bytes
from tests.unit.pipeline.world import World, ref

PACKAGES = ("tests.unit.providers.own",)
MP4 = clip_bytes()
CATALOGUE = """
default_model: sora-2
models:
  sora-2:
    deployments:
      - name: film
        provider: film-maker
        endpoint: https://films.example/v2
        deployment: film-1
        credential: api-key
        api_key: ${FILM_KEY}
        options: {project: "${FILM_PROJECT}", takes: 2}
        sizes: [720x1280]
        seconds: [4]
        variants: [video]
        operations: [create]
        reference: null
        prices: null
"""
SET = {"FILM_KEY": "secret", "FILM_PROJECT": "pier"}


def catalogue(environ: Mapping[str, str] = SET, text: str = CATALOGUE) -> Catalogue:
    return Catalogue.parse(text, environ, check=check_deployment(PACKAGES))


class Films:
    """The films' server, and a world whose videos it makes."""

    def __init__(self, *creates: httpx.Response | Exception) -> None:
        self.requests: list[httpx.Request] = []
        self._creates = list(creates)
        self.world = World()
        offered = catalogue()
        self.providers = Providers(
            offered, self._no_identity, packages=PACKAGES, transport=httpx.MockTransport(self)
        )
        self.world.services = replace(
            self.world.services, catalogue=offered, providers=self.providers
        )

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if request.method == "POST":
            answer = self._creates.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer
        if request.url.path.endswith("/file"):
            return httpx.Response(200, content=MP4, headers={"content-type": "video/mp4"})
        return httpx.Response(200, json={"film_id": "f/1", "state": "done"})

    def _no_identity(self) -> TokenCredential:
        raise AssertionError("asked for an identity")


async def test_a_video_goes_through_the_pipeline() -> None:
    films = Films(httpx.Response(201, json={"film_id": "f/1", "state": "waiting"}))
    world = films.world
    video = await world.accepted()
    for step in (submit_video, check_video, archive_video):
        assert (await step(world.services, ref(video)))["kind"] == "done"
    record = await world.record(video.id)
    await films.providers.close()

    assert record.submit.job_id == "f/1"
    assert record.files[Variant.VIDEO].bytes == len(MP4)
    assert set(record.files) == set(Variant)
    create, status, file = films.requests
    assert json.loads(create.content) == {
        "project": "pier",
        "takes": 2,
        "film": "film-1",
        "script": "A pier at dawn",
        "seconds": 4,
        "size": "720x1280",
    }
    assert {r.headers["authorization"] for r in films.requests} == {"Bearer secret"}
    assert status.url.raw_path == b"/v2/films/f%2F1"
    assert file.url.raw_path == b"/v2/films/f%2F1/file"


async def test_without_a_list_an_unknown_outcome_is_never_sent_again() -> None:
    films = Films(httpx.ReadTimeout("late"))
    world = films.world
    video = await world.accepted()
    step = await submit_video(world.services, ref(video))
    while step["kind"] != "stop":
        world.now += 600
        step = await submit_video(world.services, ref(video))
    await films.providers.close()

    assert (len(films.requests), step["error"]["code"]) == (1, "submit_unresolved")


async def test_its_own_errors_have_its_own_words() -> None:
    films = Films(httpx.Response(402))
    world = films.world
    video = await world.accepted()
    step = await submit_video(world.services, ref(video))
    await films.providers.close()

    assert step["kind"] == "stop"
    assert step["error"]["code"] == "no_credit"


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        ("takes: 2", "takes: 9", r"deployments\[0\].options.takes: .*less than or equal to 3"),
        ("takes: 2", "tales: 2", r"deployments\[0\].options.tales: Extra inputs"),
        ("credential: api-key", "credential: entra", r"deployments\[0\].credential: .*api-key"),
    ],
)
def test_a_wrong_option_is_named_and_not_shown(old: str, new: str, where: str) -> None:
    with pytest.raises(SettingsError, match=where) as caught:
        catalogue(text=CATALOGUE.replace(old, new))
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "field"), [("FILM_KEY", "api_key"), ("FILM_PROJECT", "options.project")]
)
def test_what_it_needs_and_has_not_leaves_it_out(name: str, field: str) -> None:
    offered = catalogue({**SET, name: ""})

    assert not offered.models
    assert f"deployments[0].{field} is not set (set {name})" in offered.left_out[0]
    with pytest.raises(NotFound):
        offered.resolve("sora-2")


def test_it_says_how_long_it_keeps_its_films() -> None:
    (deployment,) = catalogue().deployments
    (corrected,) = catalogue(
        text=CATALOGUE.replace("prices: null", "prices: null\n        kept_seconds: 60")
    ).deployments

    assert (deployment.kept_seconds, deployment.jobs_api) == (3 * 86_400, False)
    assert corrected.kept_seconds == 60


def test_the_setting_names_packages() -> None:
    environ = {"VideoStorage": "UseDevelopmentStorage=true", "DAILIES_PROVIDERS": PACKAGES[0]}

    assert Settings.load(environ).provider_packages == PACKAGES
    assert "film-maker" in known_providers(PACKAGES)
    assert "film-maker" not in known_providers()
    with pytest.raises(SettingsError, match="DAILIES_PROVIDERS"):
        Settings.load({**environ, "DAILIES_PROVIDERS": "my-models/"})


def _no_identity() -> TokenCredential:
    raise AssertionError("nothing here needs the app's identity")


def test_a_provider_is_looked_for_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A look at a video that runs asks for it: no folder is listed for that."""
    package = tmp_path / "once_providers"
    package.mkdir()
    (package / "__init__.py").touch()
    module = package / "film_maker.py"
    module.write_text("from tests.unit.providers.own.film_maker import PROVIDER\n")
    monkeypatch.syspath_prepend(tmp_path)
    packages = ("once_providers",)
    offered = Catalogue.parse(CATALOGUE, SET, check=check_deployment(packages))
    film = offered.deployment("film")
    assert film is not None
    known = Providers(offered, _no_identity, packages=packages)
    before = known.recovery(film)
    module.unlink()
    assert known.recovery(film) is before
    with pytest.raises(SettingsError, match="its provider is not there"):
        Providers(offered, _no_identity, packages=packages).recovery(film)
