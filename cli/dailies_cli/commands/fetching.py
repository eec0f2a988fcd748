"""Fetching the files of a video."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from dailies_cli.api import Api
from dailies_cli.display import console, errors
from dailies_cli.failures import Failure

__all__ = ["fetch"]

_EXTENSIONS = {"video": "mp4", "thumbnail": "webp", "spritesheet": "jpg"}
"""What each file of a video is called at its end."""


def fetch(
    api: Api,
    video: dict[str, Any],
    out: Path | None,
    *,
    variant: str = "video",
    index: int | None = None,
) -> Path:
    """Download one file of a finished video; gives where it is.

    Raises:
        Failure: there is none, or it can't be written.
    """
    target = _target(str(video["id"]), out, variant, index)
    if not target.parent.is_dir():
        raise Failure(f"There is no folder {target.parent}. Make it, or name another with --out.")
    path = f"/v1/videos/{video['id']}/content?variant={variant}"
    if index is not None:
        path += f"&variant_index={index}"
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        console=errors,
        disable=not console.is_terminal,
        transient=True,
    ) as progress:
        task = progress.add_task(target.name, total=None)
        api.download(
            path,
            target,
            lambda done, total: progress.update(task, completed=done, total=total),
        )
    return target


def _target(video_id: str, out: Path | None, variant: str, index: int | None) -> Path:
    number = "" if index is None else f"-{index}"
    kind = "" if variant == "video" else f"-{variant}"
    name = f"{video_id}{kind}{number}.{_EXTENSIONS[variant]}"
    if out is None:
        return Path(name)
    return out / name if out.is_dir() else out
