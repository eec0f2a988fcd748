"""Access keys of the function app, made once and kept in the state directory.

The file has Azure's kinds of keys: ``master`` (everything), ``functions.default`` (all functions of
auth level *function*), and ``systemKeys`` for the webhooks of extensions.
"""

from __future__ import annotations

import hmac
import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Keys", "load_keys"]

SYSTEM_KEYS = ("durabletask_extension", "blobs_extension", "eventgrid_extension")


@dataclass(frozen=True)
class Keys:
    """All keys of the app; compared in constant time."""

    master: str
    function: str
    system: dict[str, str]

    def allows_function(self, key: str) -> bool:
        """Whether `key` opens functions of auth level *function*."""
        return _same(key, self.function) or self.allows_admin(key)

    def allows_admin(self, key: str) -> bool:
        """Whether `key` opens functions of auth level *admin*."""
        return _same(key, self.master)

    def allows_system(self, name: str, key: str) -> bool:
        """Whether `key` opens the webhook whose system key is called `name`."""
        return _same(key, self.system[name]) or self.allows_admin(key)


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode(), expected.encode())


def load_keys(state_dir: Path) -> Keys:
    """Read ``keys.json`` of the state directory, after making what is missing in it."""
    path = state_dir / "keys.json"
    document: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    keys = Keys(
        master=document.get("master") or secrets.token_urlsafe(32),
        function=document.get("functions", {}).get("default") or secrets.token_urlsafe(32),
        system={
            name: document.get("systemKeys", {}).get(name) or secrets.token_urlsafe(32)
            for name in SYSTEM_KEYS
        },
    )
    made = {
        "master": keys.master,
        "functions": {"default": keys.function},
        "systemKeys": keys.system,
    }
    if made != document:
        partial = path.with_suffix(".partial")
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(made, file, indent=2)
        partial.replace(path)
    return keys
