"""What each frame of a video shows: inputs at their frame, drifting light elsewhere, titles."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from PIL import Image, ImageOps

from local.services.media.background import Background
from local.services.media.clip import decode_clip, probe_clip
from local.services.media.picture import Picture, from_rgb
from local.services.media.spec import FRAME_RATE, Crop, Input, VideoSpec
from local.services.media.titles import Titles

_FADE = FRAME_RATE // 2  # frames over which titles come and go around an input
_CROSSFADE = FRAME_RATE
_ZOOM_STEP = 0.0025  # less than a pixel at the edge of a frame of 720
_FRAMES_PER_STEP = 4  # zooming is dear and a step is too small to see


class _Shot:
    """An input prepared for its place. Frames are asked for in order, so one is held at a time."""

    def __init__(self, start: int, length: int, pictures: Iterator[Picture]) -> None:
        self.start = start
        self.end = start + length - 1
        self.first = next(pictures)
        self._pictures = pictures
        self._current = self.first
        self._shown = start
        self._zoomed: tuple[int, Picture] | None = None

    def at(self, frame: int) -> Picture:
        """The input's own frame, or, after its end, its last one in a slow zoom."""
        while self._shown < min(frame, self.end):
            self._current = next(self._pictures, self._current)
            self._shown += 1
        if frame <= self.end:
            return self._current.copy()
        step = -(-(frame - self.end) // _FRAMES_PER_STEP)
        if self._zoomed is None or self._zoomed[0] != step:
            self._zoomed = (step, self._current.zoom(1 + step * _ZOOM_STEP))
        return self._zoomed[1].copy()


class Scene:
    """The frames of one video. ``find`` gives the path of an input's bytes by SHA-256.

    A frame at which an input is placed shows that input and nothing else, so that it can be
    compared with what was sent.
    """

    def __init__(self, spec: VideoSpec, find: Callable[[str], Path]) -> None:
        self._titles = Titles(spec)
        shots = [_prepare(item, spec, find(item.sha256)) for item in spec.inputs]
        self._shots = sorted(shots, key=lambda shot: shot.start)
        needs_light = not self._shots or self._shots[0].start > 0
        light = Background(spec.width, spec.height, spec.seed) if needs_light else None
        self._background = light

    def frame(self, number: int) -> Picture:
        """Frame ``number``, counted from 0."""
        picture = self._backdrop(number)
        self._titles.draw(picture, number, self._title_strength(number))
        return picture

    def _backdrop(self, number: int) -> Picture:
        earlier = [shot for shot in self._shots if shot.start <= number]
        later = [shot for shot in self._shots if shot.start > number]
        if earlier:
            picture = earlier[-1].at(number)
        else:
            assert self._background is not None  # made whenever no input covers the first frame
            picture = self._background.at(number)
        if later:
            missing = later[0].start - number
            if missing < _CROSSFADE:
                picture = picture.blend(later[0].first, 1 - missing / _CROSSFADE)
        return picture

    def _title_strength(self, number: int) -> float:
        distances = [max(shot.start - number, number - shot.end, 0) / _FADE for shot in self._shots]
        return min([1.0, *distances])


def _prepare(item: Input, spec: VideoSpec, path: Path) -> _Shot:
    size = (spec.width, spec.height)
    if item.kind == "video":
        length = max(1, round(probe_clip(path).seconds * FRAME_RATE))
        frames = (_fit(frame, size, item.crop) for frame in decode_clip(path))
        return _Shot(item.frame_index, length, frames)
    with Image.open(path) as opened:
        image = ImageOps.exif_transpose(opened)
        image.load()
    return _Shot(item.frame_index, 1, iter([_fit(image, size, item.crop)]))


def _fit(image: Image.Image, size: tuple[int, int], crop: Crop) -> Picture:
    width, height = image.size
    box = (
        round(crop.left * width),
        round(crop.top * height),
        max(round(crop.right * width), round(crop.left * width) + 1),
        max(round(crop.bottom * height), round(crop.top * height) + 1),
    )
    part = image.convert("RGBA" if image.has_transparency_data else "RGB").crop(box)
    if part.size != size:
        part = ImageOps.fit(part, size, Image.Resampling.LANCZOS)
    return from_rgb(part)
