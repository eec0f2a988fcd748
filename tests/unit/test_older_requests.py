"""Requests as a version wrote them that had a model of its own for each kind of input."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dailies.video.framing import CropBounds, FitMode
from dailies.video.request import Input, InputKind, Role, StoredFile, VideoRequest

PLAIN = {
    "model": "sora-2",
    "prompt": "p",
    "seconds": 4,
    "size": "1280x720",
    "user": None,
    "operation": "create",
    "source_video_id": None,
    "source_job_id": None,
    "source_file": None,
    "source_seconds": 0,
    "deployment": None,
    "reference": None,
    "n_variants": 1,
    "inpaint": [],
}


def stored(blob: str, content_type: str) -> dict[str, Any]:
    return {"blob": blob, "content_type": content_type, "bytes": 9, "sha256": "ab", "etag": "e"}


def named(blob: str, content_type: str) -> StoredFile:
    """A file of which no more than its name was written down."""
    return StoredFile(blob=blob, content_type=content_type, bytes=0, sha256="", etag="")


PNG = stored("v/input-1.fitted.png", "image/png")
MP4 = stored("v/input-2.mp4", "video/mp4")
GIVEN = {
    "original": "v/reference.original",
    "fitted": None,
    "file": None,
    "content_type": "image/jpeg",
    "fit": "contain",
}
FITTED = {**GIVEN, "fitted": "v/reference.png", "content_type": "image/png"}
ITEMS = [
    {
        "type": "image",
        "frame_index": 3,
        "crop": {"left": 0.1, "top": 0.0, "right": 1.0, "bottom": 1.0},
        "file": PNG,
        "original": "v/input-1.jpg",
        "fit": "cover",
        "prepared": True,
    },
    {
        "type": "video",
        "frame_index": 0,
        "crop": None,
        "file": MP4,
        "original": None,
        "fit": None,
        "prepared": False,
    },
]
FIRST = Input(role=Role.FIRST, type=InputKind.IMAGE, fit=FitMode.CONTAIN)
FRAME = Input(
    role=Role.FRAME,
    type=InputKind.IMAGE,
    frame_index=3,
    crop=CropBounds(0.1),
    file=StoredFile(**PNG),
    original="v/input-1.jpg",
    fit=FitMode.COVER,
    prepared=True,
)
DONE = {"original": "v/reference.original", "prepared": True}


def with_changes(item: Input, **changes: Any) -> Input:
    return item.model_copy(update=changes)


@pytest.mark.parametrize(
    ("written", "inputs"),
    [
        ({}, ()),
        (
            {"reference": GIVEN},
            (with_changes(FIRST, file=named("v/reference.original", "image/jpeg")),),
        ),
        (
            {"reference": FITTED},
            (with_changes(FIRST, file=named("v/reference.png", "image/png"), **DONE),),
        ),
        (
            {"reference": {**FITTED, "file": PNG}},
            (with_changes(FIRST, file=StoredFile(**PNG), **DONE),),
        ),
        (
            {"inpaint": ITEMS},
            (FRAME, Input(role=Role.FRAME, type=InputKind.VIDEO, file=StoredFile(**MP4))),
        ),
        (
            {"operation": "edit", "source_file": "w/video.mp4"},
            (
                Input(
                    role=Role.SOURCE,
                    type=InputKind.VIDEO,
                    file=named("w/video.mp4", "video/mp4"),
                ),
            ),
        ),
    ],
)
def test_what_a_video_starts_from_is_read(
    written: dict[str, Any], inputs: tuple[Input, ...]
) -> None:
    read = VideoRequest.model_validate_json(json.dumps({**PLAIN, **written}))
    assert read.inputs == inputs
    assert VideoRequest.model_validate_json(read.model_dump_json()) == read


def test_only_what_is_to_be_fitted_is_prepared() -> None:
    waiting = VideoRequest.model_validate({**PLAIN, "reference": GIVEN})
    assert [item.needs_preparing for item in waiting.inputs] == [True]
    assert waiting.needs_preparing
    done = VideoRequest.model_validate({**PLAIN, "reference": FITTED, "inpaint": ITEMS})
    assert not any(item.needs_preparing for item in done.inputs)
    clip = VideoRequest.model_validate({**PLAIN, "inpaint": ITEMS[1:]})
    assert not clip.needs_preparing
