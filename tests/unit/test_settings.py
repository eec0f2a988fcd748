"""Settings: everything has a default or says by name what is missing and what to write."""

from __future__ import annotations

import hashlib
import logging

import pytest

from dailies.guards.setup import guards_of
from dailies.providers.azure_auth import azure_credential
from dailies.settings import ContentDelivery, Settings, UnresolvedSubmit
from dailies.video.errors import SettingsError
from dailies.video.guarding import Harm

CONNECTION = {"VideoStorage": "UseDevelopmentStorage=true"}
HASH = hashlib.sha256(b"key").hexdigest()


def _problems(**environ: str) -> list[str]:
    with pytest.raises(SettingsError) as raised:
        Settings.load({**CONNECTION, **environ})
    return list(raised.value.problems)


def test_storage_is_all_that_must_be_said() -> None:
    settings = Settings.load(CONNECTION)
    assert settings.api_keys == ()
    assert settings.content_delivery is ContentDelivery.REDIRECT
    assert settings.unresolved_submit is UnresolvedSubmit.RESEND
    identity = {
        "VideoStorage__blobServiceUri": "https://a.blob.core.windows.net/",
        "VideoStorage__tableServiceUri": "https://a.table.core.windows.net",
    }
    assert Settings.load(identity).storage_blob_uri == "https://a.blob.core.windows.net"


@pytest.mark.parametrize(
    "environ", [{}, {"VideoStorage": ""}, {"VideoStorage__blobServiceUri": "https://a.example"}]
)
def test_without_storage_the_problem_says_what_to_set(environ: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match="VideoStorage__blobServiceUri"):
        Settings.load(environ)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DAILIES_API_KEYS", "no hash"),
        ("DAILIES_CONTENT_SAFETY_SEVERITIES", "gore=2"),
        ("DAILIES_CONTENT_SAFETY_SEVERITIES", "hate=9"),
        ("DAILIES_CONTENT_SAFETY_BLOCKLISTS", "a/b"),
        ("DAILIES_GUARD_FAILURE", "ajar"),
        ("DAILIES_API_KEYS", f"alice=sha256:{HASH};priorities=urgent"),
        ("DAILIES_API_KEYS", f"alice=sha256:{HASH};weight=0"),
        ("DAILIES_API_KEYS", f"alice=sha256:{HASH};weight=2;priorities=low"),
        ("DAILIES_API_KEYS", f"Alice=sha256:{HASH}"),
        ("DAILIES_ADMIN_KEYS", "alice=sha256:abc"),
        ("DAILIES_CONTENT_DELIVERY", "email"),
        ("DAILIES_UNRESOLVED_SUBMIT", "hope"),
        ("DAILIES_SUBMIT_TIMEOUT_SECONDS", "0"),
        ("DAILIES_SUBMIT_TIMEOUT_SECONDS", "231"),
        ("DAILIES_RETRY_SECONDS", "soon"),
        ("DAILIES_VIDEO_DEADLINE_SECONDS", "-1"),
        ("DAILIES_DELETE_UPSTREAM", "perhaps"),
        ("DAILIES_EVENT_TOPIC_ENDPOINT", "http://topic.example"),
        ("DAILIES_EVENT_SOURCE", ""),
        ("DAILIES_CONTENT_LINK_SECONDS", "5"),
        ("DAILIES_MAX_REFERENCE_BYTES", "1"),
        ("DAILIES_LOG_LEVEL", "loud"),
        ("DAILIES_LOG_LEVEL", ""),
        ("DAILIES_DROP_OWNER", "Not an owner"),
        ("DAILIES_RETENTION_DAYS", "0"),
        ("VideoStorage__blobServiceUri", "ftp://a.example"),
    ],
)
def test_every_wrong_value_is_reported_under_its_name(name: str, value: str) -> None:
    (problem,) = _problems(**{name: value})
    assert problem.startswith(name)


def test_all_problems_are_told_at_once() -> None:
    problems = _problems(DAILIES_RETRY_SECONDS="soon", DAILIES_UNRESOLVED_SUBMIT="hope")
    assert len(problems) == 2


