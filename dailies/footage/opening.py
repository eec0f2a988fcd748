"""Opening a video with FFmpeg (PyAV), on a short lead.

FFmpeg knows playlists and other formats that make it open files and addresses, and guesses the
format by the content: here the format is named, by the first bytes, and is one that holds a video
itself. Decoding is by one thread, whatever the machine has.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from dailies.footage.source import RangeFile
from dailies.inputs.mp4 import looks_like_mp4
from dailies.video.errors import LimitReached, UnplayableVideo

if TYPE_CHECKING:
    # Of some 25 MB in memory: a worker that archives nothing is spared them.
    from av.audio.codeccontext import AudioCodecContext
    from av.audio.stream import AudioStream
    from av.container import InputContainer
    from av.video.codeccontext import VideoCodecContext
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

__all__ = ["codec_of", "frames", "opened"]

_MOST_FRAME_PIXELS = 8192 * 4320
"""8K; the decoder makes room for what a frame says that it is."""

_OPENING: Mapping[str, dict[str, str]] = {
    # Its index tells what its tracks are. What FFmpeg decodes by itself, to see whether that is so,
    # is decoded here anyway.
    "mp4": {"probesize": "32"},
    "matroska": {},
}
"""FFmpeg's options, by the format."""

_EBML = b"\x1a\x45\xdf\xa3"
"""What Matroska, and so WebM, begins with (RFC 8794)."""


@contextmanager
def opened(file: RangeFile) -> Iterator[tuple[InputContainer, VideoStream]]:
    """A video and its first track of pictures; whatever is wrong with the bytes is told so.

    Raises:
        UnplayableVideo: also for what FFmpeg says inside the ``with``.
        LimitReached: it would take too much time, bytes or memory.
    """
    import av

    try:
        form = _format(file)
        # Titles may be in any encoding, and nobody looks at them here.
        with av.open(
            file, "r", format=form, metadata_errors="replace", options=_OPENING[form]
        ) as container:
            stream = _pictures(container)
            yield container, stream
    except MemoryError as error:
        raise LimitReached("it takes more memory than there is") from error
    except av.FFmpegError as error:
        raise UnplayableVideo(f"it does not decode: {error.strerror}") from error


def frames(file: RangeFile, container: InputContainer, stream: VideoStream) -> Iterator[VideoFrame]:
    """The pictures from where the container stands; the time is looked at between packets."""
    for packet in container.demux(stream):
        file.check()
        yield from packet.decode()


def codec_of(stream: VideoStream | AudioStream) -> str | None:
    """FFmpeg's name of how a track is coded; None where it knows none."""
    # Of such a track there is no context, whatever PyAV's types say.
    context: VideoCodecContext | AudioCodecContext | None = stream.codec_context
    return None if context is None else context.codec.canonical_name


def _pictures(container: InputContainer) -> VideoStream:
    """The first track of pictures, set up to be decoded."""
    if not container.streams.video:
        raise UnplayableVideo("there is no picture in it")
    stream = container.streams.video[0]
    if codec_of(stream) is None:
        raise UnplayableVideo("its pictures are coded in a way that no decoder knows")
    context = stream.codec_context
    if context.width * context.height > _MOST_FRAME_PIXELS:
        raise LimitReached("its pictures are larger than 8K")
    context.thread_count = 1
    context.options = {"max_pixels": str(_MOST_FRAME_PIXELS)}  # whatever they say on the way
    return stream


def _format(file: RangeFile) -> str:
    head = file.read(16)
    file.seek(0)
    if looks_like_mp4(head):
        return "mp4"
    if head.startswith(_EBML):
        return "matroska"
    raise UnplayableVideo("it is neither an MP4 nor a WebM")
