"""``python -m local.host --app-dir DIR --port P --state-dir DIR``: serve a function app."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import sys
from pathlib import Path

from .config import ConfigurationError
from .listeners import HostEndedError
from .server import Host, HostOptions

_log = logging.getLogger("host")


def _options(arguments: list[str] | None = None) -> HostOptions:
    parser = argparse.ArgumentParser(
        prog="python -m local.host",
        description="Serve a Python function app as Azure Functions does. App settings are taken "
        "from the environment.",
    )
    parser.add_argument("--app-dir", type=Path, required=True, help="folder of function_app.py")
    parser.add_argument("--state-dir", type=Path, required=True, help="task hub, keys, receipts")
    parser.add_argument("--port", type=int, default=7071, help="0 picks a free one")
    parser.add_argument("--bind", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--status-file", type=Path, help="JSON, rewritten at every change")
    parser.add_argument(
        "--speed", type=float, default=1.0, help="simulated seconds per second (default: 1)"
    )
    parser.add_argument(
        "--like-azure",
        action="store_true",
        help="be as slow as Azure after a killed host, and with timers",
    )
    given = parser.parse_args(arguments)
    return HostOptions(
        app_dir=given.app_dir.resolve(),
        state_dir=given.state_dir.resolve(),
        bind=given.bind,
        port=given.port,
        status_file=given.status_file.resolve() if given.status_file else None,
        speed=given.speed,
        like_azure=given.like_azure,
    )


async def _run(options: HostOptions) -> None:
    host = Host(options)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    _log.info("listening on %s:%d", options.bind, host.status.current.port)
    await host.run(stop)


def main() -> int:
    """Run the host until SIGTERM or SIGINT.

    :returns: the exit code: 0 after a signal, 2 when the configuration cannot be used, 1 when
        something has happened that ends the real host as well.
    """
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s %(levelname)-7s %(name)s: %(message)s",
        stream=sys.stderr,
    )
    for noisy in ("uvicorn", "azure", "httpx"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    status = 0
    try:
        asyncio.run(_run(_options()))
    except* (ConfigurationError, OSError, RuntimeError) as errors:
        _tell(errors)
        status = 2
    except* HostEndedError as errors:
        _tell(errors)
        status = 1
    return status


def _tell(errors: BaseExceptionGroup[BaseException]) -> None:
    for error in errors.exceptions:
        if isinstance(error, BaseExceptionGroup):
            _tell(error)
        else:
            _log.error("%s", error)


if __name__ == "__main__":
    sys.exit(main())
