"""What the person at the terminal sees of the stack."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path
from typing import TextIO

from local.stack.environment import STORAGE_ACCOUNT, Wiring
from local.stack.layout import DEFAULT_STATE_DIR, StateDir
from local.stack.options import StackOptions
from local.stack.ports import LOOPBACK

__all__ = ["Console", "WarningTail", "banner"]

_WARNING = re.compile(r"\b(?:WARNING|ERROR|CRITICAL)\b")
_LONGEST_LINE = 400


class Console:
    """Lines on the terminal, at once."""

    def __init__(self, out: TextIO | None = None, err: TextIO | None = None) -> None:
        self._out = out or sys.stdout
        self._err = err or sys.stderr

    def say(self, text: str) -> None:
        """Something good to know."""
        print(text, file=self._out, flush=True)

    def warn(self, text: str) -> None:
        """Something that went wrong."""
        print(text, file=self._err, flush=True)


class WarningTail:
    """The warnings and errors that a part writes to its log from now on."""

    def __init__(self, name: str, path: Path) -> None:
        self._name = name
        self._path = path
        self._rest = b""
        self._position = path.stat().st_size if path.exists() else 0

    def read(self) -> list[str]:
        """New whole lines that tell of a problem, each with the part's name before it."""
        try:
            with self._path.open("rb") as file:
                if self._position > file.seek(0, os.SEEK_END):
                    self._position = 0  # a new log took its place
                file.seek(self._position)
                data = file.read()
        except FileNotFoundError:
            return []
        self._position += len(data)
        *lines, self._rest = (self._rest + data).split(b"\n")
        texts = [line.decode("utf-8", errors="replace") for line in lines]
        return [f"{self._name} | {text[:_LONGEST_LINE]}" for text in texts if _WARNING.search(text)]


def banner(options: StackOptions, state: StateDir, wiring: Wiring) -> str:
    """How to use the stack that has just come up."""
    ports, keys = wiring.ports, wiring.keys
    python = os.path.relpath(sys.executable)
    # Another server than the simulators has one model alone.
    model = "sora-2" if options.sora_endpoint else "grok-imagine-video-1.5"
    where = "" if state.root == DEFAULT_STATE_DIR.resolve() else f" --state-dir {state.root}"
    lines = [
        "",
        f"Dailies is ready: {wiring.base_url}   (Ctrl-C ends it)"
        if options.host
        else f"The services are ready. Now run the app: func start --port {ports.host}",
        "",
        f"  studio      {wiring.base_url}/studio, with the API key",
        f"  API key     {keys.api_key}",
        f"  admin key   in {state.keys}, for /orchestrations/generate-video",
        f"  events      {wiring.simulator_url}/_inspect/events",
        *([f"  traces      {wiring.simulator_url}/_inspect/traces"] if options.telemetry else []),
        f"  Sora        {_sora(options, wiring)}",
        f"  storage     http://{LOOPBACK}:{ports.azurite_blob}/{STORAGE_ACCOUNT}",
        "              images go into the container references, videos into videos",
        f"              (connection string: storage_connection_string in {state.ready})",
        f"  logs        {state.logs}",
        "",
        "Make a video, look at it, fetch it:",
        f"  export DAILIES_URL={wiring.base_url}",
        f"  export DAILIES_KEY={keys.api_key}",
        '  curl $DAILIES_URL/v1/videos -H "Authorization: Bearer $DAILIES_KEY" \\',
        "    -H 'Content-Type: application/json' \\",
        f'    -d \'{{"model": "{model}", "prompt": "A red kite over the dunes at dawn"}}\'',
        '  curl $DAILIES_URL/v1/videos/ID -H "Authorization: Bearer $DAILIES_KEY"',
        "  curl -L -o video.mp4 $DAILIES_URL/v1/videos/ID/content \\",
        '    -H "Authorization: Bearer $DAILIES_KEY"',
        "",
        "Make one from a picture:",
        f"  {python} -m local drop picture.png --prompt 'The waves roll in'{where}",
        "",
    ]
    if shutil.which("func"):
        lines += [
            "Core Tools are on the PATH: to run the app on them instead, use "
            "`python -m local start --no-host`",
            "and, in another terminal, `func start`; local.settings.json points to these services.",
            "",
        ]
    return "\n".join(lines)


def _sora(options: StackOptions, wiring: Wiring) -> str:
    if options.sora_endpoint:
        return f"{options.sora_endpoint} (not simulated: calls there may cost money)"
    quotas = "no quotas" if options.unlimited else "quotas as in Azure"
    jobs = f"{wiring.simulator_url}/_inspect/jobs"
    return f"simulated at {options.speed:g} times real speed, {quotas}; jobs: {jobs}"
