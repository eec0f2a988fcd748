"""All that the app talks to, built once in a process from its settings."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Protocol

from azure.core.credentials import AzureKeyCredential
from azure.core.credentials_async import AsyncTokenCredential
from azure.core.messaging import CloudEvent
from azure.data.tables.aio import TableServiceClient
from azure.storage.blob.aio import BlobServiceClient, ContainerClient

from dailies.announce.doorbell import Doorbell
from dailies.announce.events import EventPublisher
from dailies.catalogue import Catalogue, Deployment
from dailies.guards.panel import Guards
from dailies.guards.setup import guards_of
from dailies.net.fetching import ReferenceFetcher
from dailies.net.posting import WebhookPoster
from dailies.providers.azure_auth import azure_credential
from dailies.providers.azure_lifecycle import AzureLifecycle
from dailies.providers.base import VideoProvider
from dailies.providers.declaration import Recovery
from dailies.providers.registry import Providers, check_deployment
from dailies.settings import Settings
from dailies.stores.batches import BatchStore
from dailies.stores.characters import CharacterStore
from dailies.stores.claims import ClaimStore
from dailies.stores.deliveries import DeliveryStore
from dailies.stores.drops import DropStore
from dailies.stores.files import BlobInfo, FileStore
from dailies.stores.followers import Followers
from dailies.stores.health import HealthStore
from dailies.stores.keys import KeyStore
from dailies.stores.rates import RateStore
from dailies.stores.readings import Readings
from dailies.stores.records import RecordStore
from dailies.stores.room import Room
from dailies.stores.tombstones import TombstoneStore
from dailies.stores.webhooks import WebhookStore
from dailies.threads import Pool
from dailies.video.errors import SettingsError
from dailies.video.request import StoredFile

__all__ = [
    "Adapters",
    "Files",
    "Services",
    "Sink",
    "Waits",
    "storage_clients",
    "transport_of",
]

# The storage SDK sends the newest API version that it knows; this one is known everywhere,
# emulators included, and has all that is used here.
_STORAGE_API_VERSION = "2025-01-05"
# Without these the SDK reads up to 32 MiB at once, whatever piece of a blob is asked for. Bytes.
_PIECES: dict[str, Any] = {"max_single_get_size": 1024**2, "max_chunk_get_size": 1024**2}
# The SDKs would try for minutes by themselves; here a caller gets a 503 in time, and an
# orchestration tries again by itself. Seconds.
_PATIENCE: dict[str, Any] = {"retry_total": 2, "connection_timeout": 4, "read_timeout": 20}
# Storage gives each request an id of its own; one more costs a hundredth of a retrieve.
_TABLES: dict[str, Any] = {**_PATIENCE, "auto_request_id": False}
# The Blob SDK's first pause is 15 seconds unless it is told.
_BLOB_PATIENCE: dict[str, Any] = {**_PATIENCE, "initial_backoff": 1, "increment_base": 2}
_PROXY_VARIABLES = ("http_proxy", "https_proxy", "all_proxy")
# One picture at a time: a second thread would finish no sooner, as decoding keeps a processor busy,
# but need as much memory again. A picture takes seconds at most; the rest is for those before it.
_PICTURE_SECONDS = 120
# The same holds of videos that are looked into, which may take longer than a picture.
_FOOTAGE_SECONDS = 120
# Batches are checked one after the other, each for some seconds.
_BATCH_SECONDS = 120
# A host runs few activities at once, and other videos need theirs: an image that a shot names may
# take a minute to come.
_BATCHES_AT_ONCE = 2


class Files(Protocol):
    """The files of videos and the container of dropped references; see ``FileStore``."""

    @property
    def references(self) -> ContainerClient:
        """The container that images are dropped into."""
        ...

    async def store(
        self, name: str, chunks: AsyncIterator[bytes], *, content_type: str, length: int | None
    ) -> StoredFile:
        """Stream a file in; it is there whole or not at all."""
        ...

    async def put(self, name: str, data: bytes, *, content_type: str) -> StoredFile:
        """Store a small file."""
        ...

    async def put_json(self, name: str, document: Mapping[str, Any]) -> StoredFile:
        """Store a document as JSON."""
        ...

    async def read(self, name: str, *, max_bytes: int) -> bytes | None:
        """A file, at most ``max_bytes`` of it; None when it is not there."""
        ...

    def stream(self, name: str) -> AsyncIterator[bytes]:
        """A file from its beginning."""
        ...

    async def open_range(self, name: str, *, offset: int, length: int) -> AsyncIterator[bytes]:
        """``length`` bytes of a file from ``offset``."""
        ...

    async def describe(self, name: str) -> BlobInfo | None:
        """What is known of a file; None when it is not there."""
        ...

    async def delete(self, name: str) -> bool:
        """Delete one file; False when it is not there."""
        ...

    async def delete_folder(self, prefix: str) -> int:
        """Delete every file below ``prefix``; gives their number."""
        ...

    def url(self, name: str) -> str:
        """The address of a file; it holds no token."""
        ...

    async def link(
        self, file: StoredFile, *, seconds: int, filename: str, save: bool = False
    ) -> str:
        """A read-only link that ends after ``seconds``; with ``save`` a browser saves the file."""
        ...


class Sink(Protocol):
    """Where events go; see ``EventPublisher``."""

    async def publish(self, event: CloudEvent[Any]) -> None:
        """Hand over one event. An error means: hand the same event over again."""
        ...


class Adapters(Protocol):
    """From deployments to their adapters; see ``Providers``."""

    def adapter(self, deployment: Deployment) -> VideoProvider:
        """The adapter that speaks to ``deployment``."""
        ...

    def recovery(self, deployment: Deployment) -> Recovery:
        """How an unknown outcome of a create can be cleared up there."""
        ...

    def calls_back(self, deployment: Deployment) -> bool:
        """Whether the provider calls an address of ours about its jobs."""
        ...


class Lifecycles(Protocol):
    """When providers retire what they offer."""

    async def read(self) -> Lifecycle:
        """What is known now.

        Raises:
            azure.core.exceptions.AzureError: nobody answers.
        """
        ...


class Lifecycle(Protocol):
    """What a provider told of the days on which its deployments retire."""

    def retires(self, deployment: Deployment) -> date | None:
        """The day from which a deployment is gone, where one is known."""
        ...


class Waits:
    """How long it was, when that was last heard, until a deployment had a place for a video."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}

    def seconds(self, deployment: str) -> float | None:
        """None while nobody knows."""
        return self._seconds.get(deployment)

    def heard(self, deployment: str, seconds: float) -> None:
        """What was heard before is forgotten."""
        self._seconds[deployment] = seconds


