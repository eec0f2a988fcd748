"""From the settings to exporters, each case in a process of its own: what it imports counts too."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from dailies.settings import Settings
from dailies.video.errors import SettingsError
from tests.unit.telemetry.receiver import receiver

ROOT = Path(__file__).resolve().parents[3]
STORAGE = {"VideoStorage": "UseDevelopmentStorage=true"}

# Makes a span and a metric, ends the telemetry, and tells what was loaded for it.
_USE = """
import logging, os, sys
logging.basicConfig(level=logging.INFO, format="%(message)s")
from dailies.app.exporters import start
from dailies.pipeline import metrics, spans
from dailies.settings import Settings

end = start(Settings.load(os.environ))
with spans.step_span("check_video", {"id": "video_1", "owner": "alice", "attempt": 0}):
    metrics.put_off("first", 3.0, by="own")
if end is not None:
    end()
names = ("opentelemetry.sdk", "opentelemetry.exporter", "azure.monitor", "google.protobuf")
print("loaded:", *(name for name in names if name in sys.modules))
print("told:", *(name for name in os.environ if name.startswith("APPLICATIONINSIGHTS_")))
"""


def _run(settings: dict[str, str], code: str = _USE) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "no_proxy": "127.0.0.1", **STORAGE, **settings},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done


def _loaded(done: subprocess.CompletedProcess[str]) -> set[str]:
    (line,) = (line for line in done.stdout.splitlines() if line.startswith("loaded:"))
    return set(line.split()[1:])


@dataclass
class Collector:
    """An OTLP endpoint on this machine."""

    url: str
    requests: list[tuple[str, dict[str, str], Any]] = field(default_factory=list)


@pytest.fixture
def collector() -> Iterator[Collector]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            headers = {name.lower(): value for name, value in self.headers.items()}
            found.requests.append((self.path, headers, json.loads(body)))
            answer = json.dumps({"itemsReceived": 9, "itemsAccepted": 9, "errors": []}).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        found = Collector(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield found
        server.shutdown()
        thread.join()


def test_without_an_exporter_the_sdk_is_not_even_imported() -> None:
    assert _loaded(_run({})) == set()


def test_indexing_the_functions_imports_no_exporter() -> None:
    code = "import sys, function_app; print('loaded:', *(m for m in sys.modules if '.sdk' in m))"
    done = _run({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}, code)
    assert not {name for name in _loaded(done) if name.startswith("opentelemetry")}


def test_otlp_goes_out_as_json_with_the_headers_and_without_protobuf(collector: Collector) -> None:
    settings = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url + "/",
        "OTEL_EXPORTER_OTLP_HEADERS": "x-api-key=abc,x-project=dailies",
    }
    done = _run(settings)
    assert _loaded(done) == {"opentelemetry.sdk", "opentelemetry.exporter"}
    assert {path for path, _, _ in collector.requests} == {"/v1/traces", "/v1/metrics"}
    for _, headers, document in collector.requests:
        assert headers["content-type"] == "application/json"
        assert (headers["x-api-key"], headers["x-project"]) == ("abc", "dailies")
        ((_, about),) = document.items()
        assert "dailies" in json.dumps(about[0]["resource"])
    told = json.dumps([document for _, _, document in collector.requests])
    assert "check_video" in told
    assert "dailies.quota.wait" in told


def test_otlp_goes_out_as_protobuf_without_the_package() -> None:
    with receiver() as sink:
        done = _run(
            {
                "OTEL_EXPORTER_OTLP_ENDPOINT": sink.url,
                "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
                "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL": "http/json",
                "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
            }
        )
    assert _loaded(done) == {"opentelemetry.sdk", "opentelemetry.exporter"}
    (traces,) = sink.at("/v1/traces")
    assert [span["name"] for span in traces.spans] == ["check_video"]
    assert all("resourceMetrics" in sent.json for sent in sink.at("/v1/metrics"))


def test_traces_alone_can_go_to_an_address_of_their_own(collector: Collector) -> None:
    _run({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{collector.url}/v1/trace/log"})
    assert {path for path, _, _ in collector.requests} == {"/v1/trace/log"}


@pytest.mark.parametrize(
    "setting", [{"DAILIES_TELEMETRY": "off"}, {"OTEL_SDK_DISABLED": "true"}], ids=str
)
def test_telemetry_can_be_turned_off(collector: Collector, setting: dict[str, str]) -> None:
    _run({"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, **setting})
    assert [path for path, _, _ in collector.requests if path == "/v1/traces"] == []


def test_a_ratio_of_nothing_sends_no_trace(collector: Collector) -> None:
    _run({"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "DAILIES_TRACE_RATIO": "0"})
    assert {path for path, _, _ in collector.requests} == {"/v1/metrics"}


# A hundred traces, each of two steps.
_MANY = """
import os
from dailies.app.exporters import start
from dailies.pipeline import spans
from dailies.settings import Settings

