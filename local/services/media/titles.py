"""The writing on a picture: the prompt, what made it, a running timecode and a playhead."""

from __future__ import annotations

import bisect
import math
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFilter, ImageFont

from local.services.media.picture import BLACK, WHITE, Picture
from local.services.media.spec import FRAME_RATE, VideoSpec

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
_ELLIPSIS = "…"
_MOST_CHARACTERS = 1200  # more don't fit at the smallest type, and measuring them takes long


@dataclass(frozen=True, slots=True)
class _Stamp:
    mask: Image.Image
    half: Image.Image
    at: tuple[int, int]
    luma: int

    @classmethod
    def of(cls, mask: Image.Image, at: tuple[int, int], luma: int) -> _Stamp:
        return cls(mask, mask.reduce(2), at, luma)


class Titles:
    """Drawn once for a video; only the timecode and the playhead change from frame to frame."""

    def __init__(self, spec: VideoSpec) -> None:
        self._width, self._height = spec.width, spec.height
        self._frames = spec.frames
        unit = min(spec.width, spec.height)
        self._margin = _even(unit * 0.075)
        self._small = ImageFont.load_default(max(11, unit // 36))
        self._line = self._height - self._margin - _even(unit * 0.05)
        self._stamps = (*self._prompt(spec, unit), *self._labels(spec))
        self._faded: dict[int, tuple[_Stamp, ...]] = {}

    def draw(self, picture: Picture, frame: int, strength: float) -> None:
        """Write on ``picture`` in place; ``strength`` is 1 for opaque and 0 for nothing."""
        if strength <= 0:
            return
        for stamp in self._at_strength(min(strength, 1.0)):
            picture.stamp(stamp.mask, stamp.half, stamp.at, stamp.luma)
        if strength >= 1:
            self._running_parts(picture, frame)

    def _at_strength(self, strength: float) -> tuple[_Stamp, ...]:
        level = round(strength * 16)
        if level == 16:
            return self._stamps
        if level not in self._faded:
            table = [value * level // 16 for value in range(256)]
            self._faded[level] = tuple(
                _Stamp.of(stamp.mask.point(table), stamp.at, stamp.luma) for stamp in self._stamps
            )
        return self._faded[level]

    def _prompt(self, spec: VideoSpec, unit: int) -> Sequence[_Stamp]:
        room = (spec.width - 2 * self._margin, int(spec.height * 0.56))
        caption = spec.caption or "(no words)"
        if len(caption) > _MOST_CHARACTERS:
            caption = caption[:_MOST_CHARACTERS] + _ELLIPSIS
        font, lines = _fit(caption, room, unit)
        text = "\n".join(lines)
        spacing = _line_gap(font)
        pad = _even(unit * 0.04)
        probe = ImageDraw.Draw(Image.new("L", (1, 1)))
        box = probe.multiline_textbbox((0, 0), text, font=font, spacing=spacing)
        size = (_even(box[2]) + 2 * pad + 2, _even(box[3]) + 2 * pad + 2)
        words = Image.new("L", size)
        ImageDraw.Draw(words).multiline_text(
            (pad, pad), text, fill=255, font=font, spacing=spacing, align="left"
        )
        shadow = words.filter(ImageFilter.GaussianBlur(unit * 0.02)).point(
            [min(150, value * 3 // 2) for value in range(256)]
        )
        at = (self._margin - pad, _even((spec.height - size[1]) / 2))
        return (_Stamp.of(shadow, at, BLACK), _Stamp.of(words, at, WHITE))

    def _labels(self, spec: VideoSpec) -> Sequence[_Stamp]:
        room = spec.width - 2 * self._margin
        head = spec.model if spec.variant == 0 else f"{spec.model}  ·  variant {spec.variant + 1}"
        facts = f"{spec.width} x {spec.height}  ·  {spec.seconds} s"
        stamps = [
            self._label(head, self._margin, self._margin),
            self._label("simulated", self._margin, self._margin, right=True),
            self._label(facts, self._margin, self._line + self._margin // 4, right=True),
        ]
        if spec.note:
            note = _shorten(spec.note, self._small, room)
            below = self._margin + _even(_line_height(self._small) * 1.5)
            stamps.append(self._label(note, self._margin, below))
        return stamps

    def _label(self, text: str, x: int, y: int, *, right: bool = False) -> _Stamp:
        width = _even(self._small.getlength(text)) + 4
        mask = Image.new("L", (width, _even(_line_height(self._small) * 1.4)))
        ImageDraw.Draw(mask).text((0, 0), text, fill=225, font=self._small)
        left = self._width - x - width if right else x
        return _Stamp.of(mask, (_even(left), _even(y)), WHITE)

    def _running_parts(self, picture: Picture, frame: int) -> None:
        seconds, rest = divmod(frame, FRAME_RATE)
        timecode = f"{seconds // 60:02d}:{seconds % 60:02d}:{rest:02d}"
        ImageDraw.Draw(picture.y).text(
            (self._margin, self._line + self._margin // 4), timecode, fill=WHITE, font=self._small
        )
        left, right = self._margin, self._width - self._margin
        head = left + _even((right - left) * (frame + 1) / self._frames)
        picture.fill((left, self._line, right, self._line + 2), 90)
        picture.fill((left, self._line - 2, head, self._line + 2), WHITE)


def _fit(text: str, room: tuple[int, int], unit: int) -> tuple[Font, list[str]]:
    """The largest type in which ``text`` fits; text that is too long at the smallest is cut."""
    for share in (0.115, 0.1, 0.085, 0.07, 0.06, 0.05, 0.042):
        font = ImageFont.load_default(max(12, round(unit * share)))
        lines = _wrap(text, font, room[0])
        step = _line_height(font) + _line_gap(font)
        if len(lines) * step <= room[1]:
            return font, lines
    most = max(1, int(room[1] // step))
    last = _shorten(lines[most - 1] + " " + _ELLIPSIS, font, room[0])
    return font, [*lines[: most - 1], last]


def _wrap(text: str, font: Font, width: int) -> list[str]:
    lines: list[str] = []
    for word in text.split():
        candidate = f"{lines[-1]} {word}" if lines else word
        if lines and font.getlength(candidate) <= width:
            lines[-1] = candidate
            continue
        while font.getlength(word) > width and len(word) > 1:
            cut = _longest_start(word, font, width)
            lines.append(word[:cut])
            word = word[cut:]
        lines.append(word)
    return lines or [""]


def _longest_start(word: str, font: Font, width: int) -> int:
    fits = bisect.bisect(
        range(len(word)), width, key=lambda cut: math.ceil(font.getlength(word[:cut]))
    )
    return max(1, fits - 1)


def _shorten(text: str, font: Font, width: int) -> str:
    if font.getlength(text) <= width:
        return text
    fits = bisect.bisect(
        range(len(text)), width, key=lambda cut: math.ceil(font.getlength(text[:cut] + _ELLIPSIS))
    )
    return text[: max(1, fits - 1)].rstrip() + _ELLIPSIS


def _line_height(font: Font) -> float:
    box = font.getbbox("Ág")
    return box[3] - min(0.0, box[1])


def _line_gap(font: Font) -> float:
    return _line_height(font) * 0.22


def _even(value: float) -> int:
    return int(value) // 2 * 2
