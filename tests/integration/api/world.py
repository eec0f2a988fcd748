"""The app behind an HTTP client: real stores, a clock, and an engine that only takes notes."""

from __future__ import annotations

import copy
import functools
import hashlib
import io
import secrets
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Self

import httpx
import openai
from azure.core.credentials import AccessTokenInfo
from azure.core.messaging import CloudEvent
from azure.data.tables.aio import TableServiceClient
from azure.storage.blob.aio import BlobServiceClient, ContainerClient
from fastapi import FastAPI
from PIL import Image

from dailies.api.app import create_app
from dailies.api.context import Context
from dailies.catalogue import Catalogue
from dailies.engine import InstanceState
from dailies.net.fetching import ReferenceFetcher
from dailies.net.posting import WebhookPoster
from dailies.providers.registry import Providers, check_deployment
from dailies.services import Services
from dailies.settings import Settings
from dailies.stores.batches import BatchStore
from dailies.stores.characters import CharacterStore
from dailies.stores.claims import ClaimStore
from dailies.stores.deliveries import DeliveryStore
from dailies.stores.drops import DropStore
from dailies.stores.files import FileStore
from dailies.stores.followers import Followers
from dailies.stores.health import HealthStore
from dailies.stores.keys import KeyStore
from dailies.stores.rates import RateStore
from dailies.stores.records import RecordStore
from dailies.stores.room import Room
from dailies.stores.tables import DEPLOYMENTS
from dailies.stores.tombstones import TombstoneStore
from dailies.stores.webhooks import WebhookStore
from dailies.video.basics import Phase, Variant, VideoError
from dailies.video.record import StoredFile, SubmitState, VideoRecord

__all__ = ["CLIP", "Engine", "Events", "World", "png"]

_API_VERSION = "2025-01-05"
CLIP = bytes(range(256)) * 40
CATALOGUE = """
default_model: sora-2
prefixes: {openai: any, azure: any, studio: [runway], elsewhere: [azure-sora-1]}
models:
  sora-2:
    aliases: [azure-sora-2]
    deployments:
      - name: first
        provider: azure-sora-2
        endpoint: https://first.example
        deployment: sora-2
        sizes: [720x1280, 1280x720]
        seconds: [4, 8, 12]
        extension_seconds: [4, 8, 16]
        max_extended_seconds: 20
        prices: {default: 0.10}
  plain:
    deployments:
      - name: plain
        provider: azure-sora-2
        endpoint: https://plain.example
        deployment: plain
        sizes: [720x1280]
        seconds: [4]
        operations: [create]
        reference: null
        max_prompt_characters: 20
        prices: {default: 0.10}
  files:
    deployments:
      - name: files
        provider: azure-sora-2
        endpoint: https://files.example
        deployment: files
        sizes: [720x1280]
        seconds: [4]
        takes_video_files: true
        characters: true
        prices: {default: 0.10}
  able:
    aliases: [studio/able-1]
    deployments:
      - name: able
        provider: runway
        endpoint: https://able.example
        deployment: able-upstream
        credential: api-key
        api_key: key
        sizes: [1280x720, 720x1280]
        seconds: [5, 10]
        variants: [video]
        operations: [create]
        last_frame: true
        max_references: 2
        seed: true
        negative_prompt: true
        sound: chosen
        takes_options: true
        prices: {default: 0.2, 720x1280: 0.3}
        silent_prices: {720x1280: 0.1}
  sora:
    aliases: [sora-1]
    deployments:
      - name: jobs
        provider: azure-sora-1
        endpoint: https://jobs.example
        deployment: sora
        sizes: [480x480, 1280x720, 1920x1080]
        seconds: {from: 1, to: 20, default: 5}
        variants: [video, thumbnail]
        operations: [create]
        n_variants: {default: 4, 1280x720: 2, 1920x1080: 1}
        inpaint: {max_images: 2, max_videos: 1, max_video_seconds: 5}
        prices: null
"""


def png(width: int = 64, height: int = 36) -> bytes:
    """A small picture."""
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), "teal").save(buffer, "PNG")
    return buffer.getvalue()


class Token:
    """A credential whose token is accepted by nobody."""

    async def get_token_info(self, *scopes: str, **_: Any) -> AccessTokenInfo:
        return AccessTokenInfo("token", int(time.time()) + 3600)

    async def close(self) -> None:
        """Nothing is open."""


