"""What is odd about the settings, though the app can work with it.

A misspelt name is no error: the variable may belong to the version before or after this one, or to
another program, and an app that stops loses more than a setting does. But it is said, by name.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path

from dailies.catalogue.environment import placeholders
from dailies.settings import Settings

__all__ = ["doubtful_settings"]

_PREFIX = "DAILIES_"
_CATALOGUE, _CALLERS = "DAILIES_CATALOGUE", "DAILIES_API_KEYS"
_ISSUERS = ("DAILIES_ADMIN_KEYS", "WEBSITE_AUTH_ENABLED")
"""With one of these, operators can issue keys."""


def doubtful_settings(environ: Mapping[str, str]) -> list[str]:
    """One line for every variable that looks like a setting and is none, and for what is not set
    though nothing can be done without it; no value is told."""
    known = Settings.environment_names() | _read_by_catalogue(environ)
    names = sorted(name for name in environ if name.upper().startswith(_PREFIX))
    doubts = [_unknown(name, known) for name in names if name not in known]
    if not any(environ.get(name) for name in (_CALLERS, *_ISSUERS)):
        doubts.append(
            f"{_CALLERS}: it is not set, nor is {_ISSUERS[0]}, so every caller is refused; set one "
            "to 'owner=sha256:<64 hex digits>'"
        )
    return doubts


def _unknown(name: str, known: frozenset[str]) -> str:
    near = difflib.get_close_matches(name.upper(), sorted(known), n=1, cutoff=0.8)
    meant = f"; did you mean {near[0]}?" if near else ""
    return f"{name[:64]}: there is no such setting, so it does nothing{meant}"


def _read_by_catalogue(environ: Mapping[str, str]) -> frozenset[str]:
    path = Path(environ.get(_CATALOGUE) or Settings.model_fields["catalogue_path"].default)
    try:
        return placeholders(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):  # which is an error of its own, told elsewhere
        return frozenset()
