"""The app's credential: the real one of azure-identity, on a fake network."""

from __future__ import annotations

import itertools
import json

import pytest
from azure.core.exceptions import (
    AzureError,
)
from azure.identity.aio import DefaultAzureCredential, ManagedIdentityCredential

from dailies.providers.azure_auth import Tokens, azure_credential, classify_token_failure
from dailies.providers.outcomes import Kind
from tests.unit.providers.azure_transport import FakeTransport


def _token(number: int) -> tuple[int, bytes]:
    expires = "4102444800"
    resource = "https://cognitiveservices.azure.com"
    document = {"access_token": f"real-{number}", "expires_on": expires, "resource": resource}
    return 200, json.dumps(document).encode()


@pytest.fixture
def app_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDENTITY_ENDPOINT", "http://127.0.0.1:1/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", "header-secret")
    monkeypatch.delenv("IDENTITY_SERVER_THUMBPRINT", raising=False)


@pytest.mark.usefixtures("app_service")
async def test_a_managed_identity_gives_a_fresh_token_past_its_own_cache() -> None:
    numbers = itertools.count(1)
    endpoint = FakeTransport(lambda _: _token(next(numbers)))
    async with ManagedIdentityCredential(client_id="the-client", transport=endpoint) as identity:
        tokens = Tokens(identity)
        first = await tokens.get()
        fresh = await tokens.replace(first)

    assert (first, fresh) == ("real-1", "real-2")
    assert "client_id=the-client" in endpoint.requests[0].url
    assert "claims" not in endpoint.requests[1].url


@pytest.mark.usefixtures("app_service")
@pytest.mark.parametrize(
    ("status", "kind"), [(500, Kind.TRANSIENT), (400, Kind.UNAUTHORISED), (403, Kind.UNAUTHORISED)]
)
async def test_what_a_managed_identity_raises_is_told_apart(status: int, kind: Kind) -> None:
    body = b'{"statusCode": 0, "message": "Unable to find the managed identity"}'
    endpoint = FakeTransport(lambda _: (status, body))
    async with ManagedIdentityCredential(transport=endpoint, retry_total=0) as identity:
        with pytest.raises(AzureError) as caught:
            await Tokens(identity).get()

    assert classify_token_failure(caught.value).kind is kind


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, DefaultAzureCredential),
        ({"IDENTITY_ENDPOINT": "http://127.0.0.1:1"}, ManagedIdentityCredential),
        (
            {"IDENTITY_ENDPOINT": "http://127.0.0.1:1", "AZURE_CLIENT_SECRET": "s"},
            DefaultAzureCredential,
        ),
    ],
)
@pytest.mark.usefixtures("app_service")
async def test_which_credential_is_the_apps(environ: dict[str, str], expected: type) -> None:
    async with azure_credential("a-client", environ) as credential:
        assert isinstance(credential, expected)
