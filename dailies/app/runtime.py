"""The one ``Services`` of this process, built at its first use.

Nothing is built at import time, nor are the parts imported: the host can index the functions of a
package that has no settings, a wrong setting is answered with its name instead of an app that has
no functions, and a worker that starts is soon there.
"""

from __future__ import annotations

import functools
import logging
import os
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

from dailies.engine import Step, VideoRef
from dailies.pipeline.spans import end_step, step_span
from dailies.telemetry.logs import log_event, telling_fault
from dailies.video.errors import SettingsError

if TYPE_CHECKING:
    from dailies.services import Services

__all__ = [
    "host_trace",
    "log_settings",
    "quieten_libraries",
    "run_step",
    "services",
    "start_work",
]

_TALKATIVE = ("azure", "httpx", "httpcore")
"""Loggers of libraries that write a line or more for each of their requests: in Azure, more than
all that the app itself has to say."""
_TELL_AGAIN = 240.0
"""Seconds: below the five minutes between sweeps, since timers come early or late."""

Given = TypeVar("Given", bound=VideoRef)


@functools.cache
def services() -> Services:
    """The parts of the app, from the environment's settings.

    Raises:
        SettingsError: naming every setting that is wrong; raised again at the next call.
    """
    from dailies.services import Services

    return Services.build(os.environ)


def quieten_libraries() -> None:
    """Leave out of the logs what libraries say of each of their requests."""
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)


@functools.cache
def _heed_log_level() -> None:
    logging.getLogger("dailies").setLevel(services().settings.log_level)


class _Teller:
    """Logs each setting that is wrong or doubtful, by name.

    In Azure nobody sees what is logged outside an invocation, as at the app's start: so it is said
    in the first one of each process, and later by sweeps, though not by each of many.
    """

    def __init__(self) -> None:
        self._told_at: float | None = None

    def tell(self, *, again: bool = False) -> None:
        """Say it, once in a process; ``again``, unless that was a moment ago."""
        now = time.monotonic()
        if self._told_at is not None and not (again and now - self._told_at > _TELL_AGAIN):
            return
        self._told_at = now
        log_settings()


_teller = _Teller()


def log_settings() -> None:
    """Log each setting that is wrong or doubtful, by name."""
    from dailies.app.doubts import doubtful_settings

    try:
        catalogue = services().catalogue
        # Where other models serve, what is left out is not in use; where none does, it is missing.
        for problem in () if catalogue.models else catalogue.left_out:
            log_event("setting_wrong", level=logging.CRITICAL, problem=problem)
    except SettingsError as error:
        for problem in error.problems:
            log_event("setting_wrong", level=logging.CRITICAL, problem=problem)
    for problem in doubtful_settings(os.environ):
        log_event("setting_doubtful", level=logging.WARNING, problem=problem)


def start_work(*, tell_again: bool = False) -> None:
    """What comes first in every invocation: what is wrong is told, and telemetry begins.

    Args:
        tell_again: also when an earlier invocation of this process has told it.

    Raises:
        SettingsError: as ``services``.
    """
    with suppress(SettingsError):  # told by the next line
        _heed_log_level()
    _teller.tell(again=tell_again)
    start_telemetry()


@functools.cache
def start_telemetry() -> None:
    """Begin to make traces and metrics, if the settings want them; at the first work of a process.

    Not as the app starts: the host starts it also only to index its functions. Call it where the
    loop runs, which is watched from then on.

    Raises:
        SettingsError: as ``services``.
    """
    settings = services().settings
    if settings.exports_telemetry:
        # Imported here: it is not needed where nothing is exported.
        from dailies.app.exporters import start
        from dailies.telemetry.loop_lag import watch_loop

        if start(settings) is not None:
            watch_loop()


def host_trace(traceparent: str | None) -> str | None:
    """The host's own trace of an invocation, where it is told to where our spans go.

    That is Application Insights; anywhere else the host's span is one that never arrives.

    Raises:
        SettingsError: as ``services``.
    """
    return traceparent if services().settings.applicationinsights is not None else None


async def run_step(
    name: str, step: Callable[[Services, Given], Awaitable[Step]], video: Given
) -> Step:
    """Run a step of a video as the activity ``name``: one span in the video's own trace.

    Raises:
        FaultError: what the step raised, by type and place; it is logged.
    """
    start_work()
    with telling_fault(name, video_id=video["id"]), step_span(name, video):
        answer = await step(services(), video)
        end_step(answer)
    return answer
