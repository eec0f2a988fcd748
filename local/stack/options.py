"""What a user can choose about a stack."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from local.stack.errors import StackError
from local.stack.layout import APP_DIR, DEFAULT_STATE_DIR

__all__ = ["StackOptions"]

# Between these the scaled settings stay within what the app accepts.
_SLOWEST, _FASTEST = 0.1, 1000.0


@dataclass(frozen=True)
class StackOptions:
    """The options of ``python -m local start``, checked.

    Attributes:
        port: the app's port on the loopback interface; 0 picks one.
        state_dir: everything that outlives the stack's processes.
        speed: simulated seconds per second.
        ready_file: where to write the ready file; None leaves it in ``state_dir``.
        sora_endpoint: a real or other server in place of the simulated Sora.
        unlimited: lifts the simulated quotas.
        host: False leaves the functions host out, for ``func start``.
        subscribers: webhooks that get every event.
        like_azure: a host as slow as Azure's after it was killed, and with timers.
        telemetry: collects the app's traces and metrics in the simulated services.
        few_frames: the simulated providers make videos of a few frames only.
        guarded: the app asks the simulated Content Safety about all that it is to make.
    """

    port: int = 7071
    state_dir: Path = DEFAULT_STATE_DIR
    speed: float = 1.0
    ready_file: Path | None = None
    sora_endpoint: str | None = None
    unlimited: bool = False
    host: bool = True
    subscribers: tuple[str, ...] = ()
    telemetry: bool = False
    guarded: bool = False
    like_azure: bool = False
    few_frames: bool = False
    app_dir: Path = APP_DIR

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65_535:
            raise StackError(f"--port {self.port}: a port is a number from 0 to 65535")
        if not _SLOWEST <= self.speed <= _FASTEST:
            raise StackError(f"--speed {self.speed:g}: choose from {_SLOWEST:g} to {_FASTEST:g}")
        for flag, url in [
            ("--sora-endpoint", self.sora_endpoint),
            *(("--topic-subscriber", url) for url in self.subscribers),
        ]:
            if url is not None and not _is_http_url(url):
                raise StackError(f"{flag} {url}: expected an http:// or https:// URL")


def _is_http_url(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in {"http", "https"} and bool(parts.hostname)
