"""All that the pipeline stands on, in memory, with a clock that the tests move."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from azure.core.messaging import CloudEvent
from azure.data.tables.aio import TableServiceClient

from dailies.catalogue import Catalogue
from dailies.engine import VideoRef
from dailies.net.fetching import ReferenceFetcher
from dailies.providers.registry import check_deployment
from dailies.services import Services
from dailies.settings import Settings
from dailies.stores.batches import BatchStore
from dailies.stores.characters import CharacterStore
from dailies.stores.claims import ClaimStore
from dailies.stores.deliveries import DeliveryStore
from dailies.stores.drops import DropStore
from dailies.stores.followers import Followers
from dailies.stores.health import HealthStore
from dailies.stores.keys import KeyStore
from dailies.stores.rates import RateStore
from dailies.stores.records import RecordStore
from dailies.stores.tombstones import TombstoneStore
from dailies.stores.webhooks import WebhookStore
from dailies.video.basics import Size, new_id
from dailies.video.record import VideoRecord, VideoRequest
from tests.unit.pipeline.memory import MemoryFiles, MemoryTables, Point, no_point
from tests.unit.pipeline.provider import FakeProvider
from tests.unit.pipeline.receiver import Receivers

__all__ = ["CATALOGUE", "OWNER", "START", "Events", "World", "ref"]

START = 1_795_262_400.0
OWNER = "alice"
CATALOGUE = """
default_model: sora-2
models:
  sora-2:
    fallbacks: [spare]
    deployments:
      - name: first
        provider: azure-sora-2
        endpoint: https://first.example
        deployment: sora-2
        sizes: [720x1280, 1280x720]
        seconds: [4, 8, 12]
        prices: {default: 0.10}
        quota: {requests_per_minute: 2, concurrent: 2}
  spare:
    deployments:
      - name: second
        provider: azure-sora-2
        endpoint: https://second.example
        deployment: sora-2-spare
        sizes: [720x1280, 1280x720]
        seconds: [4, 8, 12]
        prices: {default: 0.20}
"""


class Events:
    """A ``Sink`` that keeps what it took; ``failures`` are raised first."""

    def __init__(self, point: Point = no_point) -> None:
        self.point = point
        self.taken: list[CloudEvent[Any]] = []
        self.failures: list[Exception] = []

    async def publish(self, event: CloudEvent[Any]) -> None:
        await self.point("publish begins")
        if self.failures:
            raise self.failures.pop(0)
        self.taken.append(event)
        await self.point("publish ended")

    @property
    def ids(self) -> list[str]:
        return [event.id for event in self.taken]


class World:
    """The services, their stand-ins, and a clock."""

    def __init__(
        self, point: Point = no_point, *, catalogue: str = CATALOGUE, **settings: Any
    ) -> None:
        self.now = START
        self.tables = MemoryTables(point)
        self.files = MemoryFiles(point, self.clock)
        self.events = Events(point)
        self.provider = FakeProvider(self.clock, point)
        self.receivers = Receivers(self.clock, point)
        service = cast(TableServiceClient, self.tables)
        connection = {"VideoStorage": "UseDevelopmentStorage=true"}
        records = RecordStore(service)
        self.services = Services(
            settings=Settings.model_validate({**connection, **settings}),
            catalogue=Catalogue.parse(catalogue, {}, check=check_deployment()),
            records=records,
            claims=ClaimStore(service),
            drops=DropStore(service, "references"),
            batches=BatchStore(service),
            tombstones=TombstoneStore(service, records),
            characters=CharacterStore(service),
            health=HealthStore(service),
            keys=KeyStore(service),
            rates=RateStore(service),
            fetcher=ReferenceFetcher(max_bytes=1024**2),
            files=self.files,
            events=self.events,
            providers=self.provider,
            webhooks=WebhookStore(service),
            deliveries=DeliveryStore(service),
            poster=self.receivers,
            followers=Followers(records, most=20, clock=self.clock),
            clock=self.clock,
        )

    def clock(self) -> float:
        return self.now

    def go_wrong(self, point: Point) -> None:
        """From now on every call passes through ``point``."""
        self.tables.point = self.files.point = self.events.point = self.provider.point = point
        self.receivers.point = point

    async def accepted(self, prompt: str = "A pier at dawn", **changes: Any) -> VideoRecord:
        """A video whose record is written."""
        request = VideoRequest(model="sora-2", prompt=prompt, seconds=4, size=Size(720, 1280))
        record = VideoRecord(
            id=new_id(self.now), owner=OWNER, created_at=self.now, request=request
        ).model_copy(update=changes)
        return await self.services.records.insert(record)

    async def record(self, video_id: str) -> VideoRecord:
        """The record as it is now, whatever goes wrong elsewhere."""
        point, self.tables.point = self.tables.point, no_point
        record = await self.services.records.get(OWNER, video_id)
        self.tables.point = point
        assert record is not None
        return record

    async def jobs_of(self, videos: Sequence[VideoRecord]) -> list[str | None]:
        """The upstream job of each video."""
        return [(await self.record(video.id)).submit.job_id for video in videos]


def ref(record: VideoRecord, **extra: Any) -> Any:
    """The video as an activity gets it."""
    video: VideoRef = {"id": record.id, "owner": record.owner}
    return {**video, **extra}
