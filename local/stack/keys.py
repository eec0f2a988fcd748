"""The secrets of one stack: made once for each state directory, so that clients keep working."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from local.stack.errors import StackError
from local.stack.files import write_private

__all__ = ["Keys", "hashed"]


@dataclass(frozen=True)
class Keys:
    """Keys of the app's callers and of the simulated services; never logged."""

    api_key: str
    admin_key: str
    identity_header: str
    topic_key: str
    storage_key: str

    @classmethod
    def load_or_create(cls, path: Path) -> Keys:
        """Read the keys at ``path``, or make them and write them there.

        Raises:
            StackError: when the file is there but is not one of ours.
        """
        try:
            stored = json.loads(path.read_text(encoding="utf-8"))
            return cls(**{field.name: str(stored[field.name]) for field in fields(cls)})
        except FileNotFoundError:
            keys = cls(
                api_key=f"dailies-{secrets.token_urlsafe(24)}",
                admin_key=f"dailies-admin-{secrets.token_urlsafe(24)}",
                identity_header=secrets.token_hex(16),
                topic_key=base64.b64encode(secrets.token_bytes(32)).decode(),
                storage_key=base64.b64encode(secrets.token_bytes(64)).decode(),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise StackError(
                f"{path} does not hold the keys of a stack ({error!r}): remove it to have new ones"
            ) from None
        write_private(path, json.dumps(asdict(keys), indent=2) + "\n")
        return keys


def hashed(owner: str, key: str) -> str:
    """A key as the app's settings want it: ``owner=sha256:<hex digest>``."""
    return f"{owner}=sha256:{hashlib.sha256(key.encode()).hexdigest()}"
