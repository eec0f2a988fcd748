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

__all__ = ["configure_logging", "invocation", "invocation_in_thread"]

_running: set[str] = set()
_of_task: contextvars.ContextVar[str] = contextvars.ContextVar("invocation", default="")
_of_thread = threading.local()


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
    _of_thread.identity = identity
    try:
        yield
    finally:
        _of_thread.identity = ""


def _is_heard(_: logging.LogRecord) -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return getattr(_of_thread, "identity", "") in _running
    return _of_task.get() in _running


def configure_logging() -> None:
    """The app's log records go to stderr, one line each, from INFO on as in Azure."""
    handler = logging.StreamHandler()
    handler.setFormatter(
        logging.Formatter("%(asctime)s %(levelname)-7s worker %(name)s: %(message)s")
    )
    handler.addFilter(_is_heard)
    logging.basicConfig(level=logging.INFO, handlers=[handler])
