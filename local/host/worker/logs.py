"""What of the app's log reaches the host: only what is said within an invocation.

Source: ``azure_functions_worker`` (``dispatcher.py``). A record is the invocation's whose task, or
whose thread of the pool, writes it. The host drops what belongs to none that runs: what is logged
at import, by threads of one's own (``asyncio.to_thread`` among them), or after the function's end.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["configure_logging", "invocation", "invocation_in_thread", "threads_as_told_by"]

_running: set[str] = set()
_of_task: contextvars.ContextVar[str] = contextvars.ContextVar("invocation", default="")
_of_thread = threading.local()
"""Its ``invocation_id``; Microsoft's worker has one of its own with the same name."""


@contextmanager
def invocation(identity: str) -> Iterator[None]:
    """What the current task logs, and those that it starts, is this invocation's while it runs."""
    token = _of_task.set(identity)
    _running.add(identity)
    try:
        yield
    finally:
        _running.discard(identity)
        _of_task.reset(token)


@contextmanager
def invocation_in_thread(identity: str) -> Iterator[None]:
    """The same for the current thread, which is one of the worker's pool."""
    _of_thread.invocation_id = identity
    try:
        yield
    finally:
        _of_thread.invocation_id = ""


def threads_as_told_by(local: threading.local) -> None:
    """Have a worker with a thread pool of its own tell whose thread it is."""
    global _of_thread
    _of_thread = local


def _is_heard(_: logging.LogRecord) -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return getattr(_of_thread, "invocation_id", "") in _running
    return _of_task.get() in _running


def configure_logging() -> None:
    """The app's log records go to stderr, one line each, from INFO on as in Azure."""
    handler = logging.StreamHandler()
    handler.setFormatter(
        logging.Formatter("%(asctime)s %(levelname)-7s worker %(name)s: %(message)s")
    )
    handler.addFilter(_is_heard)
    logging.basicConfig(level=logging.INFO, handlers=[handler])
