"""What Azure's clients take from the environment that the app runs in."""

from __future__ import annotations

from typing import Any
from urllib.request import getproxies_environment

__all__ = ["uses_environment"]


def uses_environment() -> dict[str, Any]:
    """For a client: whether it looks into the environment for each request. Only where that names a
    proxy: without one, its HTTP library would still read a .netrc every time, in another thread,
    for a password that Azure does not take."""
    return {"use_env_settings": any(scheme != "no" for scheme in getproxies_environment())}
