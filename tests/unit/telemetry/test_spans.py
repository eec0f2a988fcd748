"""The spans of a video's way, and what they never tell."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from azure.core.messaging import CloudEvent
from opentelemetry.trace import SpanKind, StatusCode

from dailies.announce.events import EventPublisher, EventType, video_event
from dailies.engine import Step, VideoRef, stop, wait
from dailies.pipeline.archive import archive_video
from dailies.pipeline.check import check_video
from dailies.pipeline.finish import finish_video
from dailies.pipeline.spans import end_step, step_span
from dailies.pipeline.submit import submit_video
from dailies.providers.classify import Call, CallContext
from dailies.providers.wire import Reply, Wire
from dailies.telemetry import spans, tracecontext
from dailies.video.basics import VideoError
from tests.unit.pipeline.world import World
from tests.unit.telemetry.conftest import Seen, parent_id, span_id, trace_id

TRACE = "0af7651916cd43dd8448eb211c80319c"
STARTING = f"00-{TRACE}-b7ad6b7169203331-01"
SECRET = "a very private lighthouse"
VIDEO: VideoRef = {"id": "video_1", "owner": "alice", "traceparent": STARTING, "attempt": 3}


def _all(seen: Seen) -> str:
    """Everything that was exported, as text."""
    return "\n".join(str(span.to_json()) for span in seen.spans)


def test_a_step_is_a_child_of_its_videos_trace(seen: Seen) -> None:
    with step_span("check_video", VIDEO):
        end_step(wait(7))
    made = seen.span("check_video")
    assert (trace_id(made), parent_id(made)) == (TRACE, "b7ad6b7169203331")
    assert made.attributes == {
        "dailies.video.id": "video_1",
        "dailies.attempt": 3,
        "dailies.step": "wait",
        "dailies.step.pause": 7,
    }
    assert made.status.status_code is StatusCode.UNSET


def test_a_step_that_ends_the_video_is_an_error_with_its_code_alone(seen: Seen) -> None:
    with step_span("submit_video", VIDEO):
        end_step(stop(VideoError("moderation_blocked", f"Blocked: {SECRET}")))
    made = seen.span("submit_video")
    assert made.status.status_code is StatusCode.ERROR
    assert made.attributes is not None
    assert made.attributes["error.type"] == "moderation_blocked"
    assert SECRET not in _all(seen)


def test_a_fault_is_told_by_its_type_alone(seen: Seen) -> None:
    with pytest.raises(ValueError, match="lighthouse"), step_span("archive_video", VIDEO):
        raise ValueError(SECRET)
    made = seen.span("archive_video")
    assert made.attributes is not None
    assert made.attributes["error.type"] == "ValueError"
    assert made.status.status_code is StatusCode.ERROR
    assert SECRET not in _all(seen)


async def test_a_whole_video_is_one_trace_that_tells_no_prompt(seen: Seen) -> None:
    world = World()
    record = await world.accepted(SECRET, traceparent=STARTING)
    ref: Any = {"id": record.id, "owner": record.owner, "traceparent": STARTING}
    for name, step in [
        ("submit_video", submit_video),
        ("check_video", check_video),
        ("archive_video", archive_video),
        ("finish_video", finish_video),
    ]:
        for _ in range(20):
            with step_span(name, ref):
                answer: Step = await step(world.services, ref)
                end_step(answer)
            if answer["kind"] == "done":
                break
            world.now += max(answer.get("seconds", 0), 1)
        assert answer["kind"] == "done", name
    assert (await world.record(record.id)).is_final
    assert {trace_id(span) for span in seen.spans} == {TRACE}
    last = [span for span in seen.spans if span.name == "finish_video"][-1]
    assert last.attributes is not None
    assert last.attributes["dailies.phase"] == "done"
    assert last.attributes["dailies.model"] == "sora-2"
    files = [span for span in seen.spans if span.name == "archive_file"]
    stored = {span.attributes["dailies.variant"] for span in files if span.attributes}
    assert "video" in stored
    assert all(span.attributes and span.attributes["dailies.bytes"] for span in files)
    assert SECRET not in _all(seen)


# -- provider calls


def _wire(answer: httpx.Response | Exception) -> tuple[Wire, list[httpx.Request]]:
    sent: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        if isinstance(answer, Exception):
            raise answer
        return answer

    client = httpx.AsyncClient(transport=httpx.MockTransport(handle))
    return Wire(
        client, httpx.Auth(), CallContext(endpoint="https://x.example", deployment="sora-2")
    ), sent


async def test_a_provider_call_is_a_client_span_without_query_and_credentials(seen: Seen) -> None:
    answer = httpx.Response(200, json={}, headers={"apim-request-id": "r-1"})
    wire, sent = _wire(answer)
    url = "https://me:pass@my.openai.azure.com/openai/v1/videos?key=hidden#part"
    with step_span("submit_video", VIDEO):
        await wire.call(Call.CREATE, httpx.Request("POST", url, json={"prompt": SECRET}))
    made = seen.span("POST create")
    assert made.kind is SpanKind.CLIENT
    assert parent_id(made) == span_id(seen.span("submit_video"))
    assert made.attributes == {
        "http.request.method": "POST",
        "http.response.status_code": 200,
        "server.address": "my.openai.azure.com",
        "server.port": 443,
        "url.full": "https://my.openai.azure.com/openai/v1/videos",
        "dailies.provider.call": "create",
        "dailies.provider.request_id": "r-1",
        "gen_ai.request.model": "sora-2",
    }
    assert sent[0].headers["traceparent"] == f"00-{TRACE}-{span_id(made)}-01"
    told = _all(seen)
    assert "hidden" not in told
    assert "pass" not in told
    assert SECRET not in told


async def test_a_call_that_is_refused_tells_the_step_what_it_means(seen: Seen) -> None:
    wire, _ = _wire(httpx.Response(429, json={}, headers={"retry-after": "7"}))
    with step_span("submit_video", VIDEO):
        reply = await wire.call(Call.CREATE, httpx.Request("POST", "https://x.example/v"))
        assert isinstance(reply, Reply)
        wire.classified(Call.CREATE, reply)
    call, step = seen.span("POST create"), seen.span("submit_video")
    assert call.status.status_code is StatusCode.ERROR
    assert call.attributes is not None
    assert call.attributes["error.type"] == "429"
    assert step.attributes is not None
    assert step.attributes["dailies.outcome"] == "throttled"
    assert step.status.status_code is StatusCode.UNSET


async def test_a_connection_that_breaks_is_an_error_of_the_call(seen: Seen) -> None:
    wire, _ = _wire(httpx.ReadError("broken"))
    await wire.call(Call.CREATE, httpx.Request("POST", "https://x.example/v"))
    made = seen.span("POST create")
    assert made.attributes is not None
    assert made.attributes["error.type"] == "ReadError"


# -- events


class _Topic:
    def __init__(self) -> None:
        self.sent: list[CloudEvent[Any]] = []

    async def send(self, event: CloudEvent[Any]) -> None:
        self.sent.append(event)


def _publisher() -> tuple[EventPublisher, _Topic]:
    publisher, topic = EventPublisher(None, None), _Topic()
    publisher._client = topic  # type: ignore[assignment] # in place of the network
    return publisher, topic


async def _event() -> CloudEvent[Any]:
    record = await World().accepted(traceparent=STARTING)
    return video_event(record, EventType.ACCEPTED, source="/dailies", file_urls={}, now=1.0)


async def test_an_event_carries_the_starting_trace_and_not_that_of_its_sending(seen: Seen) -> None:
    publisher, topic = _publisher()
    event = await _event()
    with step_span("publish_events", VIDEO):
        await publisher.publish(event)
    made = seen.span("publish dailies.video.accepted")
    assert made.kind is SpanKind.PRODUCER
    assert parent_id(made) == span_id(seen.span("publish_events"))
    assert made.attributes is not None
    assert made.attributes["cloudevents.event_id"] == event.id
    assert topic.sent[0].extensions == {"traceparent": STARTING}


async def test_an_event_outside_every_span_belongs_to_its_videos_trace(seen: Seen) -> None:
    publisher, _ = _publisher()
    await publisher.publish(await _event())
    made = seen.span("publish dailies.video.accepted")
    assert (trace_id(made), parent_id(made)) == (TRACE, "b7ad6b7169203331")


async def test_an_event_in_another_trace_is_linked_to_its_videos(seen: Seen) -> None:
    publisher, _ = _publisher()
    with spans.span("DELETE /v1/videos/{video_id}"):
        await publisher.publish(await _event())
    made = seen.span("publish dailies.video.accepted")
    assert trace_id(made) != TRACE
    assert [f"{link.context.trace_id:032x}" for link in made.links] == [TRACE]


# -- requests


def test_a_request_tells_its_route_and_no_path(seen: Seen) -> None:
    with spans.request_span("GET", spans.RequestTrace(STARTING)) as made:
        spans.note_response(made, "GET", "/v1/videos/{video_id}", 404)
    span = seen.span("GET /v1/videos/{video_id}")
    assert span.kind is SpanKind.SERVER
    assert trace_id(span) == TRACE
    assert span.attributes == {
        "http.request.method": "GET",
        "http.route": "/v1/videos/{video_id}",
        "http.response.status_code": 404,
    }
    assert span.status.status_code is StatusCode.UNSET


def test_a_request_that_the_host_reports_is_not_reported_again(seen: Seen) -> None:
    with spans.request_span("GET", spans.RequestTrace(STARTING, reported=True)) as made:
        spans.note_response(made, "GET", None, 500)
    span = seen.span("GET")
    assert span.kind is SpanKind.INTERNAL
    assert span.status.status_code is StatusCode.ERROR


def test_without_telemetry_no_span_is_made_and_nothing_breaks() -> None:
    with step_span("check_video", VIDEO) as made:
        end_step(wait(1))
        assert not made.is_recording()
        assert tracecontext.current() == STARTING
