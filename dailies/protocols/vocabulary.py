"""The fields that each call reads, and those that stand for what it can't do.

Data for whoever accounts for a body, so that nothing goes unread in silence. A name is refused here
where its sender surely meant something by it that would have made another video. A parameter that a
model comes to take moves from ``_NO_MODEL_TAKES`` to the typed body.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from dailies.protocols.openai.bodies import (
    CreateCharacter,
    CreateVideo,
    EditVideo,
    ExtendVideo,
    RemixByCreate,
    RemixVideo,
)
from dailies.protocols.pictures import FRAMES, REFERENCES
from dailies.protocols.sora1.job import CreateJob

__all__ = [
    "CHARACTER",
    "CREATE",
    "EDIT",
    "EXTENSION",
    "JOB",
    "REMIX",
    "REMIX_BY_CREATE",
    "SOURCE",
    "Vocabulary",
]

SOURCE = "remix_video_id"
"""The field that makes a create a remix."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What one call reads.

    Attributes:
        fields: the names that it reads.
        refused: names that it can do nothing with, and what to do instead.
        objects: of fields that are objects, the keys that it reads; what is deeper, by its place,
            as in ``input_reference.image_url``.
        file: the field that a file belongs in; None where it takes none.
        arrays: fields that are arrays, which forms write in ways of their own.
        names_files: it tells files apart by their own names, whatever fields they come in.
    """

    fields: frozenset[str]
    refused: Mapping[str, str]
    objects: Mapping[str, frozenset[str]] = field(default_factory=dict)
    file: str | None = None
    arrays: frozenset[str] = frozenset()
    names_files: bool = False


def _words(names: str) -> frozenset[str]:
    return frozenset(names.split())


def _say(remedy: str, names: str) -> dict[str, str]:
    return dict.fromkeys(names.split(), remedy)


_FIRST_FRAMES = (
    "image images img image_urls input_image input_images input_image_url "
    "first_frame first_frame_image first_frame_url start_frame start_image start_image_url "
    "init_image "
    "reference reference_image file"
)
_LOOKS = "reference_images reference_image_urls subject_images"
_LAST_FRAMES = (
    "last_frame last_frame_image last_frame_url last_image end_frame end_frame_image end_frame_url "
    "end_image end_image_url image_tail tail_image tail_image_url"
)
_SOURCES = "video_url source_video source_video_id remixed_from_video_id previous_job_id"
_LENGTHS = "length duration_seconds video_length"
_COUNTS = "count num_videos number_of_videos"
_SHAPES = "aspect ratio orientation dimensions"

_NO_MODEL_TAKES = {
    "audio": "No model here takes sound; whether there is any is said by 'generate_audio'.",
    "fps": "The frame rate is the model's own; leave it out.",
    "frame_rate": "The frame rate is the model's own; leave it out.",
    "style": "Say it in 'prompt'.",
    "quality": "Choose another 'model' or 'size'.",
    "characters": "Name the character in 'prompt'.",
}
_ELSEWHERE = (
    _say(
        "The answer is an object; the MP4 comes from its content address when it is finished.",
        "response_format output_format",
    )
    | _say(
        "Write the address as 'webhook_url', and in 'webhook_events' what it is told.",
        "webhook callback callback_url webhook_events_filter",
    )
    | _say("Ask for it in the query: POST /v1/videos?dry_run=true.", "dry_run")
)
_NEVER = {**_NO_MODEL_TAKES, **_ELSEWHERE}

CREATE = Vocabulary(
    fields=frozenset(CreateVideo.model_fields),
    refused={
        **_NEVER,
        **_say(
            "Send the image in 'input_reference': a file of a form, or in JSON "
            '{"image_url": "https://…"}, which may be a data URL.',
            _FIRST_FRAMES,
        ),
        **_say(
            'Send it in \'frame_images\': [{"image_url": {"url": "https://…"}, "frame_type": '
            '"last_frame"}].',
            _LAST_FRAMES,
        ),
        **_say("Send them as 'input_references', an array.", _LOOKS),
        **_say(
            f"To start from a video of yours, name its id as '{SOURCE}', or send it to "
            "POST /v1/videos/edits or /v1/videos/extensions.",
            f"video video_id {_SOURCES}",
        ),
        **_say("Write the length as 'seconds'.", _LENGTHS),
        **_say("Write it as 'n_variants'.", _COUNTS),
        **_say("Write 'size' (1280x720) or 'aspect_ratio' (16:9).", _SHAPES),
        **_say(
            "The jobs API of Sora 1 has it; here it is said by 'input_reference', 'frame_index' "
            "and 'crop_bounds'.",
            "files inpaint_items",
        ),
    },
    objects={
        "input_reference": _words("image_url file_id"),
        "input_reference.image_url": _words("url"),
        "image_url": _words("url"),
        "frame_images": _words("type image_url frame_type"),
        "frame_images.image_url": _words("url"),
        "input_references": _words("type image_url"),
        "input_references.image_url": _words("url"),
        "provider": _words("options"),
    },
    file="input_reference",
    arrays=frozenset({FRAMES, REFERENCES, "webhook_events"}),
)

JOB = Vocabulary(
    fields=frozenset(CreateJob.model_fields) | {"files"},
    refused={
        **_NEVER,
        **_say("Write the length as 'n_seconds'.", f"seconds duration {_LENGTHS}"),
        **_say("Write it as 'n_variants'.", f"n {_COUNTS}"),
        **_say("Write 'width' and 'height'.", f"size aspect_ratio resolution {_SHAPES}"),
        **_say(
            "Attach it as a part 'files' of a multipart form, and say in 'inpaint_items' where it "
            "belongs.",
            f"input_reference image_url {FRAMES} {REFERENCES} {_FIRST_FRAMES} {_LAST_FRAMES} "
            f"{_LOOKS} video {_SOURCES}",
        ),
        **_say(
            "This API has none; POST /v1/videos has, for models that take it.",
            "seed negative_prompt generate_audio provider_options provider seconds_fit priority "
            "expires_after webhook_url webhook_events",
        ),
        **_say("Say it in an item of 'inpaint_items'.", "frame_index crop_bounds"),
        "fit": "Files of this API go on as they are; leave it out.",
        SOURCE: "Videos of this API can't be remixed.",
    },
    file="files",
    names_files=True,
)

_KEPT = {
    name: "The new video is made as its source was; leave it out."
    for name in (*CREATE.fields, *CREATE.refused)
    if name not in RemixVideo.model_fields
}

REMIX = Vocabulary(
    fields=frozenset(RemixVideo.model_fields),
    refused=_KEPT
    | _say("The path names the video; leave it out.", f"video video_id {_SOURCES} {SOURCE}"),
)
REMIX_BY_CREATE = Vocabulary(
    fields=frozenset(RemixByCreate.model_fields),
    refused={name: remedy for name, remedy in _KEPT.items() if name != SOURCE},
)

_FROM_VIDEO = {
    name: remedy for name, remedy in _KEPT.items() if name not in ("video", "video_id")
} | _say('Write {"video": {"id": "video_…"}}.', f"{_SOURCES} {SOURCE}")

EDIT = Vocabulary(
    fields=frozenset(EditVideo.model_fields),
    refused=_FROM_VIDEO,
    objects={"video": _words("id"), "video_id": _words("id")},
)
EXTENSION = Vocabulary(
    fields=frozenset(ExtendVideo.model_fields),
    refused=_FROM_VIDEO | _say("Write what is added as 'seconds'.", _LENGTHS),
    objects=EDIT.objects,
)

CHARACTER = Vocabulary(
    fields=frozenset(CreateCharacter.model_fields),
    refused=_say("Send a clip as 'video', a file of a multipart form.", f"{_FIRST_FRAMES} files"),
    file="video",
)
