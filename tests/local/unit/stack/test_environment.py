"""The settings that the stack gives to the app."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dailies.app.doubts import doubtful_settings
from dailies.settings import Settings
from local.services.upstreams import upstream_settings
from local.stack.certificates import Certificates
from local.stack.environment import (
    Wiring,
    app_settings,
    connection_string,
    direct_loopback,
    process_environment,
    write_local_settings,
)
from local.stack.errors import StackError
from local.stack.keys import Keys, hashed
from local.stack.options import StackOptions
from local.stack.ports import Ports

WIRING = Wiring(
    ports=Ports(
        host=7071,
        services=20001,
        services_tls=20002,
        azurite_blob=20003,
        azurite_queue=20004,
        azurite_table=20005,
    ),
    keys=Keys(
        api_key="api",
        admin_key="admin",
        identity_header="header",
        topic_key="topic",
        storage_key="a2V5",
    ),
    certificates=Certificates(
        authority=Path("ca"), server=Path("cert"), server_key=Path("key"), bundle=Path("bundle")
    ),
)
REAL = "https://film.openai.azure.com"


@pytest.mark.parametrize("speed", [0.1, 1, 8, 60, 1000])
def test_the_app_accepts_the_settings_at_every_speed(speed: float) -> None:
    settings = Settings.load(app_settings(StackOptions(speed=speed), WIRING, {}))
    assert settings.poll_min_seconds == pytest.approx(max(1 / speed, 0.05), rel=1e-4)
    assert settings.quota_window_seconds == pytest.approx(60 / speed, rel=1e-4)
    assert settings.video_deadline_seconds >= 30


@pytest.mark.parametrize("speed", [0, 0.01, -1, 10_000, float("nan")])
def test_a_speed_that_the_app_could_not_follow_is_refused(speed: float) -> None:
    with pytest.raises(StackError, match="--speed"):
        StackOptions(speed=speed)


def test_settings_are_ones_that_the_app_reads() -> None:
    names = set(app_settings(StackOptions(unlimited=True), WIRING, {}))
    foreign = {
        "AzureWebJobsStorage",
        "FUNCTIONS_WORKER_RUNTIME",
        "PYTHON_ENABLE_INIT_INDEXING",
        "AZURE_OPENAI_ENDPOINT",
        "DAILIES_DEFAULT_MODEL",  # read by models.yaml
        "IDENTITY_ENDPOINT",
        "IDENTITY_HEADER",
        "SSL_CERT_FILE",
        "REQUESTS_CA_BUNDLE",
    }
    foreign |= upstream_settings("https://services", "key").keys()  # read by models.yaml
    assert names - foreign <= Settings.environment_names()


def test_keys_reach_the_app_as_hashes_only() -> None:
    values = app_settings(StackOptions(), WIRING, {}).values()
    assert hashed("local", "api") in values
    assert not {"api", "admin"} & set(values)


def test_the_user_overrides_the_app_s_settings() -> None:
    chosen = app_settings(StackOptions(), WIRING, {"DAILIES_LOG_LEVEL": "DEBUG", "HOME": "/root"})
    assert chosen["DAILIES_LOG_LEVEL"] == "DEBUG"
    assert "HOME" not in chosen


def test_what_the_examples_are_called_with_is_no_setting() -> None:
    mine = {"DAILIES_URL": "http://x", "DAILIES_KEY": "hush", "DAILIES_ADMIN_KEY": "hush"}
    settings = app_settings(StackOptions(), WIRING, mine)
    environment = process_environment(settings, StackOptions(), mine)
    assert not set(mine) & (set(settings) | set(environment))
    assert doubtful_settings(environment) == []


def test_the_user_s_keys_are_valid_beside_the_stack_s() -> None:
    mine = {"DAILIES_API_KEYS": hashed("me", "mine")}
    owners = [
        key.owner for key in Settings.load(app_settings(StackOptions(), WIRING, mine)).api_keys
    ]
    assert owners == ["local", "me"]


def test_unlimited_lifts_the_app_s_own_quota() -> None:
    assert not Settings.load(app_settings(StackOptions(unlimited=True), WIRING, {})).enforce_quota
    assert Settings.load(app_settings(StackOptions(), WIRING, {})).enforce_quota


def test_with_the_simulated_sora_the_user_s_credentials_stay_out() -> None:
    mine = {"AZURE_CLIENT_SECRET": "s3cret", "AZURE_OPENAI_API_KEY": "real", "AZURE_CLIENT_ID": "x"}
    mine |= {"AZURE_OPENAI_ENDPOINT": REAL, "VideoStorage__blobServiceUri": "https://real"}
    settings = app_settings(StackOptions(), WIRING, mine)
    environment = process_environment(settings, StackOptions(), {**mine, "HOME": "/home/me"})
    assert not set(mine.values()) & set(environment.values())
    assert environment["AZURE_OPENAI_ENDPOINT"] == "http://127.0.0.1:20001"
    assert environment["IDENTITY_ENDPOINT"] == "http://127.0.0.1:20001/identity/token"
    assert environment["HOME"] == "/home/me"


def test_with_a_real_endpoint_the_user_signs_in_and_the_topic_takes_a_key() -> None:
    mine = {"AZURE_CLIENT_SECRET": "s3cret", "AZURE_OPENAI_API_KEY": "real"}
    options = StackOptions(sora_endpoint=REAL)
    environment = process_environment(app_settings(options, WIRING, mine), options, mine)
    assert environment["AZURE_OPENAI_ENDPOINT"] == REAL
    assert environment["AZURE_CLIENT_SECRET"] == "s3cret"
    assert environment["AZURE_OPENAI_API_KEY"] == "real"
    assert "IDENTITY_ENDPOINT" not in environment
    assert environment["DAILIES_EVENT_TOPIC_KEY"] == "topic"


def test_the_connection_string_names_every_service() -> None:
    parts = dict(part.split("=", 1) for part in connection_string(WIRING).split(";"))
    assert parts["BlobEndpoint"] == "http://127.0.0.1:20003/devstoreaccount1"
    assert parts["QueueEndpoint"] == "http://127.0.0.1:20004/devstoreaccount1"
    assert parts["TableEndpoint"] == "http://127.0.0.1:20005/devstoreaccount1"
    assert parts["AccountKey"] == "a2V5"


def test_a_proxy_is_not_used_on_this_machine() -> None:
    environment = direct_loopback({"HTTPS_PROXY": "http://proxy:3128", "no_proxy": "corp.example"})
    assert environment["no_proxy"] == "corp.example,127.0.0.1,localhost"
    assert environment["NO_PROXY"] == environment["no_proxy"]


def test_local_settings_are_rewritten_but_never_a_user_s_own(tmp_path: Path) -> None:
    path = tmp_path / "local.settings.json"
    assert write_local_settings(path, {"VideoStorage": "one"})
    assert write_local_settings(path, {"VideoStorage": "two"})
    assert json.loads(path.read_text())["Values"]["VideoStorage"] == "two"
    assert path.stat().st_mode & 0o077 == 0
    values = json.loads(path.read_text())["Values"]
    assert not [name for name in values if name.startswith("DAILIES_")]  # each would be a setting
    path.write_text('{"Values": {"DAILIES_LOCAL_SETTINGS_BY": "an older stack"}}')
    assert write_local_settings(path, {"VideoStorage": "two"})
    path.write_text('{"IsEncrypted": false, "Values": {"MINE": "1"}}')
    assert not write_local_settings(path, {"VideoStorage": "three"})
    assert "MINE" in path.read_text()


@pytest.mark.parametrize("url", ["film.openai.azure.com", "ftp://host", "https://"])
def test_an_endpoint_that_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(StackError, match="--sora-endpoint"):
        StackOptions(sora_endpoint=url)


def test_the_guard_is_asked_only_on_request() -> None:
    assert Settings.load(app_settings(StackOptions(), WIRING, {})).content_safety_endpoint is None
    settings = Settings.load(app_settings(StackOptions(guarded=True), WIRING, {}))
    assert settings.content_safety_endpoint == WIRING.tls_url


def test_telemetry_is_collected_only_on_request() -> None:
    assert not Settings.load(app_settings(StackOptions(), WIRING, {})).exports_telemetry
    settings = Settings.load(app_settings(StackOptions(telemetry=True), WIRING, {}))
    assert settings.otlp_traces_url == f"{WIRING.simulator_url}/v1/traces"


def test_a_shells_application_insights_does_not_hear_of_a_local_stack() -> None:
    shell = {"APPLICATIONINSIGHTS_CONNECTION_STRING": "InstrumentationKey=real"}
    options = StackOptions()
    found = process_environment(app_settings(options, WIRING, shell), options, shell)
    assert "APPLICATIONINSIGHTS_CONNECTION_STRING" not in found
