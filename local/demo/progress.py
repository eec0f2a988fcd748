"""Progress bars at the foot of a terminal, with lines of news scrolling above them."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TextIO

__all__ = ["Bar", "Progress"]

_SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_NARROWEST, _WIDEST = 10, 40


@dataclass(frozen=True)
class Bar:
    """One line of progress: ``percent`` from 0 to 100, and a word on what is being done."""

    label: str
    percent: int
    word: str
    done: bool = False


class Progress:
    """Draws bars in place on a terminal; elsewhere prints a line when one changes."""

    def __init__(
        self, out: TextIO | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._out = out or sys.stdout
        self._live = self._out.isatty()
        self._clock = clock
        self._begun = clock()
        self._bars: tuple[Bar, ...] = ()
        self._drawn = 0

    def say(self, text: str) -> None:
        """Print ``text`` above the bars."""
        self._erase()
        self._out.write(f"{text}\n")
        self._draw()
        self._out.flush()

    def show(self, *bars: Bar) -> None:
        """Replace the bars."""
        if self._live:
            self._erase()
            self._bars = bars
            self._draw()
        else:
            for bar in bars:
                if bar not in self._bars:
                    self._out.write(f"{bar.label}: {bar.percent}% {bar.word}\n")
            self._bars = bars
        self._out.flush()

    def close(self) -> None:
        """Leave the bars as they are; what is printed next comes below."""
        self._drawn = 0
        self._bars = ()

    def _erase(self) -> None:
        if self._drawn:
            self._out.write(f"\x1b[{self._drawn}F\x1b[J")  # up to the first bar; clear from there
            self._drawn = 0

    def _draw(self) -> None:
        if not self._live:
            return
        columns = shutil.get_terminal_size().columns
        for bar in self._bars:
            self._out.write(f"{self._line(bar, columns)}\n")
        self._drawn = len(self._bars)

    def _line(self, bar: Bar, columns: int) -> str:
        elapsed = self._clock() - self._begun
        mark = "✓" if bar.done else _SPINNER[int(elapsed * 10) % len(_SPINNER)]
        head, foot = f"{mark} {bar.label:<12} ", f" {bar.percent:3d}%  {bar.word}"
        width = max(_NARROWEST, min(_WIDEST, columns - len(head) - len(foot) - 1))
        filled = round(width * bar.percent / 100)
        line = f"{head}{'█' * filled}{'░' * (width - filled)}{foot}"
        return line[: max(columns - 1, 1)]  # a wrapped line could not be erased
