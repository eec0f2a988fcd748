"""What a create of OpenAI's videos protocol holds, as each of its speakers wants it.

::

    options:
      path: /v1/videos
      multipart_only: true
      images: input_references
      names: {sound: generate_sound}
      fixed: {num_inference_steps: 40}
      caller_options: [guidance_scale]
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from dailies.catalogue.deployment import Deployment
from dailies.catalogue.entry import Entry
from dailies.catalogue.limits import FRAMES_OR_REFERENCES, Limit, Part
from dailies.catalogue.rules import FieldProblem
from dailies.providers.base import Reference, Submission
from dailies.providers.declaration import CallerOptions, Options
from dailies.providers.shapes import aspect_ratio

__all__ = [
    "FrameCount",
    "ImagesAs",
    "Names",
    "SecondsType",
    "VideosOptions",
    "check_sizes",
    "creation",
    "form_files",
    "names_users",
    "sent",
    "settable",
    "together",
]

FormPart = tuple[str | None, bytes] | tuple[str, bytes, str]
Host = Annotated[str, Field(pattern=r"^\.?[a-z0-9-]+(\.[a-z0-9-]+)*$")]

_OWN = frozenset({"model", "prompt", "size", "seconds", "input_reference", "input_references"})


def _not_ours(name: str) -> str:
    if name in _OWN:
        raise ValueError(f"'{name}' is said by each request; leave it out here")
    return name


FieldName = Annotated[
    str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,63}$"), AfterValidator(_not_ours)
]


class SecondsType(StrEnum):
    """How a length of four seconds is written in JSON."""

    TEXT = "text"
    """``"4"``, as OpenAI has it."""
    NUMBER = "number"
    """``4``"""


class ImagesAs(StrEnum):
    """The field of a form in which images go."""

    INPUT_REFERENCE = "input_reference"
    """One file: the first frame."""
    INPUT_REFERENCES = "input_references"
    """Several files, in order: first and last frame, or what the video is to look like. So
    vLLM-Omni takes them for MiniMax H3. (Its ``image_reference``, data URLs in a text field, is
    cut off by the form parser at a mebibyte.)"""


class Names(Entry):
    """What a server calls what OpenAI has no field for; None: it takes no such thing.

    Attributes:
        aspect_ratio: of the size, as ``16:9``, beside the size itself (MiniMax H3 wants both).
    """

    seed: FieldName | None = "seed"
    negative_prompt: FieldName | None = "negative_prompt"
    sound: FieldName | None = None
    safety_identifier: FieldName | None = None
    aspect_ratio: FieldName | None = None


class FrameCount(Entry):
    """Frames for a length, sent as ``fps`` and ``num_frames`` where a model wants a number of its
    own: LTX-2 and Wan make one more than the whole seconds have.

    Attributes:
        fps: frames per second.
        more: frames beside those of the seconds.
    """

    fps: int = Field(ge=1, le=240)
    more: int = Field(default=0, ge=0, le=240)


class VideosOptions(Options):
    """How a server speaks the protocol. The defaults are OpenAI's own.

    Attributes:
        path: of the videos, below the endpoint.
        multipart_only: it takes no JSON (vLLM-Omni).
        seconds_type: as it wants them in JSON (SGLang and FastVideo: number).
        images: the field that they go in.
        names: of the wishes; the deployment says which of them it takes.
        frames: how many a length has, where the server must be told.
        fixed: fields that are always sent as they stand here.
        caller_options: the fields that a caller may set by provider options. None by default:
            servers take names of files of their own among them.
        idempotency_key: our video's id goes along as ``Idempotency-Key``.
        send_variant: a file is asked for with ``variant=video`` (SGLang: not, a variant is an
            index there). Without, there are no thumbnails.
        cancel_stops: a DELETE stops a running job. Else (SGLang, FastVideo: it is only forgotten,
            the GPU goes on) it is left to end by itself, and costs what it costs.
        jobs_in_memory: a restart of the server loses its jobs; one that it no longer knows then
            fails as ``job_lost``.
        lists_as_made: its list tells length and size as rendered, which may differ from what was
            asked for (SGLang, FastVideo), so they don't speak against a job.
        file_hosts: from where its files may be fetched, beside the endpoint's own host: where it
            redirects to a storage. A dot in front stands for all names below.
    """

    path: str = Field(default="/v1/videos", pattern=r"^(/[A-Za-z0-9._~-]+)+$")
    multipart_only: bool = False
    seconds_type: SecondsType = SecondsType.TEXT
    images: ImagesAs = ImagesAs.INPUT_REFERENCE
    names: Names = Names()
    frames: FrameCount | None = None
    fixed: Mapping[FieldName, Any] = {}
    caller_options: tuple[FieldName, ...] = ()
    idempotency_key: bool = True
    send_variant: bool = True
    cancel_stops: bool = True
    jobs_in_memory: bool = False
    lists_as_made: bool = False
    file_hosts: tuple[Host, ...] = ()

    @property
    def download_hosts(self) -> tuple[str, ...]:
        """See ``Options.download_hosts``."""
        return self.file_hosts

    def seconds(self, seconds: int) -> int | str:
        """A length as the server wants it in JSON."""
        return seconds if self.seconds_type is SecondsType.NUMBER else str(seconds)


def settable(options: VideosOptions) -> CallerOptions:
    """Which of a caller's own options go along."""
    return CallerOptions(only=options.caller_options)


