"""When Azure retires models, as its management API tells it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from datetime import date
from typing import Any

import httpx
import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import HttpResponseError

from dailies.catalogue import Catalogue, Deployment
from dailies.providers.azure_lifecycle import AccountLifecycle, AzureLifecycle
from tests.unit.providers.azure_transport import FakeTransport

ACCOUNT = (
    "/subscriptions/s-1/resourceGroups/rg-1/providers/Microsoft.CognitiveServices/accounts/video"
)
CLOUD = "https://management.example"


def _model(name: str, version: str, **deprecation: str) -> dict[str, Any]:
    told = {"format": "OpenAI", "name": name, "version": version}
    return {**told, "deprecation": deprecation} if deprecation else told


def _made_of(name: str, model: str, version: str) -> dict[str, Any]:
    return {"name": name, "properties": {"model": {"name": model, "version": version}}}


ANSWERS: Mapping[str, Any] = {
    ACCOUNT: {
        "properties": {
            "endpoint": "https://video.cognitiveservices.azure.com/",
            "endpoints": {"OpenAI Dall-E API": "https://video.openai.azure.com/"},
        }
    },
    f"{ACCOUNT}/models": {
        "value": [
            _model("kite", "1", inference="2027-01-31T00:00:00Z", deprecationStatus="Planned"),
            _model("kite", "2", inference="2028-01-31T00:00:00Z", deprecationStatus="Tentative"),
            _model("kite", "3", inference="2027-03-01T00:00:00Z"),
            _model("kite", "4", inference="soon"),
            _model("kite", "5"),
        ]
    },
    f"{ACCOUNT}/deployments": {
        "value": [_made_of(f"v{version}", "kite", str(version)) for version in range(1, 7)]
    },
}


class Credential:
    """A credential that notes what it is asked for."""

    def __init__(self) -> None:
        self.scopes: list[tuple[str, ...]] = []

    async def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        self.scopes.append(scopes)
        return AccessToken("token", 2_000_000_000)

    async def close(self) -> None:
        """Nothing is open."""

    async def __aenter__(self) -> Credential:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Nothing is open."""


def _management(answers: Mapping[str, Any]) -> FakeTransport:
    """The management API, which answers 403 about all else."""
    refused = {"error": {"code": "AuthorizationFailed", "message": "No role."}}

    def answer(request: Any) -> tuple[int, bytes]:
        url = httpx.URL(request.url)
        assert (url.scheme, url.host) == ("https", "management.example")
        assert url.params["api-version"]
        assert request.headers["Authorization"]
        status = 200 if url.path in answers else 403
        return status, json.dumps(answers.get(url.path, refused)).encode()

    return FakeTransport(answer)


def _deployment(endpoint: str, name: str) -> Deployment:
    text = f"""
default_model: kite
models:
  kite:
    deployments:
      - name: here
        provider: azure-sora-2
        endpoint: {endpoint}
        deployment: {name}
        sizes: [720x1280]
        seconds: [4]
        prices: null
"""
    return Catalogue.parse(text, {}).deployments[0]


async def _read(answers: Mapping[str, Any]) -> tuple[AccountLifecycle, Credential]:
    credential = Credential()
    source = AzureLifecycle(ACCOUNT, CLOUD, credential, transport=_management(answers))
    return await source.read(), credential


@pytest.mark.parametrize(
    ("endpoint", "name", "day"),
    [
        ("https://video.openai.azure.com", "v1", date(2027, 1, 31)),
        ("https://VIDEO.cognitiveservices.azure.com/", "v1", date(2027, 1, 31)),
        ("https://video.openai.azure.com", "v2", None),
        ("https://video.openai.azure.com", "v3", date(2027, 3, 1)),
        ("https://video.openai.azure.com", "v4", None),
        ("https://video.openai.azure.com", "v5", None),
        ("https://video.openai.azure.com", "v6", None),
        ("https://video.openai.azure.com", "none", None),
        ("https://other.openai.azure.com", "v1", None),
    ],
)
async def test_the_day_of_a_deployments_model_counts_for_its_account_only(
    endpoint: str, name: str, day: date | None
) -> None:
    told, _ = await _read(ANSWERS)
    assert told.retires(_deployment(endpoint, name)) == day


async def test_the_token_is_for_the_cloud_that_is_asked() -> None:
    _, credential = await _read(ANSWERS)
    assert set(credential.scopes) == {(f"{CLOUD}/.default",)}


@pytest.mark.parametrize("left_out", sorted(ANSWERS))
async def test_what_it_does_not_let_us_read_is_an_error(left_out: str) -> None:
    with pytest.raises(HttpResponseError):
        await _read({path: said for path, said in ANSWERS.items() if path != left_out})


def test_its_client_is_not_imported_before_it_is_asked() -> None:
    code = "import sys, dailies.services; print('azure.mgmt.cognitiveservices' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"
