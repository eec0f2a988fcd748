"""Entry of the worker process: ``python -m local.host.worker APP_DIR FD PARENT_PID``.

Started by the host only. The file descriptor is one end of a socket pair; when the host's end
closes, for whatever reason, the process exits at once.
"""

from __future__ import annotations

import asyncio
import ctypes
import logging
import os
import signal
import socket
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from .channel import Channel, ChannelClosedError
from .logs import configure_logging

if TYPE_CHECKING:
    from .invoke import OwnWorker
    from .microsoft import MicrosoftWorker

    Worker = MicrosoftWorker | OwnWorker

_PR_SET_PDEATHSIG = 1


def _die_with_parent(parent: int) -> None:
    """Ask Linux for SIGKILL when the host dies; elsewhere the channel's end of file must do."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def _leave_signals_to_host() -> None:
    """Do nothing about those that reach the whole process group: the host ends its worker.

    A handler, unlike SIG_IGN, is not inherited by the programs that the app may start.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)


async def _serve(app_dir: Path, end: socket.socket) -> None:
    channel = await Channel.open(end)
    try:
        # Imported late: the app's imports are the slow part, and their failure must be reported.
        from .microsoft import MicrosoftWorker, is_there

        if is_there():
            worker: Worker = await MicrosoftWorker.start(app_dir)
        else:
            from .invoke import OwnWorker

            worker = await OwnWorker.start(app_dir)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - any failure to import is the app's
        is_plain = type(error).__name__ == "IndexingError"
        await channel.send(
            {
                "kind": "failed",
                "error": str(error) if is_plain else f"{type(error).__name__}: {error}",
                "traceback": traceback.format_exc(),
            }
        )
        return
    _leave_signals_to_host()  # the server of HTTP streams has taken them
    ready = {"kind": "ready", "functions": worker.listing, "http_uri": worker.http_uri}
    await channel.send(ready)
    running: set[asyncio.Task[None]] = set()

    async def answer(header: dict[str, object], payload: bytes) -> None:
        reply, content = await worker.invoke(header, payload)
        await channel.send(reply, content)

    while True:
        header, payload = await channel.receive()
        task = asyncio.create_task(answer(header, payload))
        running.add(task)
        task.add_done_callback(running.discard)


def main() -> None:
    """Run until the host closes the channel."""
    app_dir, descriptor, parent = sys.argv[1:]
    _die_with_parent(int(parent))
    _leave_signals_to_host()
    configure_logging()
    end = socket.socket(fileno=int(descriptor))
    try:
        asyncio.run(_serve(Path(app_dir), end))
    except ChannelClosedError:
        pass
    finally:
        logging.shutdown()
        # Threads of the pool may be in the middle of a function: its result has nobody to go to.
        os._exit(0)


if __name__ == "__main__":
    main()
