"""Watching videos until they have ended."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn

from dailies_cli.api import Api
from dailies_cli.display import console, duration, errors, text

__all__ = ["ENDED", "follow", "standing"]

ENDED = frozenset({"completed", "failed"})
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 10.0
_PER_MOMENT = 0.05
"""Of the time that is still to come: how long to wait until the next look."""

Video = dict[str, Any]


def standing(video: Video, now: float | None = None) -> str:
    """What becomes of a video, in a few words."""
    if video["status"] in ENDED:
        error = video.get("error")
        return f"{video['phase']}: {error['message']}" if error else str(video["phase"])
    queue, at = video.get("queue"), video.get("estimated_completion_at")
    words = [str(video["phase"])]
    if queue:
        words.append(f"place {queue['position']} of {queue['of']}")
    if at is not None:
        words.append(f"{duration(at - (time.time() if now is None else now))} to go")
    return ", ".join(words)


def follow(
    api: Api,
    videos: Sequence[Video],
    *,
    quiet: bool = False,
    sleep: Callable[[float], None] = time.sleep,
) -> list[Video]:
    """Show how videos come along until all have ended; gives them as they are then.

    On a terminal they move in place; elsewhere there is a line for each thing that happens. Both go
    to the standard error output, so that the answer can be piped on.
    """
    shown = _Silent() if quiet else _Bars(errors) if console.is_terminal else _Lines()
    known = {str(video["id"]): video for video in videos}
    pause = _FIRST_PAUSE
    with shown:
        for video in known.values():
            shown.show(video)
        while running := [video for video in known.values() if video["status"] not in ENDED]:
            sleep(_next_pause(running, pause))
            pause = min(pause * 1.2, _LONGEST_PAUSE)
            for video_id in [str(video["id"]) for video in running]:
                known[video_id] = api.get(f"/v1/videos/{video_id}")
                shown.show(known[video_id])
    return list(known.values())


def _next_pause(running: Sequence[Video], usual: float) -> float:
    """Soon where a video is nearly there, and seldom where all of them have long to go."""
    ends = [video.get("estimated_completion_at") for video in running]
    if any(end is None for end in ends):
        return usual
    left = min(float(end) - time.time() for end in ends if end is not None)
    return max(_FIRST_PAUSE, min(usual, left * _PER_MOMENT))


class _Silent:
    def __enter__(self) -> _Silent:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def show(self, video: Video) -> None:
        """Show nothing."""


class _Lines(_Silent):
    """A line whenever a video has come to another phase."""

    def __init__(self) -> None:
        self._last: dict[str, str] = {}

    def show(self, video: Video) -> None:
        """Tell of it, if that is news."""
        if self._last.get(video["id"]) != video["phase"]:
            self._last[video["id"]] = video["phase"]
            errors.print(f"{video['id']}  {text(standing(video))}", soft_wrap=True)


class _Bars(_Silent):
    """A bar for each video."""

    def __init__(self, out: Console) -> None:
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.fields[name]}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TextColumn("{task.description}"),
            console=out,
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> _Bars:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def show(self, video: Video) -> None:
        """Move its bar."""
        video_id = str(video["id"])
        if video_id not in self._tasks:
            self._tasks[video_id] = self._progress.add_task("", total=100, name=video_id)
        self._progress.update(
            self._tasks[video_id],
            completed=video["progress"],
            description=text(standing(video)),
        )
