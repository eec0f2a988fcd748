"""A stack as a child process, for programs that need one: the demo, tests, campaigns.

The stack dies with its starter, also when that is killed. On Linux it is the thread that counts:
start a stack from one that lives as long as the stack shall.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

from local.stack import die_with_parent
from local.stack.errors import StackError
from local.stack.files import tail
from local.stack.layout import APP_DIR, StateDir
from local.stack.processes import describe_exit
from local.stack.ready import StackInfo

__all__ = ["StackProcess", "without_settings"]

_TICK = 0.05


def without_settings(environ: Mapping[str, str]) -> dict[str, str]:
    """``environ`` without what would change the app or its credentials: a stack as documented."""
    return {
        name: value
        for name, value in environ.items()
        if not name.startswith(("DAILIES_", "AZURE_", "IDENTITY_", "MSI_", "OTEL_"))
    }


class StackProcess:
    """``python -m local start`` on a state directory; a context manager that ends it.

    Args:
        state_dir: the stack's state directory.
        options: further options of ``start``, such as ``["--speed", "60"]``.
        port: of the app; 0 picks one.
        environ: the environment to start it with.
        start_within: seconds that it may take to be ready.
    """

    def __init__(
        self,
        state_dir: Path,
        options: Sequence[str] = (),
        *,
        port: int = 0,
        environ: Mapping[str, str] | None = None,
        start_within: float = 90.0,
    ) -> None:
        self.state_dir = state_dir.resolve()
        self._command = [sys.executable, "-m", "local", "start", "--port", str(port)]
        self._command += ["--state-dir", str(self.state_dir), *options]
        self._environ = dict(os.environ if environ is None else environ)
        self._start_within = start_within
        self._popen: subprocess.Popen[bytes] | None = None

    @property
    def ready_file(self) -> Path:
        return self.state_dir / "ready.json"

    @property
    def log(self) -> Path:
        """What the stack itself prints."""
        return self.state_dir / "logs" / "stack.log"

    @property
    def pid(self) -> int:
        """The supervisor's process id."""
        if self._popen is None:
            raise StackError("the stack has not been started")
        return self._popen.pid

    def start(self) -> StackInfo:
        """Start the stack and wait until it is ready.

        Raises:
            StackError: when it does not come up, with the tail of what it printed.
        """
        self.ready_file.unlink(missing_ok=True)
        StateDir(self.state_dir).create()
        launcher = [sys.executable, "-I", "-S", die_with_parent.__file__, str(os.getpid())]
        with self.log.open("ab") as log:
            start = log.tell()
            self._popen = subprocess.Popen(
                [*launcher, *self._command],
                cwd=APP_DIR,
                env=self._environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                process_group=0,  # Ctrl-C is for us to handle, and for it to be told
            )
        deadline = time.monotonic() + self._start_within
        while (info := self.info()) is None:
            status = self._popen.poll()
            if status is not None:
                raise StackError(self._failure(f"ended ({describe_exit(status)})", start))
            if time.monotonic() > deadline:
                self.stop()
                raise StackError(
                    self._failure(f"was not ready after {self._start_within:g} s", start)
                )
            time.sleep(_TICK)
        return info

    def info(self) -> StackInfo | None:
        """The ready file as it is now; None while the stack is not ready."""
        return StackInfo.read(self.ready_file)

    def stop(self, *, within: float = 40.0) -> int:
        """End the stack in order; its exit status. Kills it when ``within`` seconds don't do."""
        if self._popen is None:
            return 0
        self._popen.terminate()
        try:
            return self._popen.wait(within)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            return self._popen.wait()

    def tails(self, lines: int = 30) -> str:
        """The last lines of all logs, each under its name."""
        logs = sorted((self.state_dir / "logs").glob("*.log"))
        return "\n".join(f"--- {log.name}\n{tail(log, lines=lines)}" for log in logs)

    def __enter__(self) -> StackInfo:
        try:
            return self.start()
        except BaseException:
            self.stop()
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _failure(self, what: str, start: int) -> str:
        return f"the stack {what}; log: {self.log}\n{tail(self.log, start=start, lines=40)}"
