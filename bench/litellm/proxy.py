"""LiteLLM's proxy as a process, in front of the simulated Sora."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType

import httpx
import yaml

from bench.litellm.environment import HOME
from local.stack import die_with_parent
from local.stack.files import tail
from local.stack.launch import without_settings
from local.stack.ports import LOOPBACK

__all__ = ["LiteLLMProxy", "ProxyFailed"]

_STARTS_WITHIN = 120.0
_ENDS_WITHIN = 10.0


class ProxyFailed(Exception):
    """The proxy did not come up; the message holds the end of its log."""


class LiteLLMProxy:
    """``litellm --config …``; a context manager that starts it and ends it.

    Args:
        directory: for its configuration and log.
        upstream: the resource that ``azure/sora-2`` is at.
        token: the Bearer token that the resource accepts.
        workers: its processes, ``--num_workers``.
    """

    def __init__(self, directory: Path, upstream: str, token: str, *, workers: int = 1) -> None:
        self.port = _free_port()
        self.base_url = f"http://{LOOPBACK}:{self.port}"
        self.api_key = f"sk-{secrets.token_hex(16)}"
        self.log = directory / "litellm.log"
        self._config = directory / "litellm.yaml"
        self._upstream = upstream
        self._token = token
        self._workers = workers
        self._popen: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process id of the proxy (with several workers, of their parent)."""
        if self._popen is None:
            raise ProxyFailed("the proxy has not been started")
        return self._popen.pid

    def __enter__(self) -> LiteLLMProxy:
        self._config.write_text(yaml.safe_dump(self._configuration()), encoding="utf-8")
        command = [str(HOME / "bin" / "litellm"), "--config", str(self._config)]
        command += ["--host", LOOPBACK, "--port", str(self.port)]
        command += ["--num_workers", str(self._workers)]
        launcher = [sys.executable, "-I", "-S", die_with_parent.__file__, str(os.getpid())]
        with self.log.open("wb") as log:
            self._popen = subprocess.Popen(
                [*launcher, *command],
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                process_group=0,
            )
        try:
            self._wait()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._end()

    def _configuration(self) -> dict[str, object]:
        parameters = {
            "model": "azure/sora-2",
            "api_base": self._upstream,
        }
        return {
            "model_list": [{"model_name": "azure-sora-2", "litellm_params": parameters}],
            "general_settings": {"master_key": "os.environ/LITELLM_MASTER_KEY"},
        }

    def _environment(self) -> dict[str, str]:
        """The user's environment without keys of theirs; nothing is fetched from elsewhere."""
        inherited = without_settings(os.environ)
        return {
            **{name: text for name, text in inherited.items() if not name.startswith("OPENAI_")},
            "AZURE_AD_TOKEN": self._token,
            "LITELLM_MASTER_KEY": self.api_key,
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
            "LITELLM_MODE": "PRODUCTION",
            "LITELLM_LOG": "ERROR",
        }

    def _wait(self) -> None:
        assert self._popen is not None
        deadline = time.monotonic() + _STARTS_WITHIN
        with httpx.Client(base_url=self.base_url, trust_env=False, timeout=5) as client:
            while True:
                try:
                    if client.get("/health/liveliness").is_success:
                        return
                except httpx.TransportError:
                    pass
                if self._popen.poll() is not None or time.monotonic() > deadline:
                    raise ProxyFailed(f"LiteLLM's proxy did not start; {self.log}:\n{self._tail()}")
                time.sleep(0.2)

    def _tail(self) -> str:
        return tail(self.log, lines=30)

    def _end(self) -> None:
        if self._popen is None:
            return
        self._popen.terminate()
        try:
            self._popen.wait(_ENDS_WITHIN)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])