class Engine:
    """``Orchestrations`` that notes what it is asked to do."""

    def __init__(self) -> None:
        self.started: list[str] = []
        self.woken: list[tuple[str, str]] = []
        self.fault: Exception | None = None

    async def start(self, name: str, instance_id: str, payload: Mapping[str, Any]) -> None:
        if self.fault is not None:
            raise self.fault
        self.started.append(instance_id)

    async def raise_event(self, instance_id: str, event: str) -> None:
        if self.fault is not None:
            raise self.fault
        self.woken.append((instance_id, event))

    async def state(self, instance_id: str) -> InstanceState:
        known = instance_id in self.started
        return InstanceState.RUNNING if known else InstanceState.MISSING

    async def release_quota(self, deployment: str, video_id: str) -> None:
        """Nothing holds any."""

    async def lane(self, deployment: str) -> Mapping[str, Any] | None:
        return None

    async def purge_finished(self, before: object) -> int:
        return 0

    def check_status(self, instance_id: str) -> Mapping[str, str]:
        return {"id": instance_id, "statusQueryGetUri": f"https://hub.example/{instance_id}"}


class Events:
    """A ``Sink`` that keeps what it took, or raises ``fault``."""

    def __init__(self) -> None:
        self.taken: list[CloudEvent[Any]] = []
        self.fault: Exception | None = None

    async def publish(self, event: CloudEvent[Any]) -> None:
        if self.fault is not None:
            raise self.fault
        self.taken.append(event)

    @property
    def last(self) -> dict[str, Any]:
        """The data of the newest event."""
        data: dict[str, Any] | None = self.taken[-1].data
        assert data is not None
        return data

    def types(self, video_id: str) -> list[str]:
        """The types of a video's events, without their prefix."""
        mine = [event for event in self.taken if event.subject == f"/videos/{video_id}"]
        return [event.type.removeprefix("dailies.video.") for event in mine]


@functools.cache
def _app() -> FastAPI:
    """The app, which knows nothing of a world but what each request brings. Its routes are put
    together when one is first asked for, which takes a second and more: once is enough."""
    return create_app()


