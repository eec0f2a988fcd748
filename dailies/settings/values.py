"""What settings may hold: their words, and how each text is read."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import (
    BeforeValidator,
    SecretStr,
)

from dailies.hosts import NO_HOSTS, PrivateHosts
from dailies.owners.guard import (
    read_blocklists,
    read_severities,
)
from dailies.owners.key import OWNER_NAME, Key
from dailies.video.guarding import Harm

__all__ = [
    "LOOPBACK",
    "MOST_REQUEST_SECONDS",
    "REQUEST_SECONDS",
    "Blocklists",
    "ContentDelivery",
    "Endpoint",
    "GuardFailure",
    "Hosts",
    "Keys",
    "LogLevel",
    "Names",
    "OptionalSecret",
    "OptionalText",
    "OtlpProtocol",
    "Severities",
    "Telemetry",
    "UnresolvedSubmit",
    "empty_is_unset",
    "https_or_loopback",
    "is_safe_url",
    "is_true",
    "upper",
]

_HASHED_KEY = re.compile(
    rf"^(?P<owner>{OWNER_NAME})=sha256:(?P<digest>[0-9a-f]{{64}})"
    r"(;priorities=(?P<priorities>(low|normal|high)(\+(low|normal|high))*))?"
    r"(;weight=(?P<weight>[1-9][0-9]{0,2}))?$"
)
_IN_SETTINGS = "settings-"
"""What the ids of keys begin with that stand in the settings; the start of the hash follows."""
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

REQUEST_SECONDS = 1200.0
"""The default of ``DAILIES_REQUEST_SECONDS``."""
MOST_REQUEST_SECONDS = 1500
"""Five minutes, for what is then still on its way, before the host's ``functionTimeout``."""


class ContentDelivery(StrEnum):
    """How ``GET /videos/{id}/content`` hands over the bytes."""

    REDIRECT = "redirect"
    STREAM = "stream"


class Telemetry(StrEnum):
    """What becomes of traces and metrics."""

    EXPORT = "export"
    """They go wherever an exporter is set up, and are not made where none is."""
    CONSOLE = "console"
    """The same, and spans are written to the standard error output, one JSON object a line."""
    OFF = "off"


class OtlpProtocol(StrEnum):
    """The forms of OTLP over HTTP; gRPC is not spoken."""

    JSON = "http/json"
    PROTOBUF = "http/protobuf"


class LogLevel(StrEnum):
    """Levels of the standard ``logging``; written in any case."""

    DEBUG = "DEBUG"
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"
    CRITICAL = "CRITICAL"


class UnresolvedSubmit(StrEnum):
    """What to do when nobody can say whether the provider took a request."""

    RESEND = "resend"
    FAIL = "fail"


class GuardFailure(StrEnum):
    """What becomes of a video that the guards can't judge."""

    CLOSED = "closed"
    """It is not made; or, where it is made, not delivered."""
    OPEN = "open"


def _split_keys(value: object) -> object:
    if not isinstance(value, str):
        return value
    keys = []
    for part in filter(None, (piece.strip() for piece in value.split(","))):
        match = _HASHED_KEY.match(part)
        if match is None:
            raise ValueError(
                "expected 'owner=sha256:<64 hex digits>', comma-separated; owners are lower-case "
                "letters, digits and hyphens. Make a hash with: "
                'printf %s "$DAILIES_KEY" | sha256sum. After it may stand '
                "';priorities=low+normal' and then ';weight=2', of 1 to 999"
            )
        found = match.groupdict()
        named = found["priorities"]
        priorities = None if named is None else tuple(dict.fromkeys(named.split("+")))
        weight = None if found["weight"] is None else int(found["weight"])
        limits = {"priorities": priorities, "weight": weight}
        key_id = f"{_IN_SETTINGS}{found['digest'][:8]}"
        keys.append(Key.model_validate({**found, "id": key_id, "limits": limits}))
    return tuple(keys)


def empty_is_unset(value: object) -> object:
    return None if value == "" else value


def is_true(value: object) -> object:
    """Anything but a clear yes is a no: this is the platform's word, and no reason to stop."""
    return value.strip().lower() == "true" if isinstance(value, str) else value


def upper(value: object) -> object:
    return value.strip().upper() if isinstance(value, str) else value


def https_or_loopback(value: object) -> object:
    if value in (None, ""):
        return None
    if is_safe_url(str(value)):
        return str(value).rstrip("/")
    raise ValueError("expected an https:// URL (http:// only towards the loopback interface)")


def is_safe_url(url: str, private: PrivateHosts = NO_HOSTS) -> bool:
    """Whether a credential may be sent to a URL: it is https, or leads to this machine or to one
    of the operator's own network."""
    parts = urlsplit(url)
    inside = parts.hostname in LOOPBACK or parts.hostname in private
    return parts.scheme == "https" or (parts.scheme == "http" and inside)


def _split_hosts(value: object) -> object:
    return PrivateHosts.parse(value) if isinstance(value, str) else value


def _split_names(value: object) -> object:
    if not isinstance(value, str):
        return value
    names = tuple(filter(None, (piece.strip() for piece in value.split(","))))
    if wrong := [name for name in names if not all(map(str.isidentifier, name.split(".")))]:
        raise ValueError(f"{wrong[0][:64]!r} is no dotted name of a Python package, as 'my.models'")
    return names


Severities = Annotated[dict[Harm, int], BeforeValidator(read_severities)]
Blocklists = Annotated[tuple[str, ...], BeforeValidator(read_blocklists)]
Names = Annotated[tuple[str, ...], BeforeValidator(_split_names)]
Hosts = Annotated[PrivateHosts, BeforeValidator(_split_hosts)]
Keys = Annotated[tuple[Key, ...], BeforeValidator(_split_keys)]
Endpoint = Annotated[str | None, BeforeValidator(https_or_loopback)]
OptionalText = Annotated[str | None, BeforeValidator(empty_is_unset)]
OptionalSecret = Annotated[SecretStr | None, BeforeValidator(empty_is_unset)]
