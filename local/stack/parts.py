"""Which parts make up the stack, and how each is run."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping

from local.host.keys import load_keys
from local.services.settings import STORAGE_CONNECTION, STORAGE_SUBSCRIBER
from local.stack.azurite import azurite_part
from local.stack.environment import (
    REFERENCES_SETTING,
    Wiring,
    connection_string,
    direct_loopback,
    process_environment,
)
from local.stack.layout import APP_DIR, StateDir
from local.stack.options import StackOptions
from local.stack.probes import listening, reported_ready, works_with_its_settings
from local.stack.processes import Part

__all__ = ["DROP_FUNCTION", "Plan", "host_part", "plan_parts", "services_part"]

DROP_FUNCTION = "reference_uploaded"
"""The app's function for uploads, as ``infra/blob-events.bicep`` names it."""

Plan = Callable[
    [StackOptions, StateDir, Wiring, Mapping[str, str], Mapping[str, str]], Iterable[list[Part]]
]
"""Options, directory, wiring, the app's settings and the user's environment, to stages: the parts
of a stage start side by side, after all those of the stage before are ready."""


def plan_parts(
    options: StackOptions,
    state: StateDir,
    wiring: Wiring,
    settings: Mapping[str, str],
    environ: Mapping[str, str],
) -> list[list[Part]]:
    """The stack as it is: the host comes last, as its app uses everything else.

    Raises:
        StackError: when something is not installed.
    """
    stages = [
        [
            azurite_part(state, wiring, settings, environ),
            services_part(options, state, wiring, settings, environ),
        ]
    ]
    if options.host:
        stages.append([host_part(options, state, wiring, settings, environ)])
    return stages


def services_part(
    options: StackOptions,
    state: StateDir,
    wiring: Wiring,
    settings: Mapping[str, str],
    environ: Mapping[str, str] = os.environ,
) -> Part:
    """Identity endpoint, Sora, the Event Grid topic, and the events of the storage account."""
    ports, files = wiring.ports, wiring.certificates
    command = [sys.executable, "-m", "local.services"]
    command += ["--port", str(ports.services), "--tls-port", str(ports.services_tls)]
    command += ["--tls-cert", str(files.server), "--tls-key", str(files.server_key)]
    command += ["--state-dir", str(state.services), "--speed", f"{options.speed:g}"]
    command += ["--identity-header", wiring.keys.identity_header]
    if options.unlimited:
        command.append("--unlimited")
    if options.few_frames:
        command.append("--few-frames")
    if options.telemetry:
        command.append("--telemetry")
    if options.sora_endpoint:
        command += ["--topic-key", wiring.keys.topic_key]
    for url in options.subscribers:
        command += ["--topic-subscriber", url]
    command += ["--storage-log", str(state.azurite_log)]
    command += ["--storage-container", settings[REFERENCES_SETTING]]
    environment = {
        **direct_loopback(environ),
        "PYTHONUNBUFFERED": "1",
        STORAGE_CONNECTION: connection_string(wiring),
        STORAGE_SUBSCRIBER: _drop_webhook(state, wiring),
    }
    return Part(
        name="services",
        command=tuple(command),
        environment=environment,
        cwd=APP_DIR,
        log=state.logs / "services.log",
        probe=listening(ports.services, ports.services_tls),
    )


def _drop_webhook(state: StateDir, wiring: Wiring) -> str:
    """Where Event Grid tells the app of uploads, with the key that the host asks for there."""
    code = load_keys(state.host).system["eventgrid_extension"]
    return f"{wiring.base_url}/runtime/webhooks/EventGrid?functionName={DROP_FUNCTION}&code={code}"


def host_part(
    options: StackOptions,
    state: StateDir,
    wiring: Wiring,
    settings: Mapping[str, str],
    environ: Mapping[str, str] = os.environ,
) -> Part:
    """The functions host with the app, whose process gets ``settings`` as its environment."""
    command = [sys.executable, "-m", "local.host", "--app-dir", str(options.app_dir)]
    command += ["--port", str(wiring.ports.host), "--state-dir", str(state.host)]
    command += ["--status-file", str(state.host_status), "--speed", f"{options.speed:g}"]
    if options.like_azure:
        command.append("--like-azure")
    return Part(
        name="host",
        command=tuple(command),
        environment=process_environment(settings, options, environ),
        cwd=APP_DIR,
        log=state.logs / "host.log",
        probe=reported_ready(state.host_status),
        prepare=works_with_its_settings(wiring.ports.host),
        stop_within=15.0,
    )
