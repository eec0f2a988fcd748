"""The configurations of docs/logging.md, each with a whole video and a receiver on this machine."""

from __future__ import annotations

import base64
import hmac
import json
import logging
import re
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import pytest

from dailies.app.exporters import start
from dailies.engine import VideoRef
from dailies.pipeline.archive import archive_video
from dailies.pipeline.check import check_video
from dailies.pipeline.finish import finish_video
from dailies.pipeline.spans import step_span
from dailies.pipeline.submit import submit_video
from dailies.settings import Settings
from dailies.video.errors import SettingsError
from dailies.video.record import VideoRecord
from tests.unit.pipeline.world import OWNER, World, ref
from tests.unit.telemetry.receiver import Receiver, Sent, attributes_of, receiver

PAGE = Path(__file__).resolve().parents[3] / "docs/logging.md"
PROMPT = "A lighthouse that only its keeper knows"
TRACE = "0af7651916cd43dd8448eb211c80319c"
STARTING = f"00-{TRACE}-b7ad6b7169203331-01"
WITH_PROMPTS = {"DAILIES_TELEMETRY_PROMPTS": "true"}
STORAGE = {"VideoStorage": "UseDevelopmentStorage=true"}


@pytest.fixture
def sink() -> Iterator[Receiver]:
    with receiver() as made:
        yield made


def _configuration(section: str, number: int = 0) -> dict[str, str]:
    """The settings of one of a section's examples."""
    text = PAGE.read_text().split(f"\n## {section}\n")[1].split("\n## ")[0]
    block = re.findall(r"```ini\n(.*?)```", text, re.S)[number]
    return dict(line.split("=", 1) for line in block.splitlines())


def _towards(sink: Receiver, settings: Mapping[str, str]) -> dict[str, str]:
    """The same with our receiver in place of each host."""
    return {
        name: sink.url + urlsplit(value).path if value.startswith("https://") else value
        for name, value in settings.items()
    }


async def _made(
    monkeypatch: pytest.MonkeyPatch,
    settings: Mapping[str, str],
    *,
    error: str | None = None,
    **given: Any,
) -> VideoRecord:
    """A video that ended while telemetry went as the settings say."""
    for name, value in settings.items():
        monkeypatch.setenv(name, value)  # OpenTelemetry reads some of them itself
    end = start(Settings.load({**STORAGE, **settings}))
    assert end is not None
    try:
        chosen: dict[str, Any] = {k: v for k, v in settings.items() if k in WITH_PROMPTS}
        world = World(**chosen)
        record = await world.accepted(PROMPT, traceparent=STARTING, **given)
        video = ref(record, traceparent=STARTING)
        if error is None:
            await _through(world, video)
        else:
            video["error"] = {"code": error, "message": PROMPT}
        await finish_video(world.services, video)
        return await world.record(record.id)
    finally:
        end()


async def _through(world: World, video: VideoRef) -> None:
    for step in (submit_video, check_video, archive_video):
        with step_span(step.__name__, video):
            while (answer := await step(world.services, video))["kind"] == "wait":
                world.now += max(answer["seconds"], 1)
            assert answer["kind"] == "done"


def _generation(sent: list[Sent]) -> dict[str, Any]:
    (span,) = (
        span
        for request in sent
        for span in request.spans
        if "gen_ai.operation.name" in attributes_of(span)
    )
    return span


def _check_generation(span: dict[str, Any], video: VideoRecord) -> dict[str, Any]:
    """What holds wherever it went."""
    assert span["name"] == "generate_content sora-2"
    assert span["kind"] in (3, "SPAN_KIND_CLIENT")
    assert video.completed_at is not None
    assert int(span["startTimeUnixNano"]) / 1e9 == pytest.approx(video.created_at)
    assert int(span["endTimeUnixNano"]) / 1e9 == pytest.approx(video.completed_at)
    about = attributes_of(span)
    assert {name: about[name] for name in about if not name.startswith("gen_ai.")} == {
        "langsmith.span.kind": "llm",
        "dailies.video.id": video.id,
        "dailies.owner": OWNER,
        "dailies.model": "sora-2",
        "dailies.deployment": "first",
        "dailies.source": "http",
        "dailies.outcome": "completed",
        "dailies.video.seconds": 4,
        "dailies.video.size": "720x1280",
        "dailies.cost.usd": pytest.approx(0.4),
        "dailies.cost.is_estimate": False,
    }
    assert about["gen_ai.output.type"] == "video"
    assert about["gen_ai.request.model"] == "sora-2"
    assert about["gen_ai.provider.name"] == "azure-sora-2"
    assert about["gen_ai.response.id"] == video.submit.job_id
    return about


