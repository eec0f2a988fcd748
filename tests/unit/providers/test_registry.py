"""From the catalogue to adapters."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest
from azure.core.credentials import AccessTokenInfo

from dailies.catalogue import Catalogue
from dailies.providers.base import Submission, find_submitted
from dailies.providers.outcomes import Kind
from dailies.providers.registry import (
    Providers,
    check_deployment,
    find_provider,
    known_providers,
)
from dailies.video.basics import Size
from dailies.video.errors import SettingsError
from tests.unit.providers.conftest import job, page

ENTRY = """
      - name: {name}
        provider: {provider}
        endpoint: {endpoint}
        deployment: {deployment}
        credential: {credential}
        api_key: secret
        sizes: [1280x720]
        seconds: [4]
        prices: {{default: 0.1}}"""


def catalogue(*entries: dict[str, str], packages: tuple[str, ...] = ()) -> Catalogue:
    text = "default_model: model-0\nmodels:"
    for number, entry in enumerate(entries):
        fields = {
            "name": f"deployment-{number}",
            "provider": "azure-sora-2",
            "endpoint": "https://one.openai.azure.com",
            "deployment": f"sora-{number}",
            "credential": "entra",
        } | entry
        text += f"\n  model-{number}:\n    deployments:{ENTRY.format(**fields)}"
    return Catalogue.parse(text, {}, check=check_deployment(packages))


class Identity:
    asked = 0

    async def get_token_info(self, *scopes: str, options: object = None) -> AccessTokenInfo:
        self.asked += 1
        return AccessTokenInfo("token", 4_102_444_800)


class Network(httpx.MockTransport):
    def __init__(self, answer: httpx.Response) -> None:
        self.requests: list[httpx.Request] = []

        def keep(request: httpx.Request) -> httpx.Response:
            self.requests.append(request)
            return httpx.Response(answer.status_code, content=answer.content)

        super().__init__(keep)


def submission(deployment: str) -> Submission:
    return Submission(deployment, "a cat in the rain", 4, Size(1280, 720))


async def test_deployments_share_one_token_and_keys_are_used_where_chosen() -> None:
    offered = catalogue({}, {"endpoint": "https://two.openai.azure.com"}, {"credential": "api-key"})
    identity, network = Identity(), Network(httpx.Response(200, json=job()))
    providers = Providers(offered, lambda: identity, transport=network)
    for deployment in offered.deployments:
        adapter = providers.adapter(deployment)
        assert adapter is providers.adapter(deployment)
        assert (await adapter.submit(submission(deployment.deployment))).kind is Kind.ACCEPTED
    await providers.close()

    assert identity.asked == 1
    assert [request.url.host for request in network.requests] == [
        "one.openai.azure.com",
        "two.openai.azure.com",
        "one.openai.azure.com",
    ]
    assert [request.headers.get("authorization") for request in network.requests] == [
        "Bearer token",
        "Bearer token",
        None,
    ]
    assert [request.headers.get("api-key") for request in network.requests] == [
        None,
        None,
        "secret",
    ]


async def test_no_identity_is_asked_for_when_only_keys_are_used() -> None:
    def never() -> Identity:
        raise AssertionError("asked for an identity")

    offered = catalogue({"credential": "api-key"})
    providers = Providers(offered, never, transport=Network(httpx.Response(200, json=job())))
    await providers.adapter(offered.deployments[0]).status("video_1")
    await providers.close()


@pytest.mark.parametrize(
    ("model", "found"), [("sora-0", 1), ("model-0", 1), ("sora-1", 0), ("model-1", 0)]
)
async def test_a_lost_job_is_not_taken_from_another_model(model: str, found: int) -> None:
    offered = catalogue({}, {})
    listed = Network(page(job(model=model)))
    providers = Providers(offered, Identity, transport=listed)
    adapter = providers.adapter(offered.deployments[0])
    search = await find_submitted(adapter, submission("sora-0"), 1_780_000_000)
    await providers.close()

    assert len(search.jobs) == found


async def test_an_unknown_provider_is_a_wrong_setting() -> None:
    with pytest.raises(
        SettingsError, match=r"models.model-0.deployments\[0\].provider.*'sora-9'.*azure-sora-2"
    ):
        catalogue({"provider": "sora-9"})


@pytest.mark.parametrize("name", ["base", "wire", "../base", "azure_sora_2", "Azure-Sora-2", ""])
async def test_a_module_that_declares_nothing_is_no_provider(name: str) -> None:
    assert find_provider(name) is None


@pytest.mark.parametrize("package", ["no.such.package", "json.decoder.nothing", "a..b"])
def test_a_package_that_is_not_there_is_named(package: str) -> None:
    with pytest.raises(SettingsError, match=f"DAILIES_PROVIDERS: '{package}'"):
        check_deployment([package])


def test_no_other_file_names_a_provider() -> None:
    root = Path(__file__).parents[3]
    ids = known_providers()
    own = {root / "dailies/providers" / f"{name.replace('-', '_')}.py" for name in ids}
    parts = ("dailies", "triggers", "orchestrations", "activities", "entities")
    sources = [path for part in parts for path in (root / part).rglob("*.py")]
    sources += [*root.glob("*.py"), *(root / "infra").rglob("*.bicep")]
    # whole words, for there are short ones
    any_id = "|".join(name.replace("-", "[-_]?") for name in ids)
    words = re.compile(rf"(?<![a-z0-9])(?:{any_id})(?![a-z0-9])", re.IGNORECASE)
    named = {
        path.relative_to(root).as_posix()
        for path in sources
        if own.isdisjoint((path, path.parent.with_suffix(".py")))
        and words.search(path.read_text(encoding="utf-8"))
    }

    assert len(own) >= 2
    assert not named
