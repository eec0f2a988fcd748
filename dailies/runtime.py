"""The one ``Services`` of this process, built at its first use.

Nothing is built at import time: the host can index the functions of a package that has no settings,
and a wrong setting is answered with its name instead of an app that has no functions.
"""

from __future__ import annotations

import functools
import logging
import os

from dailies.errors import SettingsError
from dailies.logs import log_event
from dailies.services import Services

__all__ = ["check_settings", "services"]


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
