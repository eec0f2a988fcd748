"""What crosses the border between the orchestration of a dropped image and its activities.

Apart from the rules, so that an orchestrator is loaded without them and what they need.
"""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

__all__ = ["Drop", "DropAnswer", "RejectInput", "Rejection"]


class Drop(TypedDict):
    """One upload: a blob of the references container, as it was with this ETag.

    ``last_call``: what is missing now will not come any more. ``traceparent``: the trace of the
    trigger that saw it.
    """

    blob: str
    etag: str
    traceparent: NotRequired[str]
    last_call: NotRequired[bool]


class Rejection(TypedDict):
    """Why a drop can't be used; see ``DropError``."""

    code: str
    message: str
    where: str


class DropAnswer(TypedDict):
    """What became of a drop. ``waiting``: for its sidecar. ``gone``: deleted, or replaced by a
    newer upload, which has an event of its own."""

    kind: Literal["accepted", "waiting", "rejected", "gone"]
    video_id: NotRequired[str]
    rejection: NotRequired[Rejection]


class RejectInput(TypedDict):
    """The upload and the reason."""

    drop: Drop
    rejection: Rejection
