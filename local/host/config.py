"""What ``host.json`` and the app settings say about the host.

Settings of other extensions are accepted and have no meaning here.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["ConfigurationError", "HostConfig", "load_config", "resolve_settings"]

_TIMEOUT_SETTING = "AzureFunctionsJobHost__functionTimeout"
"""An app setting that wins over ``host.json``, as any of its values has one in the real host."""
DEFAULT_TIMEOUT_S = 30 * 60.0
"""The default ``functionTimeout`` of every plan but Consumption, in seconds."""


class ConfigurationError(Exception):
    """``host.json`` or a setting is not usable; the message says which and why."""


@dataclass(frozen=True)
class HostConfig:
    """The part of ``host.json`` that the local host honours."""

    route_prefix: str
    """Without slashes at its ends; empty for none."""
    hub_name: str
    max_activities: int
    """Activities that run at once."""
    max_orchestrators: int
    """Orchestrator turns, and apart from them entity batches, that run at once."""
    function_timeout_s: float | None
    """None: unlimited."""
    queue_polling_s: float
    """The longest pause between two looks at a queue of the task hub."""
    queue_visibility_s: float
    """For how long a message that a host has taken is hidden from others."""
    stops_gracefully: bool
    """A host that is told to stop finishes what it has taken."""


def load_config(app_dir: Path) -> HostConfig:
    """Read ``host.json`` of the app.

    :raises ConfigurationError: it is missing, no JSON object, or has a value that cannot be used.
    """
    path = app_dir / "host.json"
    try:
        document = json.loads(path.read_text())
    except FileNotFoundError:
        raise ConfigurationError(f"there is no host.json in {app_dir}") from None
    except ValueError as error:
        raise ConfigurationError(f"{path} is not valid JSON: {error}") from None
    if not isinstance(document, dict) or str(document.get("version")) != "2.0":
        raise ConfigurationError(f'{path} must be an object with "version": "2.0"')
    extensions: Mapping[str, Any] = document.get("extensions", {})
    durable: Mapping[str, Any] = extensions.get("durableTask", {})
    storage: Mapping[str, Any] = durable.get("storageProvider", {})
    default_concurrency = 10 * (os.cpu_count() or 1)
    return HostConfig(
        route_prefix=str(extensions.get("http", {}).get("routePrefix", "api")).strip("/"),
        hub_name=resolve_settings(str(durable.get("hubName", "TestHubName"))),
        max_activities=_count(durable, "maxConcurrentActivityFunctions", default_concurrency),
        max_orchestrators=_count(
            durable, "maxConcurrentOrchestratorFunctions", default_concurrency
        ),
        function_timeout_s=_timeout(
            os.environ.get(_TIMEOUT_SETTING, document.get("functionTimeout"))
        ),
        queue_polling_s=_duration(storage, "maxQueuePollingInterval", 30.0),
        queue_visibility_s=max(
            _duration(storage, "controlQueueVisibilityTimeout", 300.0),
            _duration(storage, "workItemQueueVisibilityTimeout", 300.0),
        ),
        stops_gracefully=durable.get("useGracefulShutdown") is True,
    )


def _count(section: Mapping[str, Any], key: str, default: int) -> int:
    value = section.get(key, default)
    if not isinstance(value, int) or value < 1:
        raise ConfigurationError(f"host.json: {key} must be a positive integer, not {value!r}")
    return value


def _timeout(value: Any) -> float | None:
    if value is None:
        return DEFAULT_TIMEOUT_S
    return None if str(value) == "-1" else _seconds("functionTimeout", value)


def _duration(section: Mapping[str, Any], key: str, default: float) -> float:
    return _seconds(key, section[key]) if key in section else default


def _seconds(key: str, value: Any) -> float:
    match = re.fullmatch(r"(?:(\d+)\.)?(\d{1,2}):(\d{2}):(\d{2})", str(value))
    if match is None:
        raise ConfigurationError(f"host.json: {key} must be hh:mm:ss, not {value!r}")
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return float(((days * 24 + hours) * 60 + minutes) * 60 + seconds)


def resolve_settings(text: str, settings: Mapping[str, str] | None = None) -> str:
    """Replace every ``%NAME%`` in a binding's value by the app setting NAME.

    :raises ConfigurationError: there is no such setting.
    """
    source = os.environ if settings is None else settings

    def value_of(match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in source:
            raise ConfigurationError(f"'%{name}%' does not resolve: there is no setting {name!r}")
        return source[name]

    return re.sub(r"%([^%\s]+)%", value_of, text)