end = start(Settings.load(os.environ))
for number in range(1, 101):
    trace = f"{number * 0x28F5C28F5C28F5C:032x}"
    parent = f"00-{trace}-00000000000000aa-00"
    for step in ("submit_video", "check_video"):
        with spans.step_span(step, {"id": "video_1", "owner": "alice", "traceparent": parent}):
            pass
end()
"""


def test_a_ratio_keeps_that_share_of_traces_whole_and_in_every_process(
    collector: Collector,
) -> None:
    kept: list[dict[str, int]] = []
    for _ in range(2):
        collector.requests.clear()
        _run({"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "DAILIES_TRACE_RATIO": "0.5"}, _MANY)
        ids = [
            span["traceId"]
            for path, _, body in collector.requests
            if path == "/v1/traces"
            for resource in body["resourceSpans"]
            for scope in resource["scopeSpans"]
            for span in scope["spans"]
        ]
        kept.append(dict(Counter(ids)))
    assert kept[0] == kept[1]
    assert set(kept[0].values()) == {2}
    assert 40 <= len(kept[0]) <= 60


def test_the_console_shows_spans_one_a_line() -> None:
    done = _run({"DAILIES_TELEMETRY": "console"})
    spans = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    assert [span["name"] for span in spans] == ["check_video"]


def test_application_insights_gets_spans_and_metrics(collector: Collector) -> None:
    key = "00000000-0000-0000-0000-000000000001"
    done = _run(
        {
            "APPLICATIONINSIGHTS_CONNECTION_STRING": (
                f"InstrumentationKey={key};IngestionEndpoint={collector.url}"
            ),
        }
    )
    assert "azure.monitor" in _loaded(done)
    assert "google.protobuf" not in _loaded(done)
    assert "APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL" in done.stdout
    items = [item for _, _, body in collector.requests for item in body]
    assert {item["iKey"] for item in items} == {key}
    (span,) = (i["data"]["baseData"] for i in items if "RemoteDependency" in i["name"])
    assert (span["name"], span["properties"]["dailies.video.id"]) == ("check_video", "video_1")
    metrics = [m["name"] for i in items for m in i["data"]["baseData"].get("metrics", [])]
    assert "dailies.quota.wait" in metrics


def test_a_wrong_connection_string_costs_the_telemetry_and_nothing_else() -> None:
    done = _run({"APPLICATIONINSIGHTS_CONNECTION_STRING": "InstrumentationKey=none"})
    (line,) = (line for line in done.stderr.splitlines() if "telemetry_off" in line)
    assert json.loads(line)["fault"] == "ValueError"


def test_an_endpoint_in_the_clear_is_refused() -> None:
    with pytest.raises(SettingsError, match="OTEL_EXPORTER_OTLP_ENDPOINT"):
        Settings.load({**STORAGE, "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"})


def test_no_secret_of_the_settings_is_shown() -> None:
    settings = Settings.load(
        {
            **STORAGE,
            "OTEL_EXPORTER_OTLP_HEADERS": "x-api-key=abc",
            "APPLICATIONINSIGHTS_CONNECTION_STRING": "InstrumentationKey=abc",
        }
    )
    assert "abc" not in repr(settings)
