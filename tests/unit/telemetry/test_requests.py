"""A request's span, and the trace that its video gets."""

from __future__ import annotations

import hashlib
from typing import Any, cast

import httpx
import pytest
from opentelemetry.trace import SpanKind

from dailies.api.app import create_app
from dailies.api.context import Context
from dailies.engine import Orchestrations
from dailies.telemetry import tracecontext
from dailies.telemetry.spans import RequestTrace
from dailies.video.record import VideoRecord
from tests.unit.pipeline.world import World
from tests.unit.telemetry.conftest import Seen, parent_id, span_id, trace_id

TRACE = "0af7651916cd43dd8448eb211c80319c"
CALLER = f"00-{TRACE}-b7ad6b7169203331-01"
KEY = "k" * 32
HASHED = f"alice=sha256:{hashlib.sha256(KEY.encode()).hexdigest()}"
BODY = {"model": "sora-2", "prompt": "A private pier", "seconds": "4"}


class Engine:
    """Notes in which trace each orchestration is started."""

    def __init__(self) -> None:
        self.started: dict[str, str | None] = {}
        self.inputs: list[Any] = []

    async def start(self, name: str, instance_id: str, payload: Any) -> None:
        self.started[instance_id] = tracecontext.current()
        self.inputs.append(payload)


class Api:
    """The API over a world in memory; requests are part of ``trace``."""

    def __init__(self, trace: RequestTrace | None) -> None:
        self.world = World(DAILIES_API_KEYS=HASHED)
        self.engine = Engine()
        app = create_app()

        async def serve(scope: Any, receive: Any, send: Any) -> None:
            context = Context(self.world.services, cast(Orchestrations, self.engine))
            state = {"dailies": lambda: context, RequestTrace.KEY: trace}
            await app({**scope, "state": state}, receive, send)

        self.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(serve),
            base_url="http://dailies.test",
            headers={"Authorization": f"Bearer {KEY}"},
        )

    async def create(self, **headers: str) -> VideoRecord:
        answer = await self.client.post("/v1/videos", json=BODY, headers=headers)
        assert answer.status_code == 200, answer.text
        record = await self.world.services.records.get("alice", answer.json()["id"])
        assert record is not None
        return record


async def test_a_videos_trace_starts_in_the_span_of_its_request(seen: Seen) -> None:
    api = Api(RequestTrace(CALLER))
    record = await api.create()
    (made,) = seen.spans
    assert (made.kind, trace_id(made), parent_id(made)) == (
        SpanKind.SERVER,
        TRACE,
        "b7ad6b7169203331",
    )
    assert made.attributes is not None
    assert made.attributes["dailies.video.id"] == record.id
    assert "private" not in str(made.to_json())
    starting = f"00-{TRACE}-{span_id(made)}-01"
    assert record.traceparent == starting
    assert api.engine.started == {record.id: starting}
    assert api.engine.inputs[0]["traceparent"] == starting


async def test_without_telemetry_the_callers_trace_is_the_videos() -> None:
    api = Api(None)
    record = await api.create(traceparent=CALLER)
    assert record.traceparent == CALLER
    assert api.engine.started == {record.id: CALLER}


@pytest.mark.parametrize("header", ["", "nonsense", "00-" + "0" * 32 + "-" + "1" * 16 + "-01"])
async def test_a_video_without_a_callers_trace_gets_its_own(header: str) -> None:
    api = Api(None)
    record = await api.create(traceparent=header)
    assert tracecontext.trace_id_of(record.traceparent) is not None
    assert api.engine.started == {record.id: record.traceparent}


async def test_a_refused_request_names_no_path_and_health_is_not_traced(seen: Seen) -> None:
    api = Api(None)
    headers = {"Authorization": "Bearer wrong"}
    await api.client.get("/v1/videos/video_my-secret", headers=headers)
    await api.client.get("/health")
    (made,) = seen.spans
    assert made.attributes is not None
    assert made.attributes["http.response.status_code"] == 401
    assert "my-secret" not in str(made.to_json())