def sent(options: VideosOptions) -> frozenset[Part]:
    """What this server has words for."""
    names = options.names
    several = options.images is ImagesAs.INPUT_REFERENCES
    has = {
        Part.FIRST_FRAME: True,
        Part.LAST_FRAME: several,
        Part.REFERENCES: several,
        Part.SEED: names.seed,
        Part.NEGATIVE_PROMPT: names.negative_prompt,
        Part.SOUND: names.sound,
    }
    return frozenset(part for part, word in has.items() if word)


def names_users(options: VideosOptions) -> bool:
    """Whether this server is told which end user a video is for."""
    return options.names.safety_identifier is not None


def together(deployment: Deployment, options: VideosOptions) -> Iterator[Limit]:
    """Images in one field are told apart by their number only."""
    if options.images is ImagesAs.INPUT_REFERENCES:
        yield from FRAMES_OR_REFERENCES


def check_sizes(deployment: Deployment, options: VideosOptions) -> Iterator[FieldProblem]:
    """Whether each size has an aspect ratio, where the server is to be told."""
    for size in deployment.sizes if options.names.aspect_ratio is not None else ():
        try:
            aspect_ratio(size)
        except ValueError as error:
            yield FieldProblem("sizes", f"{error}; name another, or no options.names.aspect_ratio")


def creation(
    options: VideosOptions, submission: Submission
) -> tuple[dict[str, Any], list[tuple[str, Reference]]]:
    """The fields of a create, and the images with the fields that they go in."""
    names = options.names
    wishes = (
        (names.seed, submission.seed),
        (names.negative_prompt, submission.negative_prompt),
        (names.sound, submission.sound),
        (names.safety_identifier, submission.safety_identifier),
    )
    fields = {
        **options.fixed,
        **submission.options,
        **{name: wish for name, wish in wishes if name is not None and wish is not None},
        **_shape(options, submission),
        "model": submission.deployment,
        "prompt": submission.prompt,
        "size": str(submission.size),
        "seconds": options.seconds(submission.seconds),
    }
    given = (submission.reference, submission.last_frame, *submission.references)
    return fields, [(options.images.value, image) for image in given if image is not None]


def _shape(options: VideosOptions, submission: Submission) -> dict[str, Any]:
    """Length and size in a server's further words for them.

    Raises:
        ValueError: the size has none.
    """
    shape: dict[str, Any] = {}
    if options.frames is not None:
        shape["fps"] = options.frames.fps
        shape["num_frames"] = options.frames.fps * submission.seconds + options.frames.more
    if options.names.aspect_ratio is not None:
        shape[options.names.aspect_ratio] = aspect_ratio(submission.size)
    return shape


def form_files(
    fields: Mapping[str, Any], images: list[tuple[str, Reference]]
) -> list[tuple[str, FormPart]]:
    """The parts of a form, as httpx takes them: a field is a file without a name to it."""
    return [*_texts(fields), *((name, _file(image)) for name, image in images)]


def _texts(fields: Mapping[str, Any]) -> Iterator[tuple[str, FormPart]]:
    for name, value in fields.items():
        written = value if isinstance(value, str) else json.dumps(value)
        # Half a surrogate pair is no UTF-8.
        yield name, (None, written.encode("utf-8", "replace"))


def _file(reference: Reference) -> FormPart:
    extension = reference.content_type.partition("/")[2].replace("jpeg", "jpg") or "bin"
    return (f"reference.{extension}", reference.data, reference.content_type)