@dataclass(frozen=True, slots=True)
class Services:
    """The parts of the app, ready for use.

    Attributes:
        lifecycles: who can be asked when deployments retire; None for nobody.
        waits: what is known of the lines at deployments.
        followers: who follows videos as they come along.
        webhooks: those of owners; deliveries: what is sent to any; poster: who sends it.
        doorbell: rung when deliveries are due.
        clock: gives Unix seconds.
        readings: what is read for many requests at once.
        guards: who looks at what is asked for, and at what has become of it.
        pictures: the thread that pictures are decoded in.
        footage: the thread that finished videos are decoded in.
        checks: the thread that the lines of batches are looked at in.
        documents: places for batches that are read whole; no thread of it is ever used.
        feeding: for batches that begin videos at this moment.
    """

    settings: Settings
    catalogue: Catalogue
    records: RecordStore
    claims: ClaimStore
    drops: DropStore
    batches: BatchStore
    tombstones: TombstoneStore
    characters: CharacterStore
    health: HealthStore
    keys: KeyStore
    rates: RateStore
    files: Files
    fetcher: ReferenceFetcher
    events: Sink
    providers: Adapters
    followers: Followers
    webhooks: WebhookStore
    deliveries: DeliveryStore
    poster: WebhookPoster
    doorbell: Doorbell = field(default_factory=Doorbell)
    lifecycles: Lifecycles | None = None
    waits: Waits = field(default_factory=Waits)
    clock: Callable[[], float] = time.time
    room: Room = field(default_factory=Room)
    readings: Readings = field(default_factory=Readings)
    guards: Guards = field(default_factory=Guards)
    pictures: Pool = field(
        default_factory=lambda: Pool("pictures", threads=1, seconds=_PICTURE_SECONDS)
    )
    footage: Pool = field(
        default_factory=lambda: Pool("footage", threads=1, seconds=_FOOTAGE_SECONDS)
    )
    feeding: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_BATCHES_AT_ONCE))
    checks: Pool = field(default_factory=lambda: Pool("checks", threads=1, seconds=_BATCH_SECONDS))
    documents: Pool = field(
        default_factory=lambda: Pool("documents", threads=1, seconds=_BATCH_SECONDS)
    )

    @classmethod
    def build(cls, environ: Mapping[str, str]) -> Services:
        """Read the settings and the catalogue and build the clients; nothing is contacted yet.

        Raises:
            SettingsError: naming every setting that is wrong.
        """
        settings = Settings.load(environ)
        catalogue = Catalogue.load(
            settings.catalogue_path,
            environ,
            check=check_deployment(settings.provider_packages),
            private_hosts=settings.private_hosts,
        )
        # Cheap to build: nothing is asked of it before the first call that needs a token.
        credential = azure_credential(settings.client_id, environ)
        transport = transport_of(environ)
        blobs, tables, account_key = storage_clients(settings, credential, transport)
        records = RecordStore(tables)
        return cls(
            settings=settings,
            catalogue=catalogue,
            records=records,
            claims=ClaimStore(tables),
            drops=DropStore(tables, settings.references_container),
            batches=BatchStore(tables),
            tombstones=TombstoneStore(tables, records),
            characters=CharacterStore(tables),
            health=HealthStore(tables),
            keys=KeyStore(tables),
            rates=RateStore(tables),
            files=FileStore(
                blobs,
                videos_container=settings.videos_container,
                references_container=settings.references_container,
                account_key=account_key,
            ),
            fetcher=ReferenceFetcher(max_bytes=settings.max_reference_bytes),
            events=EventPublisher(
                settings.topic_endpoint, _topic_credential(settings, credential), **transport
            ),
            followers=Followers(records, most=settings.max_streams),
            webhooks=WebhookStore(tables),
            deliveries=DeliveryStore(tables),
            poster=WebhookPoster(private_hosts=settings.webhook_hosts),
            providers=Providers(catalogue, lambda: credential, packages=settings.provider_packages),
            lifecycles=_lifecycles(settings, credential),
            guards=guards_of(settings, credential, **transport),
        )


