"""Puts the services together. ``build`` opens the state; ``start`` and ``close`` bracket a run."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from local.services.clock import Clock
from local.services.content_safety.routes import ContentSafety
from local.services.database import Database
from local.services.errors import ServiceError, answer_routing_error, answer_service_error
from local.services.fault_middleware import FaultMiddleware, RequestCounter
from local.services.faults import Faults
from local.services.identity import IdentityEndpoint, Tokens
from local.services.inspection import Inspection
from local.services.jobs import JobStore
from local.services.management import Management
from local.services.media.encode import MediaFiles, encode
from local.services.media.library import Encoder, MediaLibrary
from local.services.media.spec import VideoSpec
from local.services.settings import Options, Settings
from local.services.sora1.routes import Sora1
from local.services.sora1.wire import job_of_generation
from local.services.sora2.characters import Characters
from local.services.sora2.routes import Sora2
from local.services.storage.system_topic import SystemTopic
from local.services.studio import Studio
from local.services.telemetry import Telemetry
from local.services.topics.delivery import ANSWER_TIMEOUT, Deliverer
from local.services.topics.routes import Topics
from local.services.topics.schemas import CloudEventSchema
from local.services.topics.store import TopicStore
from local.services.upstreams import key_of, known_upstreams
from local.services.upstreams.calling import Calling
from local.services.visitors import NoPages


def _subscriber_client() -> httpx.AsyncClient:
    return httpx.AsyncClient(timeout=ANSWER_TIMEOUT, trust_env=False)


@dataclass
class Services:
    """The running parts and the ASGI application over them."""

    app: ASGIApp
    clock: Clock
    database: Database
    library: MediaLibrary
    studio: Studio
    faults: Faults
    deliverer: Deliverer
    subscribers: tuple[str, ...]
    system_topic: SystemTopic | None
    calling: Calling

    def start(self) -> None:
        """Begin what runs in the background; call it inside the event loop."""
        self.studio.resume()
        self.deliverer.start(self.subscribers)
        self.calling.start()
        if self.system_topic is not None:
            self.system_topic.start()

    async def close(self) -> None:
        """Let go of held requests, stop the background and close the files."""
        self.faults.clear()
        if self.system_topic is not None:
            await self.system_topic.close()
        await self.deliverer.close()
        await self.calling.close()
        await self.library.close()
        self.database.close()


def _encoder(settings: Settings) -> Encoder:
    def make(
        spec: VideoSpec,
        files: MediaFiles,
        find: Callable[[str], Path],
        cancelled: Callable[[], bool],
    ) -> None:
        encode(spec, files, find, cancelled, few_frames=settings.few_frames)

    return make


def build(
    options: Options,
    now: Callable[[], float] = time.time,
    subscriber_client: Callable[[], httpx.AsyncClient] = _subscriber_client,
    encoder: Encoder | None = None,
) -> Services:
    """Open the state directory and wire everything; ``now`` is the real clock in Unix seconds."""
    options.state_dir.mkdir(parents=True, exist_ok=True)
    database = Database(options.state_dir / "services.sqlite")
    clock = Clock(database, options.speed, now)
    settings = options.settings
    tokens = Tokens(options.state_dir, settings, clock.now)
    identity = IdentityEndpoint(tokens, options.identity_header)
    library = MediaLibrary(options.state_dir / "media", encoder or _encoder(settings))
    store = JobStore(database, clock)
    studio = Studio(store, clock, library, settings, tokens, options.sora_api_key)
    topic_store = TopicStore(database, clock)
    deliverer = Deliverer(topic_store, clock, subscriber_client, CloudEventSchema())
    system_topic = None
    if options.storage is not None:
        storage = Database(options.state_dir / "storage.sqlite")
        system_topic = SystemTopic(options.storage, settings, storage, clock, subscriber_client)
    key = key_of(options.identity_header)
    upstreams = [upstream(studio, key) for upstream in known_upstreams()]
    upstream_routes = [route for upstream in upstreams for route in upstream.all_routes()]
    faults, counter = Faults(), RequestCounter()
    inspection = Inspection(studio, identity, faults, counter, topic_store, deliverer, system_topic)
    starlette = Starlette(
        routes=[
            *identity.routes(),
            *Sora2(studio, Characters(studio, database)).routes(),
            *Sora1(studio).routes(),
            *upstream_routes,
            *Topics(topic_store, deliverer, tokens, options.topic_key).routes(),
            *ContentSafety(tokens).routes(),
            *Management(tokens, settings, options.port, options.tls_port).routes(),
            *inspection.routes(),
            *Telemetry(expected=options.telemetry).routes(),
        ],
        exception_handlers={
            ServiceError: answer_service_error,
            HTTPException: answer_routing_error,
        },
    )

    def prompt_of(job_id: str) -> str | None:
        generation = job_of_generation(job_id)
        job = store.get(generation[0] if generation else job_id)
        return None if job is None else job.prompt

    return Services(
        app=NoPages(FaultMiddleware(starlette, faults, counter, prompt_of, upstream_routes)),
        clock=clock,
        database=database,
        library=library,
        studio=studio,
        faults=faults,
        deliverer=deliverer,
        subscribers=options.subscribers,
        system_topic=system_topic,
        calling=Calling(upstreams, store, database, clock, subscriber_client),
    )
