"""What the process is started with, and what can be changed while it runs."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

DEPLOYMENTS = {"sora-2": "sora-2", "sora-2-pro": "sora-2-pro", "sora": "sora"}
MODELS = frozenset(DEPLOYMENTS.values())
TOKEN_SECONDS = 86_400
STORAGE_CONNECTION = "SIMULATED_STORAGE_CONNECTION"
STORAGE_SUBSCRIBER = "SIMULATED_STORAGE_SUBSCRIBER"


@dataclass
class Settings:
    """Behaviour that ``PATCH /_inspect/settings`` may change; see ``local/README.md``."""

    unlimited: bool = False
    few_frames: bool = False
    token_seconds: float = TOKEN_SECONDS
    hide_prompts: bool = False
    results_kept: float = 3600.0
    deployments: dict[str, str] = field(default_factory=lambda: dict(DEPLOYMENTS))
    retired: set[str] = field(default_factory=set)
    retires: dict[str, str] = field(default_factory=dict)
    storage_events: bool = True
    untold_blobs: str | None = None


@dataclass(frozen=True)
class StorageAccount:
    """An Azurite whose uploads are told of.

    Attributes:
        log: its access log.
        container: the one whose uploads are told.
        subscriber: the address of the webhook, which may hold a key.
    """

    connection: str = field(repr=False)
    log: Path
    container: str
    subscriber: str = field(repr=False)


@dataclass(frozen=True)
class Options:
    """The command line."""

    port: int
    tls_port: int
    tls_cert: Path
    tls_key: Path
    state_dir: Path
    speed: float
    identity_header: str
    settings: Settings
    subscribers: tuple[str, ...] = ()
    sora_api_key: str | None = None
    topic_key: str | None = None
    storage: StorageAccount | None = None
    telemetry: bool = False


def parse(
    arguments: Sequence[str] | None = None, environ: Mapping[str, str] = os.environ
) -> Options:
    """Read the command line; exits with a message when it is wrong.

    What holds a key comes by the environment, where no list of processes shows it.
    """
    parser = _parser()
    given = parser.parse_args(arguments)
    for path in (given.tls_cert, given.tls_key):
        if not path.is_file():
            parser.error(f"{path} does not exist: make a certificate for 127.0.0.1 first")
    deployments = dict(given.deployment) if given.deployment else dict(DEPLOYMENTS)
    unknown = set(given.retired) - set(deployments)
    if unknown:
        parser.error(f"--retired names no deployment: {', '.join(sorted(unknown))}")
    return Options(
        port=given.port,
        tls_port=given.tls_port,
        tls_cert=given.tls_cert,
        tls_key=given.tls_key,
        state_dir=given.state_dir,
        speed=given.speed,
        identity_header=given.identity_header,
        settings=Settings(
            unlimited=given.unlimited,
            few_frames=given.few_frames,
            token_seconds=given.token_seconds,
            deployments=deployments,
            retired=set(given.retired),
        ),
        subscribers=tuple(given.topic_subscriber),
        sora_api_key=given.sora_api_key,
        topic_key=given.topic_key,
        storage=_storage(parser, given, environ),
        telemetry=given.telemetry,
    )


def _storage(
    parser: argparse.ArgumentParser, given: argparse.Namespace, environ: Mapping[str, str]
) -> StorageAccount | None:
    if given.storage_log is None:
        return None
    try:
        return StorageAccount(
            connection=environ[STORAGE_CONNECTION],
            log=given.storage_log,
            container=given.storage_container,
            subscriber=environ[STORAGE_SUBSCRIBER],
        )
    except KeyError as missing:
        parser.error(f"--storage-log needs the environment variable {missing.args[0]}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m local.services", description="Simulated Azure services on this machine."
    )
    add = parser.add_argument
    add("--port", type=int, required=True, help="http on 127.0.0.1 (0 picks one)")
    add("--tls-port", type=int, required=True, help="https on 127.0.0.1 (0 picks one)")
    add("--tls-cert", type=Path, required=True, help="PEM certificate for 127.0.0.1")
    add("--tls-key", type=Path, required=True, help="PEM private key")
    add("--state-dir", type=Path, required=True, help="jobs, keys, events and files live here")
    add("--speed", type=_positive, default=1.0, help="simulated seconds per second (default 1)")
    add("--unlimited", action="store_true", help="lift Sora's quotas")
    add("--identity-header", required=True, help="the secret that IDENTITY_HEADER holds")
    add("--token-seconds", type=_positive, default=TOKEN_SECONDS, help="real life of a token")
    add("--topic-subscriber", action="append", default=[], metavar="URL", help="webhook")
    add("--topic-key", help="also accept this aeg-sas-key at the topic")
    add("--storage-log", type=Path, help="Azurite's access log: its uploads become events")
    add("--storage-container", default="references", help="the container whose uploads are told")
    add("--telemetry", action="store_true", help="an app will send its traces and metrics")
    add("--few-frames", action="store_true", help="make videos of a few frames only")
    add("--sora-api-key", help="also accept this api-key at Sora")
    add("--deployment", action="append", type=_deployment, metavar="NAME=MODEL")
    add("--retired", action="append", default=[], metavar="NAME", help="this deployment is gone")
    return parser


def _positive(text: str) -> float:
    value = float(text)
    if value <= 0:
        raise argparse.ArgumentTypeError(f"must be more than 0, not {text}")
    return value


def _deployment(text: str) -> tuple[str, str]:
    name, _, model = text.partition("=")
    if not name or model not in MODELS:
        known = ", ".join(sorted(MODELS))
        raise argparse.ArgumentTypeError(f"expected NAME=MODEL with MODEL one of {known}: {text}")
    return name, model