def _lifecycles(settings: Settings, credential: AsyncTokenCredential) -> AzureLifecycle | None:
    account = settings.azure_openai_account
    if account is None:
        return None
    return AzureLifecycle(account, settings.azure_management, credential)


def transport_of(environ: Mapping[str, str]) -> dict[str, Any]:
    """How the clients of Azure's services send: through the environment's proxy, if it names one.

    Where it names none it is not asked: before each request, aiohttp would look there for a proxy
    and in the home folder for a ``.netrc``, in a thread, which takes a sixth of a worker's time.
    """
    given = {name.lower() for name, value in environ.items() if value}
    return {"use_env_settings": not given.isdisjoint(_PROXY_VARIABLES)}


def _topic_credential(
    settings: Settings, credential: AsyncTokenCredential
) -> AsyncTokenCredential | AzureKeyCredential:
    if settings.topic_key is not None:
        return AzureKeyCredential(settings.topic_key.get_secret_value())
    return credential


def storage_clients(
    settings: Settings, credential: AsyncTokenCredential, transport: Mapping[str, Any]
) -> tuple[BlobServiceClient, TableServiceClient, str | None]:
    """Blob and table clients, and the account's key where a connection string holds one."""
    if settings.storage_connection_string is not None:
        text = settings.storage_connection_string.get_secret_value()
        try:
            blobs = BlobServiceClient.from_connection_string(
                text, api_version=_STORAGE_API_VERSION, **_BLOB_PATIENCE, **_PIECES, **transport
            )
            tables = TableServiceClient.from_connection_string(text, **_TABLES, **transport)
        except ValueError:  # its words may repeat the string, which holds a key
            raise SettingsError(
                [
                    "VideoStorage: this is no connection string of a storage account; copy it from "
                    "the account's access keys, or use VideoStorage__blobServiceUri and "
                    "VideoStorage__tableServiceUri"
                ]
            ) from None
        key = getattr(blobs.credential, "account_key", None)
        return blobs, tables, key
    assert settings.storage_blob_uri is not None  # noqa: S101 - checked by Settings
    assert settings.storage_table_uri is not None  # noqa: S101
    return (
        BlobServiceClient(
            settings.storage_blob_uri,
            credential,
            api_version=_STORAGE_API_VERSION,
            **_BLOB_PATIENCE,
            **_PIECES,
            **transport,
        ),
        TableServiceClient(
            endpoint=settings.storage_table_uri, credential=credential, **_TABLES, **transport
        ),
        None,
    )
