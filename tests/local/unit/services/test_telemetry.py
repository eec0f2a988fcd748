"""The OTLP receiver of the simulated services."""

from __future__ import annotations

import gzip
import json
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from local.services.telemetry import Telemetry


@pytest.fixture
def client() -> httpx.AsyncClient:
    transport = httpx.ASGITransport(Starlette(routes=Telemetry().routes()))
    return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1")


def _traces(*spans: dict[str, Any]) -> dict[str, Any]:
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "dailies"}}]}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": list(spans)}]}]}


def _span(trace: str, name: str, start: int, **extra: Any) -> dict[str, Any]:
    times = {
        "startTimeUnixNano": str(start * 10**9),
        "endTimeUnixNano": str(start * 10**9 + 5 * 10**8),
    }
    return {"traceId": trace * 32, "spanId": "1" * 16, "name": name, "kind": 3, **times, **extra}


async def test_spans_are_listed_by_trace_in_order_of_time(client: httpx.AsyncClient) -> None:
    values = [
        {"key": "dailies.video.id", "value": {"stringValue": "video_1"}},
        {"key": "dailies.attempt", "value": {"intValue": "7"}},
        {"key": "list", "value": {"arrayValue": {"values": [{"boolValue": True}]}}},
    ]
    later = _span("a", "later", 9, attributes=values, parentSpanId="2" * 16, status={"code": 2})
    answer = await client.post("/v1/traces", json=_traces(later, _span("b", "other", 1)))
    assert (answer.status_code, answer.json()) == (200, {"partialSuccess": {}})
    await client.post("/v1/traces", json=_traces(_span("a", "sooner", 3)))
    (trace,) = (await client.get("/_inspect/traces", params={"video": "video_1"})).json()
    assert trace["trace_id"] == "a" * 32
    sooner, after = trace["spans"]
    assert (sooner["name"], sooner["parent_id"], sooner["status"]) == ("sooner", None, "unset")
    assert after == {
        "trace_id": "a" * 32,
        "span_id": "1" * 16,
        "parent_id": "2" * 16,
        "name": "later",
        "kind": "client",
        "start": 9.0,
        "seconds": 0.5,
        "status": "error",
        "attributes": {"dailies.video.id": "video_1", "dailies.attempt": 7, "list": [True]},
        "events": [],
        "links": [],
        "resource": {"service.name": "dailies"},
    }
    assert len((await client.get("/_inspect/traces")).json()) == 2
    only = await client.get("/_inspect/traces", params={"trace_id": "b" * 32})
    assert [trace["trace_id"] for trace in only.json()] == ["b" * 32]


def _metrics(total: int) -> dict[str, Any]:
    about = [{"key": "dailies.model", "value": {"stringValue": "sora-2"}}]
    point = {"asInt": str(total), "attributes": about}
    times = {"count": "2", "sum": 3.5, "attributes": about}
    metrics = [
        {"name": "dailies.videos", "unit": "{video}", "sum": {"dataPoints": [point]}},
        {"name": "dailies.detection.lag", "unit": "s", "histogram": {"dataPoints": [times]}},
    ]
    return {"resourceMetrics": [{"scopeMetrics": [{"metrics": metrics}]}]}


async def test_metrics_are_kept_as_they_are_now(client: httpx.AsyncClient) -> None:
    for total in (1, 2):
        body = gzip.compress(json.dumps(_metrics(total)).encode())
        headers = {"content-type": "application/json", "content-encoding": "gzip"}
        answer = await client.post("/v1/metrics", content=body, headers=headers)
        assert answer.status_code == 200
    lag, videos = (await client.get("/_inspect/metrics")).json()
    assert (videos["name"], videos["kind"], videos["value"]) == ("dailies.videos", "sum", 2.0)
    assert (lag["count"], lag["sum"]) == (2, 3.5)


@pytest.mark.parametrize(
    ("body", "kind", "why"),
    [
        (b"\x0a\x00", "application/x-protobuf", "http/json"),
        (b"{", "application/json", "no JSON"),
        (b"[]", "application/json", "no JSON object"),
        (b'{"resourceSpans": [{}]}', "application/json", "no OTLP traces"),
        (b'{"resourceSpans": 1}', "application/json", "no OTLP traces"),
    ],
)
async def test_what_is_no_otlp_is_refused_with_the_reason(
    client: httpx.AsyncClient, body: bytes, kind: str, why: str
) -> None:
    answer = await client.post("/v1/traces", content=body, headers={"content-type": kind})
    assert answer.status_code == 400
    assert why in answer.json()["message"]
    assert (await client.get("/_inspect/traces")).json() == []


@pytest.mark.parametrize("path", ["/_inspect/traces", "/_inspect/metrics"])
async def test_where_none_are_sent_the_answer_says_why(path: str) -> None:
    transport = httpx.ASGITransport(Starlette(routes=Telemetry(expected=False).routes()))
    async with httpx.AsyncClient(transport=transport, base_url="http://services") as client:
        answer = await client.get(path)
        assert answer.status_code == 404
        assert "--telemetry" in answer.json()["error"]["message"]
        # Whoever sends some all the same can look at them.
        await client.post("/v1/traces", json=_traces(_span("a", "sooner", 3)))
        assert (await client.get(path)).status_code == 200
