"""The SDK of Azure AI Content Safety, as it is, against the simulated account."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator

import pytest
from azure.ai.contentsafety.aio import BlocklistClient, ContentSafetyClient
from azure.ai.contentsafety.models import (
    AddOrUpdateTextBlocklistItemsOptions,
    AnalyzeImageOptions,
    AnalyzeTextOptions,
    ImageData,
    RemoveTextBlocklistItemsOptions,
    TextBlocklist,
    TextBlocklistItem,
)
from azure.core.credentials import AzureKeyCredential
from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ResourceNotFoundError,
)
from azure.identity.aio import ManagedIdentityCredential
from PIL import Image

from dailies.guards.base import Passed, Refused, Shown, Subject, Unsaid
from dailies.guards.content_safety import ContentSafety
from dailies.video.basics import Size
from dailies.video.guarding import GuardRules, Harm
from dailies.video.request import VideoRequest
from tests.local.integration.services.harness import SECRET, ServicesProcess

REQUEST = VideoRequest(model="sora-2", prompt="A kite", seconds=4, size=Size(1280, 720))


def picture(colour: str, width: int = 100, height: int = 100) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


@pytest.fixture
async def credential(
    services: ServicesProcess, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[ManagedIdentityCredential]:
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{services.url}/identity/token")
    monkeypatch.setenv("IDENTITY_HEADER", SECRET)
    async with ManagedIdentityCredential() as credential:
        yield credential


@pytest.fixture
async def client(
    services: ServicesProcess, credential: ManagedIdentityCredential
) -> AsyncIterator[ContentSafetyClient]:
    verify = str(services.certificates.bundle)
    async with ContentSafetyClient(
        services.tls_url, credential, connection_verify=verify
    ) as client:
        yield client


@pytest.fixture
async def lists(
    services: ServicesProcess, credential: ManagedIdentityCredential
) -> AsyncIterator[BlocklistClient]:
    verify = str(services.certificates.bundle)
    async with BlocklistClient(services.tls_url, credential, connection_verify=verify) as client:
        yield client


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("A kite over a pier", {}),
        ("A slightly violent, very hateful crowd", {"Violence": 2, "Hate": 6}),
        ("Self-harm and sexual themes; a nonviolent march", {"SelfHarm": 4, "Sexual": 4}),
    ],
)
async def test_texts_have_severities(
    client: ContentSafetyClient, text: str, found: dict[str, int]
) -> None:
    result = await client.analyze_text(AnalyzeTextOptions(text=text))
    told = {each["category"]: each["severity"] for each in result.categories_analysis}
    assert told == {"Hate": 0, "SelfHarm": 0, "Sexual": 0, "Violence": 0} | found
    some = await client.analyze_text(AnalyzeTextOptions(text=text, categories=["Hate"]))
    assert [each["category"] for each in some.categories_analysis] == ["Hate"]


@pytest.mark.parametrize(
    ("colour", "category"),
    [("red", "Violence"), ("magenta", "Sexual"), ("blue", "SelfHarm"), ("yellow", "Hate")],
)
async def test_pictures_have_severities(
    client: ContentSafetyClient, colour: str, category: str
) -> None:
    options = AnalyzeImageOptions(image=ImageData(content=picture(colour)))
    result = await client.analyze_image(options)
    told = {each["category"]: each["severity"] for each in result.categories_analysis}
    assert told == {"Hate": 0, "SelfHarm": 0, "Sexual": 0, "Violence": 0} | {category: 6}


async def test_lists_are_kept_and_halt_the_rest(
    client: ContentSafetyClient, lists: BlocklistClient
) -> None:
    made = await lists.create_or_update_text_blocklist(
        "brands", TextBlocklist(blocklist_name="brands", description="names of others")
    )
    assert made.blocklist_name == "brands"
    added = await lists.add_or_update_blocklist_items(
        "brands",
        AddOrUpdateTextBlocklistItemsOptions(blocklist_items=[TextBlocklistItem(text="Acme")]),
    )
    (item,) = added.blocklist_items
    assert [i.text async for i in lists.list_text_blocklist_items("brands")] == ["Acme"]
    asked = AnalyzeTextOptions(
        text="A violent ACME van", blocklist_names=["brands"], halt_on_blocklist_hit=True
    )
    result = await client.analyze_text(asked)
    (match,) = result.blocklists_match or []
    assert (match.blocklist_name, match.blocklist_item_text) == ("brands", "ACME")
    assert result.categories_analysis == []
    await lists.remove_blocklist_items(
        "brands", RemoveTextBlocklistItemsOptions(blocklist_item_ids=[item.blocklist_item_id])
    )
    assert not (await client.analyze_text(asked)).blocklists_match
    await lists.delete_text_blocklist("brands")
    with pytest.raises(ResourceNotFoundError):
        await lists.get_text_blocklist("brands")


async def test_what_is_beyond_its_limits_is_refused(client: ContentSafetyClient) -> None:
    for image in (b"no picture", picture("red", 49, 100), picture("red", 2049, 100)):
        with pytest.raises(HttpResponseError) as refused:
            await client.analyze_image(AnalyzeImageOptions(image=ImageData(content=image)))
        assert refused.value.status_code == 400
    for options in (
        AnalyzeTextOptions(text="a" * 10_001),
        AnalyzeTextOptions(text=""),
        AnalyzeTextOptions(text="a", categories=["Gore"]),
    ):
        with pytest.raises(HttpResponseError) as refused:
            await client.analyze_text(options)
        assert refused.value.error is not None
        assert refused.value.error.code == "InvalidRequestBody"
    with pytest.raises(ResourceNotFoundError):
        await client.analyze_text(AnalyzeTextOptions(text="a", blocklist_names=["nowhere"]))


async def test_a_key_opens_nothing(services: ServicesProcess) -> None:
    verify = str(services.certificates.bundle)
    key = AzureKeyCredential("any")
    async with ContentSafetyClient(services.tls_url, key, connection_verify=verify) as client:
        with pytest.raises(ClientAuthenticationError):
            await client.analyze_text(AnalyzeTextOptions(text="A kite"))


async def test_the_app_s_guard_asks_with_its_identity(
    services: ServicesProcess, credential: ManagedIdentityCredential
) -> None:
    rules = GuardRules(severities={Harm.VIOLENCE: 4})
    verify = str(services.certificates.bundle)
    guard = ContentSafety(
        services.tls_url, credential, connection_verify=verify, retry_backoff_factor=0
    )
    subject = Subject("alice", "sora-2", REQUEST, texts=("A kite",), pictures=[picture("teal")])
    assert await guard.judge(subject, rules) == Passed()
    subject = Subject(
        "alice", "sora-2", REQUEST, texts=("A kite",), pictures=[picture("teal"), picture("red")]
    )
    refused = await guard.judge(subject, rules)
    assert refused == Refused("violence", Shown.INPUT, "severity 6")
    with services.client() as http:
        order = {"route": "analyze", "kind": "reset", "times": 9}
        http.post("/_inspect/faults", json=order).raise_for_status()
    assert isinstance(await guard.judge(subject, rules), Unsaid)
    await guard.close()