def _without_prompts(sink: Receiver) -> bool:
    assert sink.taken
    return not any(PROMPT.encode() in sent.body for sent in sink.taken)


async def test_datadog(sink: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = _configuration("Datadog")
    assert urlsplit(settings["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"]).hostname == "otlp.datadoghq.com"
    video = await _made(monkeypatch, _towards(sink, settings))
    traces, metrics = sink.at("/v1/traces"), sink.at("/v1/metrics")
    assert len(traces) + len(metrics) == len(sink.taken)
    assert {sent.headers["dd-api-key"] for sent in sink.taken} == {"YOUR_KEY"}
    _check_generation(_generation(traces), video)
    counted = {metric["name"]: metric for sent in metrics for metric in sent.metrics}
    videos = counted["dailies.videos"]["sum"]
    assert videos["aggregationTemporality"] == "AGGREGATION_TEMPORALITY_DELTA"
    assert videos["dataPoints"][0]["asInt"] == "1"
    assert _without_prompts(sink)


async def test_datadogs_llm_observability(sink: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = _towards(sink, _configuration("Datadog", 1))
    video = await _made(monkeypatch, {**settings, **WITH_PROMPTS})
    assert {sent.path for sent in sink.taken} == {"/v1/traces"}
    for sent in sink.taken:
        assert sent.headers["content-type"] == "application/x-protobuf"
        assert (sent.headers["dd-api-key"], sent.headers["dd-otlp-source"]) == (
            "YOUR_KEY",
            "llmobs",
        )
    span = _generation(sink.taken)
    about = attributes_of(span)
    (asked,) = json.loads(about["gen_ai.input.messages"])
    assert asked == {"role": "user", "parts": [{"type": "text", "content": PROMPT}]}
    (answered,) = json.loads(about["gen_ai.output.messages"])
    assert answered["parts"][0]["uri"] == f"{video.id}/video.mp4"


async def test_langsmith(sink: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = _configuration("LangSmith")
    assert settings["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"].startswith(
        "https://api.smith.langchain.com/"
    )
    video = await _made(monkeypatch, {**_towards(sink, settings), **WITH_PROMPTS})
    assert {sent.path for sent in sink.taken} == {"/otel/v1/traces"}
    for sent in sink.taken:
        assert sent.headers["content-type"] == "application/x-protobuf"
        assert sent.headers["x-api-key"] == "YOUR_KEY"
        assert sent.headers["langsmith-project"] == "dailies"
    about = _check_generation(_generation(sink.taken), video)
    assert (about["gen_ai.prompt.0.role"], about["gen_ai.prompt.0.content"]) == ("user", PROMPT)
    assert about["gen_ai.completion.0.content"] == f"{video.id}/video.mp4"
    names = {span["name"] for sent in sink.taken for span in sent.spans}
    assert {"submit_video", "check_video", "archive_video"} <= names


async def test_helicone(sink: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = _configuration("Helicone")
    default = Settings.load({**STORAGE, **settings}).helicone_endpoint
    assert default == "https://api.worker.helicone.ai/custom/v1/log"
    towards = {"DAILIES_HELICONE_ENDPOINT": sink.url + urlsplit(default).path}
    video = await _made(monkeypatch, {**settings, **towards})
    (sent,) = sink.taken  # one for a video, whatever steps it took
    assert sent.path == "/custom/v1/log"
    assert sent.headers["authorization"] == "Bearer YOUR_KEY"
    body = sent.json
    asked, answered = body["providerRequest"], body["providerResponse"]
    assert asked["url"] == "custom-model-nopath"
    assert asked["json"] == {
        "_type": "data",
        "name": "generate_content",
        "model": "sora-2",
        "seconds": 4,
        "size": "720x1280",
    }
    assert asked["meta"] == {
        "Helicone-Request-Id": str(UUID(video.id.removeprefix("video_"))),
        "Helicone-User-Id": OWNER,
        "Helicone-Property-Provider": "azure-sora-2",
        "Helicone-Property-Deployment": "first",
        "Helicone-Property-Source": "http",
    }
    assert (answered["status"], answered["headers"]) == (200, {})
    assert answered["json"]["id"] == video.id
    assert answered["json"]["cost_usd"] == pytest.approx(0.4)
    began, ended = body["timing"]["startTime"], body["timing"]["endTime"]
    took = (ended["seconds"] - began["seconds"]) + (
        ended["milliseconds"] - began["milliseconds"]
    ) / 1000
    assert video.completed_at is not None
    assert took == pytest.approx(video.completed_at - video.created_at, abs=0.002)
    assert _without_prompts(sink)


async def test_helicone_is_told_of_failures_and_prompts(
    sink: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {
        **_configuration("Helicone"),
        "DAILIES_HELICONE_ENDPOINT": sink.url,
        **WITH_PROMPTS,
    }
    await _made(monkeypatch, settings, error="moderation_blocked")
    body = sink.taken[0].json
    assert body["providerRequest"]["json"]["prompt"] == PROMPT
    assert body["providerResponse"]["status"] == 500
    assert body["providerResponse"]["json"]["error_code"] == "moderation_blocked"


async def test_a_webhook_of_ones_own(sink: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = _configuration("A webhook of your own")
    secret = settings["DAILIES_LOG_WEBHOOK_SECRET"]
    sink.statuses = [503]
    video = await _made(
        monkeypatch, {**_towards(sink, settings), "DAILIES_PRIVATE_HOSTS": "127.0.0.1"}
    )
    first, sent = sink.taken  # it was not taken at first
    assert first.body == sent.body
    assert sent.path == "/dailies"
    call_id, at = sent.headers["webhook-id"], sent.headers["webhook-timestamp"]
    assert call_id == f"log_{video.id}"
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signature = hmac.digest(key, f"{call_id}.{at}.".encode() + sent.body, sha256)
    assert sent.headers["webhook-signature"] == "v1," + base64.b64encode(signature).decode()
    assert sent.json["type"] == "dailies.log.video"
    assert sent.json["data"] == {
        "id": video.id,
        "owner": OWNER,
        "status": "completed",
        "model": "sora-2",
        "provider": "azure-sora-2",
        "deployment": "first",
        "job_id": video.submit.job_id,
        "source": "http",
        "seconds": 4,
        "size": "720x1280",
        "cost_usd": pytest.approx(0.4),
        "cost_is_estimate": False,
        "created_at": pytest.approx(video.created_at),
        "completed_at": pytest.approx(video.completed_at),
        "trace_id": TRACE,
    }


async def test_a_webhook_that_takes_nothing_costs_a_line(
    sink: Receiver, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "dailies")
    sink.statuses = [401]
    settings = _towards(sink, _configuration("A webhook of your own"))
    video = await _made(monkeypatch, {**settings, "DAILIES_PRIVATE_HOSTS": "127.0.0.1"})
    assert len(sink.taken) == 1  # the receiver has refused it: no use in asking again
    lines = [json.loads(r.message) for r in caplog.records if "video_log_not_sent" in r.message]
    assert lines == [
        {
            "event": "video_log_not_sent",
            "destination": "webhook",
            "video_id": video.id,
            "http_status": 401,
        }
    ]


async def test_spans_as_json_to_an_address_of_ones_own(
    sink: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = _configuration("A webhook of your own", 1)
    video = await _made(monkeypatch, _towards(sink, settings))
    assert {sent.path for sent in sink.taken} == {"/spans"}
    assert {sent.headers["x-token"] for sent in sink.taken} == {"YOUR_TOKEN"}
    _check_generation(_generation(sink.taken), video)
    assert _without_prompts(sink)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "OTEL_EXPORTER_OTLP_PROTOCOL"),
        ({"DAILIES_LOG_WEBHOOK_URL": "https://logs.example"}, "DAILIES_LOG_WEBHOOK_SECRET"),
        (
            {"DAILIES_LOG_WEBHOOK_URL": "http://logs.example", "DAILIES_LOG_WEBHOOK_SECRET": "x"},
            "DAILIES_LOG_WEBHOOK_URL",
        ),
        ({"DAILIES_HELICONE_ENDPOINT": "http://helicone.example"}, "DAILIES_HELICONE_ENDPOINT"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_what_can_not_work_is_refused_by_name(settings: dict[str, str], named: str) -> None:
    with pytest.raises(SettingsError, match=named):
        Settings.load({**STORAGE, **settings})


def test_no_secret_of_them_is_shown() -> None:
    secrets = {
        "DAILIES_HELICONE_API_KEY": "sk-abc",
        "DAILIES_LOG_WEBHOOK_URL": "https://logs.example",
        "DAILIES_LOG_WEBHOOK_SECRET": "whsec_abc",
    }
    assert "abc" not in repr(Settings.load({**STORAGE, **secrets}))
