"""What is said of the settings, and when: in Azure only an invocation is heard."""

from __future__ import annotations

import json
import logging
import os
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest

from dailies.app import runtime
from dailies.app.doubts import doubtful_settings
from dailies.engine import Step, VideoRef
from dailies.services import Services
from dailies.telemetry.logs import FaultError
from dailies.video.errors import SettingsError

KEYS = {"DAILIES_API_KEYS": "alice=sha256:" + "0" * 64}
RIGHT = {
    **KEYS,
    "VideoStorage": "UseDevelopmentStorage=true",
    "AZURE_OPENAI_ENDPOINT": "https://my.openai.azure.com",
}


@pytest.fixture(autouse=True)
def _fresh_process(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(runtime, "_teller", runtime._Teller())
    levels = {name: logging.getLogger(name).level for name in ("dailies", "azure", "httpx")}
    runtime.services.cache_clear()
    runtime.start_telemetry.cache_clear()
    runtime._heed_log_level.cache_clear()
    yield
    runtime.services.cache_clear()
    runtime.start_telemetry.cache_clear()
    runtime._heed_log_level.cache_clear()
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


@pytest.fixture
def environ(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The process's environment, to be changed."""
    mine = dict(RIGHT)
    monkeypatch.setattr(os, "environ", mine)
    return mine


def lines(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    """Event and problem of each line since the last look."""
    found = [json.loads(record.message) for record in caplog.records if record.name == "dailies"]
    caplog.clear()
    return [(line["event"], line["problem"]) for line in found]


def work(*, tell_again: bool = False) -> None:
    """The beginning of an invocation, whatever becomes of it."""
    try:
        runtime.start_work(tell_again=tell_again)
    except SettingsError:
        return


def test_a_wrong_setting_is_told_in_the_first_invocation(
    environ: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    environ["DAILIES_RETRY_SECONDS"] = "soon"
    work()
    ((event, problem),) = lines(caplog)
    assert event == "setting_wrong"
    assert problem.startswith("DAILIES_RETRY_SECONDS: ")
    for _ in range(100):  # a flood of requests tells nothing new
        work()
    assert lines(caplog) == []


def test_sweeps_tell_it_again_though_not_each_of_many(
    environ: dict[str, str], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    environ["DAILIES_LOG_LEVEL"] = "loud"
    work()
    assert len(lines(caplog)) == 1
    now += 5
    work(tell_again=True)
    assert lines(caplog) == []
    now += 299
    work(tell_again=True)
    assert len(lines(caplog)) == 1
    now += 299
    work()
    assert lines(caplog) == []


def test_an_app_that_is_right_says_nothing(
    environ: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    environ |= {"DAILIES_LOG_LEVEL": "debug", "PATH": "/bin", "AZURE_ANYTHING": "x"}
    work()
    assert lines(caplog) == []
    assert logging.getLogger("dailies").level == logging.DEBUG


@pytest.mark.parametrize("wrong", [{}, {"DAILIES_RETRY_SECONDS": "soon"}])
def test_libraries_that_talk_of_each_request_are_quiet(
    environ: dict[str, str], wrong: dict[str, str]
) -> None:
    environ |= wrong
    runtime.quieten_libraries()
    work()
    for name in (
        "azure.core.pipeline.policies.http_logging_policy",
        "azure.identity.aio._internal.decorators",
        "httpx",
        "httpcore.http11",
    ):
        assert not logging.getLogger(name).isEnabledFor(logging.INFO), name
        assert logging.getLogger(name).isEnabledFor(logging.WARNING), name


# -- doubts


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("DAILIES_MAX_UNFINISHD", "DAILIES_MAX_UNFINISHED"),
        ("dailies_max_unfinished", "DAILIES_MAX_UNFINISHED"),
        ("DAILIES_POLL_MIN_SECOND", "DAILIES_POLL_MIN_SECONDS"),
        ("DAILIES_COLOUR", None),
    ],
)
def test_a_misspelt_setting_is_named_with_what_was_meant(name: str, meant: str | None) -> None:
    (doubt,) = doubtful_settings({**RIGHT, name: "a secret value"})
    assert doubt.startswith(f"{name}: ")
    assert (f"did you mean {meant}?" in doubt) == (meant is not None)
    assert "secret" not in doubt


def test_what_the_catalogue_reads_is_a_setting(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("endpoint: ${DAILIES_MY_ENDPOINT}\nkey: ${DAILIES_MY_KEY:-}\n")
    environ = {**RIGHT, "DAILIES_MY_ENDPOINT": "x", "DAILIES_MY_KEY": "y"}
    assert len(doubtful_settings(environ)) == 2
    assert doubtful_settings({**environ, "DAILIES_CATALOGUE": str(path)}) == []
    assert len(doubtful_settings({**environ, "DAILIES_CATALOGUE": str(tmp_path / "none")})) == 2


def test_without_keys_every_caller_is_refused_and_the_operator_told() -> None:
    (doubt,) = doubtful_settings({**RIGHT, "DAILIES_API_KEYS": ""})
    assert doubt.startswith("DAILIES_API_KEYS: ")
    for name, value in (
        ("DAILIES_ADMIN_KEYS", KEYS["DAILIES_API_KEYS"]),
        ("WEBSITE_AUTH_ENABLED", "True"),
    ):
        assert doubtful_settings({**RIGHT, "DAILIES_API_KEYS": "", name: value}) == []


@pytest.mark.parametrize("text", ["hush", "AccountKey=hush", "a=hush;c"])
def test_a_connection_string_that_is_none_is_a_wrong_setting(text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Services.build({**RIGHT, "VideoStorage": text})
    (problem,) = caught.value.problems
    assert problem.startswith("VideoStorage: ")
    assert "hush" not in problem


def test_without_a_model_on_offer_it_is_said_what_to_set(
    environ: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    environ["AZURE_OPENAI_ENDPOINT"] = ""
    work()
    told = lines(caplog)

    assert {event for event, _ in told} == {"setting_wrong"}
    assert sum("AZURE_OPENAI_ENDPOINT" in problem for _, problem in told) == 3
    assert all(" is not set (set " in problem for _, problem in told)
    assert runtime.services().catalogue.models == {}


async def test_what_a_step_raises_goes_to_the_host_by_type_and_place(
    environ: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    """Durable keeps what an activity's exception says, and the host logs it."""

    async def fails(_services: Services, _video: VideoRef) -> Step:
        raise KeyError("a red kite")

    video: VideoRef = {"id": "video_1", "owner": "alice"}
    with pytest.raises(FaultError, match=r"^KeyError at ") as caught:
        await runtime.run_step("check_video", fails, video)
    (line,) = (json.loads(r.message) for r in caplog.records if "function_fault" in r.message)
    assert (line["function"], line["video_id"], line["fault"]) == (
        "check_video",
        "video_1",
        "KeyError",
    )
    assert "kite" not in caplog.text + "".join(traceback.format_exception(caught.value))
