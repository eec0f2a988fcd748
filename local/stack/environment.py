"""The settings that the app runs with on the stack, and the environment of its process.

The app reads settings from its environment, in Azure as here; nothing in it knows which of the two
it is. With the simulated Sora, the app signs in as in App Service: with the identity endpoint named
by ``IDENTITY_ENDPOINT`` and ``IDENTITY_HEADER``. With another server (``--sora-endpoint``) it has
the user's own credential instead; the topic, still a simulated one, then takes an access key, so
that no real token is sent to it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from local.services.management import ACCOUNT_ID
from local.services.upstreams import key_of, upstream_settings
from local.stack.certificates import Certificates
from local.stack.files import write_private
from local.stack.keys import Keys, hashed
from local.stack.options import StackOptions
from local.stack.ports import LOOPBACK, Ports
from local.stack.resources import REFERENCES, VIDEOS

__all__ = [
    "REFERENCES_SETTING",
    "Wiring",
    "app_settings",
    "connection_string",
    "process_environment",
    "write_local_settings",
]

STORAGE_ACCOUNT = "devstoreaccount1"
REFERENCES_SETTING = "DAILIES_REFERENCES_CONTAINER"
CONTAINER_SETTINGS = (REFERENCES_SETTING, "DAILIES_VIDEOS_CONTAINER")
_KEY_SETTINGS = ("DAILIES_API_KEYS", "DAILIES_ADMIN_KEYS")
_MARK = "LOCAL_SETTINGS_WRITTEN_BY"
_MARKS = (_MARK, "DAILIES_LOCAL_SETTINGS_BY")  # the second is an older one's
_FOR_CLIENTS = ("DAILIES_URL", "DAILIES_KEY", "DAILIES_ADMIN_KEY")
"""What the examples call an address and keys: nothing that the app reads."""
# What could make the app sign in as somebody, or store or report somewhere, that the user did not
# mean here.
_IDENTITY_PREFIXES = ("AZURE_", "IDENTITY_", "MSI_", "IMDS_", "APPLICATIONINSIGHTS_")
_OWN_PREFIXES = ("AzureWebJobsStorage", "VideoStorage")


@dataclass(frozen=True)
class Wiring:
    """Where the parts of one stack are, and what they share."""

    ports: Ports
    keys: Keys
    certificates: Certificates

    @property
    def base_url(self) -> str:
        return f"http://{LOOPBACK}:{self.ports.host}"

    @property
    def simulator_url(self) -> str:
        return f"http://{LOOPBACK}:{self.ports.services}"

    @property
    def tls_url(self) -> str:
        return f"https://{LOOPBACK}:{self.ports.services_tls}"

    @property
    def topic_url(self) -> str:
        return f"{self.tls_url}/topics/dailies/api/events"


def connection_string(wiring: Wiring) -> str:
    """The connection string of the stack's storage account."""
    ports = wiring.ports
    endpoints = {"Blob": ports.azurite_blob, "Queue": ports.azurite_queue}
    endpoints["Table"] = ports.azurite_table
    return ";".join(
        [
            "DefaultEndpointsProtocol=http",
            f"AccountName={STORAGE_ACCOUNT}",
            f"AccountKey={wiring.keys.storage_key}",
            *(
                f"{service}Endpoint=http://{LOOPBACK}:{port}/{STORAGE_ACCOUNT}"
                for service, port in endpoints.items()
            ),
        ]
    )