class World:
    """One app with owners of its own; ``alice`` and ``bob`` are clients with their keys."""

    def __init__(
        self, storage: str, *, key_limits: Mapping[str, str] | None = None, **settings: Any
    ) -> None:
        self._key_limits = key_limits or {}
        mark = secrets.token_hex(6)
        self.owners = {name: f"{name}-{mark}" for name in ("alice", "bob", "admin")}
        self.keys = {name: f"key-{name}-{mark}" for name in self.owners}
        self.now = 1_795_262_400.0
        self.engine = Engine()
        self.events = Events()
        self.doubts: tuple[str, ...] = ()
        environ = {
            "VideoStorage": storage,
            "AZURE_OPENAI_ENDPOINT": "https://first.example",
            "DAILIES_API_KEYS": self._hashed("alice", "bob"),
            "DAILIES_ADMIN_KEYS": self._hashed("admin"),
            **{name: str(value) for name, value in settings.items()},
        }
        settings_ = Settings.load(environ)
        catalogue = Catalogue.parse(CATALOGUE, {}, check=check_deployment())
        self._blobs = BlobServiceClient.from_connection_string(storage, api_version=_API_VERSION)
        self.table_requests = 0
        self.tables = TableServiceClient.from_connection_string(
            storage, raw_response_hook=self._count
        )
        records = RecordStore(self.tables)
        self.upstream: list[httpx.Request] = []
        self.answers: list[httpx.Response] = []
        self._providers = Providers(
            catalogue, lambda: Token(), transport=httpx.MockTransport(self._provider)
        )
        self._files = FileStore(
            self._blobs,
            videos_container=settings_.videos_container,
            references_container=settings_.references_container,
            account_key=self._blobs.credential.account_key,
        )
        self.poster = WebhookPoster(private_hosts=settings_.webhook_hosts)
        self.services = Services(
            settings=settings_,
            catalogue=catalogue,
            records=records,
            claims=ClaimStore(self.tables),
            drops=DropStore(self.tables, settings_.references_container),
            batches=BatchStore(self.tables),
            tombstones=TombstoneStore(self.tables, records),
            characters=CharacterStore(self.tables),
            health=HealthStore(self.tables),
            keys=KeyStore(self.tables),
            rates=RateStore(self.tables),
            files=self._files,
            fetcher=ReferenceFetcher(max_bytes=settings_.max_reference_bytes),
            events=self.events,
            providers=self._providers,
            webhooks=WebhookStore(self.tables),
            deliveries=DeliveryStore(self.tables),
            poster=self.poster,
            followers=Followers(records, most=20, clock=lambda: self.now),
            clock=lambda: self.now,
        )
        self.app = _app()
        self.alice = self.client(self.keys["alice"])
        self.bob = self.client(self.keys["bob"])
        self.admin = self.client(self.keys["admin"])
        self.anonymous = self.client(None)

    async def __aenter__(self) -> Self:
        # Worlds share an account, and their deployments have the same names.
        table = self.tables.get_table_client(DEPLOYMENTS)
        async for row in table.list_entities():
            await table.delete_entity(row["PartitionKey"], row["RowKey"])
        return self

    async def __aexit__(self, *exc: object) -> None:
        for client in (self.alice, self.bob, self.admin, self.anonymous):
            await client.aclose()
        await self._providers.close()
        await self._blobs.close()
        await self.tables.close()

    def another_instance(self) -> httpx.AsyncClient:
        """A client of alice's to an instance of the app that shares nothing with this one but
        storage."""
        other = copy.copy(self)
        other.services = replace(self.services, records=RecordStore(self.tables), room=Room())
        return other.client(self.keys["alice"])

    async def finished(
        self,
        *,
        model: str = "sora-2",
        deployment: str = "first",
        owner: str = "alice",
        expires_in: float | None = 86_400,
        content: bytes = CLIP,
    ) -> str:
        """A completed video of alice's, with its file in storage; its id."""
        client = self.alice if owner == "alice" else self.bob
        answer = await client.post("/v1/videos", json={"prompt": "a pier", "model": model})
        assert answer.status_code == 200, answer.text
        video_id = str(answer.json()["id"])
        files: dict[Variant, StoredFile] = {}
        for variant, name, kind in (
            (Variant.VIDEO, "video.mp4", "video/mp4"),
            (Variant.THUMBNAIL, "thumbnail.webp", "image/webp"),
        ):
            files[variant] = await self.services.files.put(
                f"{video_id}/{name}", content, content_type=kind
            )
        await self.change(
            video_id,
            owner=owner,
            phase=Phase.DONE,
            progress=100,
            completed_at=self.now,
            files=files,
            cost_usd=0.4,
            submit=SubmitState(deployment=deployment, job_id="job-1", submitted_at=self.now),
            upstream_expires_at=None if expires_in is None else self.now + expires_in,
        )
        return video_id

    async def failed(self, code: str = "moderation_blocked") -> str:
        """A failed video of alice's; its id."""
        answer = await self.alice.post("/v1/videos", json={"prompt": "a pier"})
        video_id = str(answer.json()["id"])
        await self.services.records.update(
            self.owners["alice"],
            video_id,
            lambda record: record.failed(VideoError(code, "It was blocked."), self.now),
        )
        return video_id

    async def change(self, video_id: str, *, owner: str = "alice", **changes: Any) -> VideoRecord:
        """Set fields of a record."""
        changed = await self.services.records.update(
            self.owners[owner], video_id, lambda record: record.model_copy(update=changes)
        )
        assert changed is not None
        return changed

    @property
    def official(self) -> openai.AsyncOpenAI:
        """The official client, with alice's key."""
        transport: Any = self.alice  # it is declared to take that of another major version
        return openai.AsyncOpenAI(
            base_url="http://dailies.test/v1", api_key=self.keys["alice"], http_client=transport
        )

    async def record(self, video_id: str) -> VideoRecord | None:
        """Alice's record as it is now."""
        return await self.services.records.get(self.owners["alice"], video_id)

    @property
    def videos(self) -> ContainerClient:
        """The container of finished videos."""
        return self._files.videos

    async def blobs(self, video_id: str) -> list[str]:
        """The names of a video's files."""
        container = self._files.videos
        return [name async for name in container.list_blob_names(name_starts_with=video_id)]

    def _count(self, _response: object) -> None:
        self.table_requests += 1

    async def _provider(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        self.upstream.append(request)
        return self.answers.pop(0)

    def _hashed(self, *names: str) -> str:
        digests = {n: hashlib.sha256(self.keys[n].encode()).hexdigest() for n in names}
        return ",".join(
            f"{self.owners[name]}=sha256:{digests[name]}{self._key_limits.get(name, '')}"
            for name in names
        )

    def client(self, key: str | None) -> httpx.AsyncClient:
        """A client with a key, or without one."""

        async def serve(scope: Any, receive: Any, send: Any) -> None:
            context = Context(self.services, self.engine, lambda: self.doubts)
            state = {"dailies": lambda: context}
            await self.app({**scope, "state": state}, receive, send)

        return httpx.AsyncClient(
            transport=httpx.ASGITransport(serve, raise_app_exceptions=True),
            base_url="http://dailies.test",
            headers={"Authorization": f"Bearer {key}"} if key else {},
        )
