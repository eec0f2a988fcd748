"""The demo from start to end."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from local.demo.client import DemoClient, DemoError, Download
from local.demo.picture import lighthouse
from local.demo.progress import Bar, Progress
from local.stack.errors import StackError
from local.stack.files import tail
from local.stack.launch import StackProcess, without_settings
from local.stack.layout import APP_DIR, DEFAULT_STATE_DIR, StateDir
from local.stack.ready import StackInfo

__all__ = ["demo", "studio_hint"]

_PROMPT = "A paper kite climbs over golden dunes at sunrise, the camera following it from below"
_IMAGE_PROMPT = "The lighthouse beam sweeps slowly across the bay while gulls circle in the dusk"
# Of two providers: one that is asked how it gets on, and one that calls back.
_MODEL = "grok-imagine-video-1.5"
_IMAGE_MODEL = "fal-happy-horse-1.1"
_IMAGE_NAME = "lighthouse.png"
_DEADLINE = 75.0  # seconds for both videos
_TICK = 0.25
_SUFFIX = {"video": ".mp4", "thumbnail": ".webp"}


def demo(*, out: Path, speed: float) -> int:
    """Make two videos on a stack of their own and put them into ``out``.

    Returns:
        0, or 1 after a message on standard error; 130 after Ctrl-C.
    """
    progress = Progress()
    state_dir = Path(tempfile.mkdtemp(prefix="dailies-demo-"))
    stack = StackProcess(state_dir, ["--speed", f"{speed:g}"], environ=without_settings(os.environ))
    begun = time.monotonic()
    try:
        progress.say("Starting the local stack …")
        with stack as info:
            progress.say(f"Ready after {time.monotonic() - begun:.1f} s: {info.base_url}\n")
            results = _Demo(info, out, progress).run()
    except (DemoError, StackError, httpx.HTTPError) as error:
        progress.close()
        print(f"\nThe demo failed: {error}", file=sys.stderr)
        print(f"The stack's logs are in {stack.log.parent}; it said last:", file=sys.stderr)
        print(tail(stack.log, lines=12), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        progress.close()
        shutil.rmtree(state_dir, ignore_errors=True)
        print("\nInterrupted; the stack has ended.", file=sys.stderr)
        return 130
    shutil.rmtree(state_dir)
    _summary(results, time.monotonic() - begun)
    print(f"\n{studio_hint()}")
    return 0


def studio_hint(state_dir: Path = DEFAULT_STATE_DIR) -> str:
    """Where to make videos by hand: in the stack that runs beside the demo's own, which has ended;
    or how to have one."""
    info = StackInfo.read(StateDir(state_dir).ready)
    if info is not None:
        try:
            if httpx.get(f"{info.base_url}/health", timeout=2, trust_env=False).is_success:
                return f"Make your own: {info.base_url}/studio, with the key {info.api_key}"
        except httpx.HTTPError:
            pass  # the file of a stack that was killed
    return "Make your own: `make start` prints the address of the studio, and its key"


@dataclass
class _Take:
    """One of the two videos on its way."""

    label: str
    name: str
    prompt: str
    video_id: str | None = None
    video: dict[str, Any] = field(default_factory=dict)
    files: list[Download] = field(default_factory=list)

    @property
    def final(self) -> bool:
        return self.video.get("status") in {"completed", "failed"}

    def bar(self) -> Bar:
        if self.video_id is None:
            return Bar(self.label, 0, "waiting for the drop to be seen")
        word = str(self.video.get("phase") or self.video.get("status") or "accepted")
        percent = int(self.video.get("progress") or 0)
        return Bar(self.label, percent, word, done=self.video.get("status") == "completed")


class _Demo:
    def __init__(self, info: StackInfo, out: Path, progress: Progress) -> None:
        self._info = info
        self._out = out
        self._progress = progress
        self._seen = 0
        self._completed: set[str] = set()
        self._prompted = _Take("prompt", "from-prompt", _PROMPT)
        self._dropped = _Take("image", "from-image", _IMAGE_PROMPT)

    def run(self) -> list[_Take]:
        """Order both videos, follow them, fetch them, check them.

        Raises:
            DemoError: when anything is not as it should be.
            httpx.HTTPError: when the app or the simulator can't be reached.
        """
        self._out.mkdir(parents=True, exist_ok=True)
        with DemoClient(self._info) as client:
            self._order(client)
            self._follow(client)
            for take in self._takes:
                _fetch(client, take, self._out)
        return self._takes

    @property
    def _takes(self) -> list[_Take]:
        return [self._prompted, self._dropped]

    def _order(self, client: DemoClient) -> None:
        self._progress.say(f"POST /v1/videos           “{_PROMPT}” ({_MODEL})")
        created = client.create(_PROMPT, model=_MODEL, seconds="4", size="1280x720")
        self._prompted.video_id, self._prompted.video = str(created["id"]), created
        image = lighthouse()
        (self._out / _IMAGE_NAME).write_bytes(image)
        self._progress.say(f"references/{_IMAGE_NAME} “{_IMAGE_PROMPT}” ({_IMAGE_MODEL})\n")
        client.drop(_IMAGE_NAME, image, _IMAGE_PROMPT, model=_IMAGE_MODEL)

    def _follow(self, client: DemoClient) -> None:
        """Until both videos are complete and announced as such."""
        deadline = time.monotonic() + _DEADLINE
        while True:
            self._print_events(client)
            for take in self._takes:
                if take.video_id is not None and not take.final:
                    take.video = client.video(take.video_id)
            self._progress.show(*(take.bar() for take in self._takes))
            for take in self._takes:
                if take.video.get("status") == "failed":
                    raise DemoError(f"{take.video_id} failed: {take.video.get('error')}")
            ids = {take.video_id for take in self._takes}
            if all(take.final for take in self._takes) and ids <= self._completed:
                self._progress.close()
                return
            if time.monotonic() > deadline:
                raise DemoError(f"not done after {_DEADLINE:g} s: {_states(self._takes)}")
            time.sleep(_TICK)

    def _print_events(self, client: DemoClient) -> None:
        events = client.events()
        for event in events[self._seen :]:
            kind, subject = str(event["type"]), str(event.get("subject", ""))
            self._progress.say(f"event  {kind:<27} {subject}")
            data = event.get("data") or {}
            if kind == "dailies.video.rejected":
                raise DemoError(f"the dropped image was rejected: {data.get('error')}")
            video_id = subject.removeprefix("/videos/")
            # A blob's name may come with or without its container.
            if data.get("source") == "drop" and str(data.get("blob")).endswith(_IMAGE_NAME):
                self._dropped.video_id = video_id
            if kind == "dailies.video.completed":
                self._completed.add(video_id)
        self._seen = len(events)


def _fetch(client: DemoClient, take: _Take, out: Path) -> None:
    """Both files and the manifest; each file is what the manifest says it is."""
    assert take.video_id is not None, "followed to its end"
    text = client.manifest(take.video_id)
    (out / f"{take.name}.manifest.json").write_bytes(text)
    files = json.loads(text)["files"]
    for variant, suffix in _SUFFIX.items():
        if variant not in files:
            raise DemoError(f"the manifest of {take.video_id} lists no {variant}")
        got = client.download(take.video_id, variant, out / f"{take.name}{suffix}")
        stated = files[variant]
        if (got.bytes, got.sha256) != (stated["bytes"], stated["sha256"]):
            raise DemoError(
                f"{got.path} has {got.bytes} bytes and SHA-256 {got.sha256}, but the manifest "
                f"says {stated['bytes']} and {stated['sha256']}"
            )
        take.files.append(got)


def _states(takes: list[_Take]) -> str:
    return ", ".join(f"{take.label}: {take.bar().percent}% {take.bar().word}" for take in takes)


def _summary(takes: list[_Take], seconds: float) -> None:
    print(f"\nTwo videos in {seconds:.0f} s, each file checked against its manifest:")
    for take in takes:
        print(f"  {take.video_id}")
        for file in take.files:
            path = os.path.relpath(file.path, APP_DIR) if file.path.is_absolute() else file.path
            print(f"    {path!s:<24} {file.bytes:>10,} bytes   SHA-256 {file.sha256[:16]}…")