def app_settings(
    options: StackOptions, wiring: Wiring, environ: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """The app's settings, by the names of their environment variables.

    A user's own variables win: those that start with ``DAILIES_`` always, those that start with
    ``AZURE_OPENAI_`` only together with ``--sora-endpoint``: a shell that happens to be set up for
    a real resource must not make a local demo cost money.
    """
    storage = connection_string(wiring)
    settings = {
        "VideoStorage": storage,
        "AzureWebJobsStorage": storage,
        "FUNCTIONS_WORKER_RUNTIME": "python",
        "PYTHON_ENABLE_INIT_INDEXING": "1",  # for HTTP streams
        "DAILIES_API_KEYS": hashed("local", wiring.keys.api_key),
        "DAILIES_ADMIN_KEYS": hashed("admin", wiring.keys.admin_key),
        "DAILIES_DROP_OWNER": "local",
        "DAILIES_REFERENCES_CONTAINER": REFERENCES,
        "DAILIES_VIDEOS_CONTAINER": VIDEOS,
        "DAILIES_EVENT_TOPIC_ENDPOINT": wiring.topic_url,
        "DAILIES_WEBHOOK_HOSTS": "localhost,127.0.0.0/8,::1",
        "AZURE_OPENAI_ENDPOINT": options.sora_endpoint or wiring.simulator_url,
        "DAILIES_PUBLIC_URL": wiring.base_url,
        "SSL_CERT_FILE": str(wiring.certificates.bundle),
        "REQUESTS_CA_BUNDLE": str(wiring.certificates.bundle),
        **_scaled(options.speed),
    }
    if options.unlimited:
        settings["DAILIES_ENFORCE_QUOTA"] = "false"
    if options.sora_endpoint is None:
        settings["IDENTITY_ENDPOINT"] = f"{wiring.simulator_url}/identity/token"
        settings["IDENTITY_HEADER"] = wiring.keys.identity_header
        settings["DAILIES_AZURE_OPENAI_ACCOUNT"] = ACCOUNT_ID
        settings["DAILIES_AZURE_MANAGEMENT"] = wiring.tls_url
        # All are set up here, so that the first would be that of a server of one's own.
        settings["DAILIES_DEFAULT_MODEL"] = "sora-2"
        # Some are signed in to with that identity.
        settings |= upstream_settings(wiring.simulator_url, key_of(wiring.keys.identity_header))
    else:
        settings["DAILIES_EVENT_TOPIC_KEY"] = wiring.keys.topic_key
    if options.guarded:
        settings["DAILIES_CONTENT_SAFETY_ENDPOINT"] = wiring.tls_url
    if options.telemetry:
        settings |= _telemetry(wiring)
    own = ("DAILIES_", "AZURE_OPENAI_") if options.sora_endpoint else ("DAILIES_",)
    for name, value in environ.items():
        if name in _KEY_SETTINGS and value:
            settings[name] += f",{value}"  # beside the stack's own, which the ready file names
        elif name.startswith(own) and name not in _FOR_CLIENTS:
            settings[name] = value
    if options.sora_endpoint:
        settings["AZURE_OPENAI_ENDPOINT"] = options.sora_endpoint
    return settings


def process_environment(
    settings: Mapping[str, str], options: StackOptions, environ: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """The whole environment of the host's process: the user's, made safe, and ``settings``.

    The user's credentials (``AZURE_…``) reach the app only together with ``--sora-endpoint``.
    """
    hidden = _OWN_PREFIXES if options.sora_endpoint else (*_OWN_PREFIXES, *_IDENTITY_PREFIXES)
    inherited = {
        name: value
        for name, value in environ.items()
        if not name.startswith(hidden) and name not in _FOR_CLIENTS
    }
    return {**direct_loopback(inherited), "PYTHONUNBUFFERED": "1", **settings}


def direct_loopback(environ: Mapping[str, str]) -> dict[str, str]:
    """``environ``, with any proxy told to leave this machine's own traffic alone."""
    result = dict(environ)
    known = result.get("no_proxy") or result.get("NO_PROXY") or ""
    entries = [entry.strip() for entry in known.split(",") if entry.strip()]
    entries += [name for name in (LOOPBACK, "localhost") if name not in entries]
    result["no_proxy"] = result["NO_PROXY"] = ",".join(entries)
    return result


def write_local_settings(path: Path, settings: Mapping[str, str]) -> bool:
    """Write ``settings`` as Core Tools' ``local.settings.json``.

    Returns:
        False when the file is the user's own (it lacks our mark): it is left as it is.
    """
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        if not any(mark in stored.get("Values", {}) for mark in _MARKS):
            return False
    except FileNotFoundError:
        pass
    except (ValueError, AttributeError):
        return False
    values = {_MARK: "python -m local start (rewritten at each start)", **settings}
    write_private(path, json.dumps({"IsEncrypted": False, "Values": values}, indent=2) + "\n")
    return True


def _telemetry(wiring: Wiring) -> dict[str, str]:
    """To the simulated services, and soon: a trace is looked at when its video has just ended."""
    return {
        "OTEL_EXPORTER_OTLP_ENDPOINT": wiring.simulator_url,
        "OTEL_BSP_SCHEDULE_DELAY": "500",  # ms
        "OTEL_METRIC_EXPORT_INTERVAL": "2000",  # ms
    }


def _scaled(speed: float) -> dict[str, str]:
    """Durations of the app, in real seconds, such that simulated ones keep their proportions."""
    seconds = {
        "DAILIES_POLL_MIN_SECONDS": max(1 / speed, 0.05),
        "DAILIES_POLL_MAX_SECONDS": max(30 / speed, 0.2),
        "DAILIES_TYPICAL_RENDER_SCALE": 1 / speed,
        "DAILIES_VIDEO_DEADLINE_SECONDS": max(3600 / speed, 30),
        "DAILIES_QUOTA_WINDOW_SECONDS": 60 / speed,
        "DAILIES_SIDECAR_WAIT_SECONDS": max(60 / speed, 5),
        "DAILIES_SUBMIT_TIMEOUT_SECONDS": min(max(90 / speed, 10), 230),
        "DAILIES_SUBMIT_DEADLINE_SECONDS": max(86_400 / speed, 60),
        "DAILIES_RECONCILE_PAUSE_SECONDS": max(15 / speed, 0.25),
        "DAILIES_THROTTLE_WAIT_SECONDS": max(30 / speed, 0.25),
        "DAILIES_RETRY_SECONDS": max(5 / speed, 0.25),
        "DAILIES_BREAKER_WINDOW_SECONDS": max(900 / speed, 15),
        "DAILIES_BREAKER_PAUSE_SECONDS": max(30 / speed, 0.5),
    }
    scaled = {name: f"{value:.6g}" for name, value in seconds.items()}
    # The sweeper works in real time: its grace is a process's start, not a render's length.
    return {
        **scaled,
        "DAILIES_SWEEP_SCHEDULE": "*/5 * * * * *",
        "DAILIES_SWEEP_GRACE_SECONDS": "5",
    }
