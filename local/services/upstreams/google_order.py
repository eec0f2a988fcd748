"""What the simulated Interactions API takes for a video, and how it refuses everything else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from local.services.upstreams.google_cloud import checked, image

__all__ = ["Order"]

_LINES = {"360p": 360, "720p": 720, "1080p": 1080, "4k": 2160}
_TASKS = {"text_to_video": 0, "image_to_video": 1, "reference_to_video": 6}
_MOST_SECONDS = 15
_LEAST_SECONDS = 3
_FIELDS: dict[str, Any] = {
    "model": str,
    "background": bool,
    "store": bool,
    "stream": bool,
    "input": (list, str),
    "response_format": dict,
    "generation_config": dict,
    "labels": dict,
    "webhook_config": dict,
    "service_tier": str,
}
_FORMAT = {
    "type": str,
    "aspect_ratio": str,
    "resolution": str,
    "duration": str,
    "delivery": str,
    "gcs_uri": str,
}
_BLOCKS: dict[str, dict[str, Any]] = {
    "text": {"type": str, "text": str},
    "image": {"type": str, "data": str, "mime_type": str, "uri": str},
}
_LABEL = re.compile(r"[a-z0-9_-]{0,63}")


class Order:
    """A create's body, checked.

    Raises:
        ValueError: it is wrong; the message says how.
    """

    def __init__(self, body: dict[str, Any], *, is_cloud: bool) -> None:
        self.body = checked(body, _FIELDS, "")
        self.model = str(body.get("model", ""))
        self.form = checked(body.get("response_format", {}), _FORMAT, "response_format")
        self.images: list[bytes] = []
        self.prompt = self._read_input(body.get("input"))
        self._check_form(is_cloud)
        self._check_task(body.get("generation_config", {}))
        if not body.get("background") or not body.get("store", True):
            raise ValueError("Only stored interactions in the background are played here.")
        if not is_cloud and "labels" in body:
            raise ValueError("labels is not supported.")
        if is_cloud and "webhook_config" in body:
            raise ValueError("webhook_config is not supported.")
        for name, value in body.get("labels", {}).items():
            if not (isinstance(value, str) and _LABEL.fullmatch(f"{value}") and name):
                raise ValueError(f"Invalid label '{name}'.")

    def _read_input(self, given: object) -> str:
        if isinstance(given, str):
            return given
        texts = []
        for where, block in _blocks(given if isinstance(given, list) else []):
            kind = block.get("type") if isinstance(block, dict) else None
            if kind not in _BLOCKS:
                raise ValueError(f"Invalid value at '{where}.type'.")
            checked(block, _BLOCKS[kind], where)
            if kind == "text":
                texts.append(block.get("text", ""))
            else:
                self.images.append(image(block.get("data"), block.get("mime_type"), where))
        if not any(texts):
            raise ValueError("input must hold a text.")
        return "\n".join(texts)

    def _check_form(self, is_cloud: bool) -> None:
        if self.form.get("type") != "video":
            raise ValueError("response_format.type must be 'video'.")
        lines = _LINES.get(self.form.get("resolution", "720p"))
        ratio = self.form.get("aspect_ratio", "16:9")
        if lines is None or ratio not in ("16:9", "9:16"):
            raise ValueError("Invalid value at 'response_format.resolution' or its aspect_ratio.")
        wide = lines * 16 // 9
        self.width, self.height = (wide, lines) if ratio == "16:9" else (lines, wide)
        found = re.fullmatch(r"([0-9]{1,3})s", self.form.get("duration", "8s"))
        self.seconds = int(found[1]) if found else 0
        if not _LEAST_SECONDS <= self.seconds <= _MOST_SECONDS:
            raise ValueError("response_format.duration must be from '3s' to '15s'.")
        delivery = self.form.get("delivery", "inline")
        if delivery not in ("inline", "uri"):
            raise ValueError("Invalid value at 'response_format.delivery'.")
        if ("gcs_uri" in self.form) != (is_cloud and delivery == "uri"):
            raise ValueError("gcs_uri goes with delivery 'uri' on Vertex, and with nothing else.")
        if not self.form.get("gcs_uri", "gs://").startswith("gs://"):
            raise ValueError("gcs_uri must be a Cloud Storage URI.")

    def _check_task(self, config: object) -> None:
        fields = {"video_config": dict, "seed": int}
        video = checked(config, fields, "generation_config").get("video_config", {})
        checked(video, {"task": str}, "generation_config.video_config")
        task = video.get("task")
        if task is None:
            return
        if task not in _TASKS:
            raise ValueError(f"The task '{task}' is not supported.")
        most = _TASKS[task]
        if len(self.images) > most or (most and not self.images):
            raise ValueError(f"{len(self.images)} images do not go with the task '{task}'.")


def _blocks(given: list[Any]) -> Iterator[tuple[str, Any]]:
    """What an input holds, and where: blocks, or steps of blocks as google-genai sends them."""
    for place, item in enumerate(given):
        where = f"input[{place}]"
        if not (isinstance(item, dict) and item.get("type") == "user_input"):
            yield where, item
            continue
        content = checked(item, {"type": str, "content": list}, where).get("content", [])
        yield from ((f"{where}.content[{n}]", block) for n, block in enumerate(content))
