"""A caller who has nothing to do with a test, and must not notice it."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Self

import httpx

from tests.stack import RunningStack

__all__ = ["Neighbour"]


class Neighbour:
    """Asks for ``/health`` again and again while a block runs.

    Attributes:
        answers: how many requests were answered with 200.
        failures: what came of the others.
    """

    def __init__(self, stack: RunningStack) -> None:
        self.answers = 0
        self.failures: list[str] = []
        self._client = httpx.Client(base_url=stack.base_url, timeout=60, trust_env=False)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._ask)

    def _ask(self) -> None:
        while not self.answers or not self._over.wait(0.05):
            try:
                status = self._client.get("/health").status_code
            except httpx.TransportError as error:
                self.failures.append(repr(error))
                return
            if status != httpx.codes.OK:
                self.failures.append(str(status))
                return
            self.answers += 1

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()
        self._client.close()
        if error is None:
            assert not self.failures, f"after {self.answers} answers"
