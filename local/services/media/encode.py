"""Writing the files: the MP4, its thumbnail and its spritesheet."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.stream import VideoStream
from PIL import Image

from local.services.media.picture import Picture, to_frame, to_rgb
from local.services.media.scene import Scene
from local.services.media.spec import FRAME_RATE, VideoSpec
from local.services.media.tone import SAMPLE_RATE, chord

_SHEET_COLUMNS = 4
_SHEET_TILES = 12
_SHEET_TILE_EDGE = 320  # pixels of a tile's longer side
_AUDIO_BLOCK = 1024  # samples in an AAC frame


class EncodingCancelledError(Exception):
    """The process is ending; nothing was left behind."""


@dataclass(frozen=True, slots=True)
class MediaFiles:
    """Where the files of one video are."""

    video: Path
    thumbnail: Path
    spritesheet: Path


def encode(
    spec: VideoSpec,
    files: MediaFiles,
    find: Callable[[str], Path],
    cancelled: Callable[[], bool],
    *,
    few_frames: bool = False,
) -> None:
    """Write the three files of ``spec``; blocks for about a second, so call it in a thread.

    The video appears last: whoever finds it finds the stills too.

    Args:
        find: gives the path of an input's bytes by SHA-256.
        cancelled: whether to stop.
        few_frames: write only the frames of the inputs and of the stills, the first and the last,
            each at its time: the same length and size in a fraction of the processor's time.

    Raises:
        EncodingCancelledError: ``cancelled`` said so between two frames.
    """
    scene = Scene(spec, find)
    tiles: list[Image.Image] = []
    unfinished = files.video.with_suffix(".part")
    try:
        with av.open(
            str(unfinished), "w", format="mp4", options={"movflags": "faststart"}
        ) as container:
            video = _video_stream(container, spec)
            sound = _Sound(container, spec) if spec.sound else None
            sampled = _sampled_frames(spec)
            for number in _few(spec, sampled) if few_frames else range(spec.frames):
                if cancelled():
                    raise EncodingCancelledError(spec.key)
                picture = scene.frame(number)
                frame = to_frame(picture)
                frame.pts, frame.time_base = number, Fraction(1, FRAME_RATE)
                container.mux(video.encode(frame))
                if sound is not None:
                    sound.write_until((number + 1) / FRAME_RATE)
                if number == spec.frames // 2:
                    _write_still(to_rgb(picture), files.thumbnail, spec.still, quality=82)
                if number in sampled:
                    tiles.append(_tile(picture))
            container.mux(video.encode(None))
            if sound is not None:
                sound.finish()
        _write_still(_sheet(tiles), files.spritesheet, "JPEG", quality=85)
        unfinished.replace(files.video)
    finally:
        unfinished.unlink(missing_ok=True)


def _video_stream(container: OutputContainer, spec: VideoSpec) -> VideoStream:
    stream = container.add_stream("libx264", rate=FRAME_RATE)
    stream.width, stream.height, stream.pix_fmt = spec.width, spec.height, "yuv420p"
    stream.codec_context.thread_count = 1  # several encodings share the machine
    stream.codec_context.gop_size = 2 * FRAME_RATE
    exact = [item.frame_index for item in spec.inputs if item.kind == "image"]
    parameters = ["colorprim=bt709", "transfer=bt709", "colormatrix=bt709"]
    if exact:
        # Frames at which an input image stands must equal it, so they get a fine quantiser.
        zones = "/".join(f"{number},{number},q=8" for number in exact)
        parameters.append(f"zones={zones}")
    stream.options = {
        "preset": "ultrafast",
        "crf": "38" if spec.low_quality else "24",
        "x264-params": ":".join(parameters),
    }
    return stream


class _Sound:
    """The audio track, written along with the picture so that the file is interleaved."""

    def __init__(self, container: OutputContainer, spec: VideoSpec) -> None:
        self._stream: AudioStream = container.add_stream("aac", rate=SAMPLE_RATE)
        self._stream.layout = "mono"
        self._stream.bit_rate = 96_000
        self._container = container
        # An AAC track is a whole number of blocks long, and the encoder adds one to begin with:
        # leave room, so that the sound never outlasts the picture.
        self._samples = (spec.seconds * SAMPLE_RATE // _AUDIO_BLOCK - 1) * _AUDIO_BLOCK
        self._data = chord(self._samples / SAMPLE_RATE, spec.seed)
        self._written = 0

    def write_until(self, seconds: float) -> None:
        """Encode the blocks that begin before ``seconds``."""
        while self._written < min(seconds * SAMPLE_RATE, self._samples):
            frame = av.AudioFrame(format="s16", layout="mono", samples=_AUDIO_BLOCK)
            start = self._written * 2
            frame.planes[0].update(self._data[start : start + _AUDIO_BLOCK * 2])
            frame.sample_rate = SAMPLE_RATE
            frame.time_base = Fraction(1, SAMPLE_RATE)
            frame.pts = self._written
            self._container.mux(self._stream.encode(frame))
            self._written += _AUDIO_BLOCK

    def finish(self) -> None:
        """Write what the encoder still holds."""
        self._container.mux(self._stream.encode(None))


def _sampled_frames(spec: VideoSpec) -> set[int]:
    return {round((tile + 0.5) * spec.frames / _SHEET_TILES) for tile in range(_SHEET_TILES)}


def _few(spec: VideoSpec, sampled: set[int]) -> list[int]:
    # The last one is shown for as long as the one before it.
    ends = {0, spec.frames // 2, spec.frames - 2, spec.frames - 1}
    placed = {item.frame_index for item in spec.inputs}
    return sorted(sampled | ends | placed)


def _tile(picture: Picture) -> Image.Image:
    # Made small first: converting the colours of the whole frame took longer than encoding it.
    return to_rgb(picture.within(_SHEET_TILE_EDGE))


def _sheet(tiles: list[Image.Image]) -> Image.Image:
    width, height = tiles[0].size
    rows = -(-len(tiles) // _SHEET_COLUMNS)
    sheet = Image.new("RGB", (width * _SHEET_COLUMNS, height * rows))
    for number, tile in enumerate(tiles):
        sheet.paste(tile, (number % _SHEET_COLUMNS * width, number // _SHEET_COLUMNS * height))
    return sheet


def _write_still(image: Image.Image, path: Path, kind: str, *, quality: int) -> None:
    unfinished = path.with_suffix(".still")
    image.save(unfinished, kind, quality=quality, method=0)  # of WebP: the fastest
    unfinished.replace(path)
