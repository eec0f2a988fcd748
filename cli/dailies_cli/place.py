"""Where the app is, and with which keys it is called.

The environment says so; without it, the stack that ``make start`` runs in this folder or one above.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from dailies_cli.failures import Failure

__all__ = ["Place", "find_place"]

_READY = Path(".local", "ready.json")
"""What the local stack writes while it runs."""
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True)
class Place:
    """An app, and what opens it.

    Attributes:
        url: without ``/v1`` at its end.
        key: of a caller.
        operator_key: for what only operators may do; the caller's where no other is set.
        references: where images are dropped: the URL of the container, or a connection string of
            its account.
        from_stack: the file of the local stack that told all of it.
    """

    url: str
    key: str = field(repr=False)
    operator_key: str = field(repr=False)
    references: str | None = field(default=None, repr=False)
    from_stack: Path | None = None

    @property
    def is_here(self) -> bool:
        """Whether it runs on this machine: then no proxy stands before it."""
        return urlsplit(self.url).hostname in _LOOPBACK


def find_place(environ: Mapping[str, str] = os.environ, folder: Path | None = None) -> Place:
    """The app that is meant.

    Raises:
        Failure: nothing says which, or there is no key for it.
    """
    url = environ.get("DAILIES_URL", "").strip().rstrip("/").removesuffix("/v1")
    if not url:
        stack = _stack_above(folder or Path.cwd())
        if stack is None:
            raise Failure(
                "Which app is meant? Set DAILIES_URL to its address and DAILIES_KEY to your key, "
                "or run `make start` and use this command in the repository's folder."
            )
        return stack
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
        raise Failure(f"DAILIES_URL is no address: {url!r}. It looks like https://APP.example.")
    key = environ.get("DAILIES_KEY", "")
    operator_key = environ.get("DAILIES_ADMIN_KEY", "") or key
    if not operator_key:
        raise Failure("There is no key. Set DAILIES_KEY to the one that you were given.")
    return Place(
        url,
        key or operator_key,
        operator_key,
        references=environ.get("DAILIES_REFERENCES", "") or None,
    )


def _stack_above(folder: Path) -> Place | None:
    for above in (folder, *folder.parents):
        ready = above / _READY
        if ready.is_file():
            told = json.loads(ready.read_text(encoding="utf-8"))
            return Place(
                told["base_url"],
                told["api_key"],
                told["admin_key"],
                references=told["storage_connection_string"],
                from_stack=ready,
            )
    return None
