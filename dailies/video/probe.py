"""What a stored video is found to be, whatever was asked for."""

from __future__ import annotations

from dailies.video.request import Document, SizeField

__all__ = ["ContentCredentials", "Findings", "Probe"]


class Probe(Document):
    """What the file says of itself, once it was seen to decode.

    Attributes:
        seconds: how long its picture runs.
        size: in pixels, as players show it.
        frames_per_second: on average; None where the file does not tell.
        video_codec, audio_codec: FFmpeg's names, as ``h264``, ``av1``, ``aac``; None: no sound, or
            sound that it does not know.
        sound: it has a track of sound, be it silent.
    """

    seconds: float
    size: SizeField
    frames_per_second: float | None
    video_codec: str
    audio_codec: str | None
    sound: bool


class ContentCredentials(Document):
    """Whether the file says how it was made, by C2PA. Nothing of it is verified.

    Attributes:
        issuer: the organisation that the signing certificate names, else the claim's generator;
            None where neither can be read.
    """

    present: bool
    issuer: str | None = None


class Findings(Document):
    """All that is found in a file; ``content_credentials`` is None where nobody looked for any."""

    probe: Probe
    content_credentials: ContentCredentials | None = None