def test_severities_are_told_by_harm_and_the_rest_stays() -> None:
    told = {**CONNECTION, "DAILIES_CONTENT_SAFETY_SEVERITIES": "violence=6, sexual=off"}
    severities = Settings.load(told).content_safety_severities
    assert severities == {Harm.HATE: 4, Harm.SELF_HARM: 4, Harm.VIOLENCE: 6}
    assert Settings.load(CONNECTION).content_safety_severities == dict.fromkeys(Harm, 4)


def test_a_webhook_that_prompts_go_to_is_safe_and_signed_for() -> None:
    name = "DAILIES_GUARD_WEBHOOK_URL"
    (problem,) = _problems(**{name: "http://guard.example", "DAILIES_GUARD_WEBHOOK_SECRET": "x"})
    assert name in problem
    (problem,) = _problems(**{name: "https://guard.example"})
    assert "DAILIES_GUARD_WEBHOOK_SECRET" in problem
    inside = {
        name: "http://guard.internal/ask",
        "DAILIES_GUARD_WEBHOOK_SECRET": "hush",
        "DAILIES_PRIVATE_HOSTS": "guard.internal",
    }
    settings = Settings.load({**CONNECTION, **inside})
    assert settings.guard_webhook_url == inside[name]
    assert "hush" not in repr(settings)
    with pytest.raises(SettingsError, match="DAILIES_GUARD_WEBHOOK_SECRET: expected") as raised:
        guards_of(settings, azure_credential(None, {}))
    assert "hush" not in str(raised.value)


def test_polling_bounds_must_agree() -> None:
    (problem,) = _problems(DAILIES_POLL_MIN_SECONDS="50", DAILIES_POLL_MAX_SECONDS="10")
    assert "DAILIES_POLL_MIN_SECONDS" in problem


def test_a_secret_is_neither_shown_nor_in_a_problem() -> None:
    environ = {"VideoStorage": "AccountKey=hush", "DAILIES_EVENT_TOPIC_KEY": "hush"}
    assert "hush" not in repr(Settings.load(environ))
    problems = _problems(VideoStorage="AccountKey=hush", DAILIES_RETRY_SECONDS="soon")
    assert "hush" not in str(problems)


def test_a_wrong_key_is_not_repeated() -> None:
    assert "letmein" not in str(_problems(DAILIES_API_KEYS="alice=letmein"))


def test_keys_are_hashes_of_owners() -> None:
    settings = Settings.load(
        {**CONNECTION, "DAILIES_API_KEYS": f"alice=sha256:{HASH}, bob=sha256:{HASH[::-1]},"}
    )
    assert [(key.owner, key.digest) for key in settings.api_keys] == [
        ("alice", HASH),
        ("bob", HASH[::-1]),
    ]


def test_a_key_may_have_priorities_and_its_owner_a_weight() -> None:
    keys = (
        f"alice=sha256:{HASH};priorities=low+normal;weight=3",
        f"alice=sha256:{HASH[::-1]};weight=2",
        f"bob=sha256:{HASH};priorities=high",
    )
    settings = Settings.load({**CONNECTION, "DAILIES_API_KEYS": ",".join(keys)})
    priorities = [key.limits.priorities for key in settings.api_keys]
    assert priorities == [("low", "normal"), None, ("high",)]
    assert [settings.weight_of(name) for name in ("alice", "bob", "carol")] == [3, 1, 1]


@pytest.mark.parametrize("level", ["debug", "Debug", " DEBUG ", "warning", "CRITICAL"])
def test_a_level_may_be_written_in_any_case(level: str) -> None:
    settings = Settings.load({**CONNECTION, "DAILIES_LOG_LEVEL": level})
    assert settings.log_level == level.strip().upper()
    assert logging.getLevelName(settings.log_level) in range(10, 60)


@pytest.mark.parametrize("url", ["http://localhost:1/", "http://127.0.0.1:1", "http://[::1]:1"])
def test_plain_http_is_for_the_loopback_interface(url: str) -> None:
    settings = Settings.load({**CONNECTION, "DAILIES_EVENT_TOPIC_ENDPOINT": url})
    assert settings.topic_endpoint == url.rstrip("/")


def test_every_setting_has_a_name_of_its_own() -> None:
    names = Settings.environment_names()
    assert len(names) == len(Settings.model_fields)
    assert "DAILIES_API_KEYS" in names
