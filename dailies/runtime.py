"""The one ``Services`` of this process, built at its first use.

Nothing is built at import time: the host can index the functions of a package that has no settings,
and a wrong setting is answered with its name instead of an app that has no functions.
"""

from __future__ import annotations

import functools
import logging
import os
from collections.abc import Awaitable, Callable
from typing import TypeVar

from dailies.errors import SettingsError
from dailies.logs import log_event
from dailies.pipeline.steps import Step, VideoRef
from dailies.services import Services
from dailies.telemetry.spans import end_step, step_span

__all__ = ["check_settings", "host_trace", "run_step", "services", "start_telemetry"]

Given = TypeVar("Given", bound=VideoRef)


@functools.cache
def services() -> Services:
    """The parts of the app, from the environment's settings.

    Raises:
        SettingsError: naming every setting that is wrong; raised again at the next call.
    """
    return Services.build(os.environ)


def check_settings() -> None:
    """Look at the settings as the app starts and log each that is wrong, by name."""
    try:
        logging.getLogger("dailies").setLevel(services().settings.log_level)
    except SettingsError as error:
        for problem in error.problems:
            log_event("setting_wrong", level=logging.CRITICAL, problem=problem)


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
        from dailies.telemetry.loop_lag import watch_loop
        from dailies.telemetry.setup import start

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
    """Run a step of a video as the activity ``name``: one span in the video's own trace."""
    start_telemetry()
    with step_span(name, video):
        answer = await step(services(), video)
        end_step(answer)
    return answer
