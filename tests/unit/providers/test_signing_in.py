"""How a deployment's credential becomes a way to sign in, where a provider has one of its own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from azure.core.credentials import AccessTokenInfo

from dailies.catalogue import Catalogue, Credential, Deployment
from dailies.providers.azure_auth import TokenCredential
from dailies.providers.google_auth import FederatedCredential
from dailies.providers.google_omni import PROVIDER
from dailies.providers.key_auth import BearerKeyAuth
from dailies.providers.registry import Providers, check_deployment
from tests.unit.providers.omni_wire import interaction

SHIPPED = Path(__file__).parents[3] / "models.yaml"
GOOGLE_CLOUD = {
    "VERTEX_ENDPOINT": "https://aiplatform.googleapis.com",
    "GOOGLE_CLOUD_PROJECT": "studio-1",
    "GOOGLE_CLOUD_VIDEOS": "gs://dailies/videos",
    "GOOGLE_WORKLOAD_IDENTITY_PROVIDER": "//iam.googleapis.com/projects/1/locations/global/"
    "workloadIdentityPools/azure/providers/tenant",
    "GOOGLE_SUBJECT_SCOPE": "api://dailies/.default",
}


def shipped(**settings: str) -> Catalogue:
    return Catalogue.load(SHIPPED, settings, check=check_deployment())


OFFERED = shipped(GEMINI_API_KEY="AIza-1", **GOOGLE_CLOUD)
DEVELOPERS, ON_CLOUD = OFFERED.deployments


class Identity:
    async def get_token_info(self, *scopes: str, options: Any = None) -> AccessTokenInfo:
        return AccessTokenInfo(f"entra for {scopes[0]}", 4_000_000_000)


async def sent(deployment: Deployment, credential: Any) -> httpx.Request:
    requests: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(200, json=interaction())

    providers = Providers(OFFERED, credential, transport=httpx.MockTransport(answer))
    await providers.adapter(deployment).status("v1_abc")
    await providers.close()
    return requests[0]


def nobody() -> TokenCredential:
    raise AssertionError("asked for an identity")


async def test_a_key_needs_no_identity() -> None:
    request = await sent(DEVELOPERS, nobody)

    assert request.headers["x-goog-api-key"] == "AIza-1"


async def test_the_identity_signs_in_in_the_providers_own_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def exchange(self: FederatedCredential, subject: str, scopes: object) -> AccessTokenInfo:
        return AccessTokenInfo(f"google for {subject}", 4_000_000_000)

    monkeypatch.setattr(FederatedCredential, "_exchange", exchange)
    request = await sent(ON_CLOUD, Identity)

    assert request.headers["authorization"] == (
        "Bearer google for entra for api://dailies/.default"
    )
    assert "x-goog-api-key" not in request.headers


@pytest.mark.parametrize(
    ("deployment", "credential", "why"),
    [
        (DEVELOPERS, Credential.ENTRA, "with these options it takes api-key; say so"),
        (ON_CLOUD, Credential.API_KEY, "with these options it takes entra; say so"),
        (ON_CLOUD, Credential.BEARER, "provider 'google-omni' takes entra or api-key; say so"),
    ],
)
def test_a_credential_that_does_not_go_with_the_options_is_told(
    deployment: Deployment, credential: Credential, why: str
) -> None:
    problems = list(PROVIDER.problems(deployment.model_copy(update={"credential": credential})))

    assert [(problem.field, problem.message) for problem in problems] == [("credential", why)]


def test_those_that_do_are_not() -> None:
    assert not [*PROVIDER.problems(DEVELOPERS), *PROVIDER.problems(ON_CLOUD)]


def test_wrong_options_are_told_before_what_goes_with_them() -> None:
    wrong = ON_CLOUD.model_copy(update={"options": {**ON_CLOUD.options, "location": "?"}})

    assert [problem.field for problem in PROVIDER.problems(wrong)] == ["options.location"]


def test_without_ways_all_credentials_go_with_all_options() -> None:
    provider = replace(PROVIDER, ways=None, bearer_auth=BearerKeyAuth)
    bearer = ON_CLOUD.model_copy(update={"credential": Credential.BEARER})

    assert not list(provider.problems(bearer))


def test_what_google_cloud_needs_and_has_not_leaves_it_out() -> None:
    offered = shipped(**GOOGLE_CLOUD | {"GOOGLE_CLOUD_VIDEOS": ""})

    assert not offered.models
    assert any(
        "deployments[1].options.gcs_prefix is not set (set GOOGLE_CLOUD_VIDEOS)" in line
        for line in offered.left_out
    )


def test_what_google_has_announced_the_end_of_is_off_until_it_is_named() -> None:
    endpoint = "https://us-central1-aiplatform.googleapis.com"

    assert "veo-3.1" not in OFFERED.models
    assert {"veo-3.1", "veo-3.1-fast", "veo-3.1-lite"} <= set(
        shipped(VEO_ENDPOINT=endpoint, **GOOGLE_CLOUD).models
    )
