"""Opening a video with FFmpeg (PyAV), on a short lead.

FFmpeg knows playlists and other formats that make it open files and addresses, and guesses the
format by the content: here the format is named, by the first bytes, and is one that holds a video
itself. Decoding is by one thread, whatever the machine has.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from dailies.footage.source import RangeFile
from dailies.inputs.mp4 import looks_like_mp4
from dailies.video.errors import LimitReached, UnplayableVideo

if TYPE_CHECKING:
    # Of some 25 MB in memory: a worker that archives nothing is spared them.
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

__all__ = ["frames", "opened"]

_MOST_FRAME_PIXELS = 8192 * 4320
"""8K; the decoder makes room for what a frame says that it is."""

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
        with av.open(file, "r", format=_format(file)) as container:
            if not container.streams.video:
                raise UnplayableVideo("there is no picture in it")
            stream = container.streams.video[0]
            stream.codec_context.thread_count = 1
            stream.codec_context.options = {"max_pixels": str(_MOST_FRAME_PIXELS)}
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


def _format(file: RangeFile) -> str:
    head = file.read(16)
    file.seek(0)
    if looks_like_mp4(head):
        return "mp4"
    if head.startswith(_EBML):
        return "matroska"
    raise UnplayableVideo("it is neither an MP4 nor a WebM")
