"""Where the stack keeps what it keeps."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from local.stack.errors import StackError
from local.stack.files import make_private_dir

__all__ = ["APP_DIR", "DEFAULT_STATE_DIR", "StateDir"]

APP_DIR = Path(__file__).resolve().parents[2]
DEFAULT_STATE_DIR = Path(".local")


@dataclass(frozen=True)
class StateDir:
    """One stack's directory: everything that outlives its processes."""

    root: Path

    @property
    def azurite(self) -> Path:
        return self.root / "azurite"

    @property
    def services(self) -> Path:
        return self.root / "services"

    @property
    def host(self) -> Path:
        return self.root / "host"

    @property
    def host_status(self) -> Path:
        return self.root / "host-status.json"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def azurite_log(self) -> Path:
        return self.logs / "azurite.log"

    @property
    def tls(self) -> Path:
        return self.root / "tls"

    @property
    def keys(self) -> Path:
        return self.root / "keys.json"

    @property
    def ports(self) -> Path:
        return self.root / "ports.json"

    @property
    def ready(self) -> Path:
        return self.root / "ready.json"

    def create(self) -> None:
        """Make the directories that don't exist yet."""
        for path in (self.root, self.azurite, self.services, self.host, self.logs, self.tls):
            make_private_dir(path)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the directory for this process alone; the kernel lets go when the process ends.

        Raises:
            StackError: when another stack runs on the directory.
        """
        with (self.root / "lock").open("a+", encoding="ascii") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.seek(0)
                holder = file.read().strip() or "unknown"
                raise StackError(
                    f"a stack (process {holder}) already runs on {self.root}: stop it, or choose "
                    "another directory with --state-dir"
                ) from None
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            yield
