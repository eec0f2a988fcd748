"""What a video starts from: one way of looking at it, whichever way it came in.

An image is the first frame, or, with models that take images and videos at frames of choice,
appears at one; ``crop_bounds`` says which part of it. Others are the last frame, or what the video
is to look like. What other models would quietly ignore is refused, in words that say what they can
do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from dailies.catalogue import Model
from dailies.catalogue.offers import check_inputs, unsupported
from dailies.catalogue.rules import InpaintRules
from dailies.inputs.examine import Examined, InputLimits, InputSource, digest, examine
from dailies.inputs.mp4 import looks_like_mp4
from dailies.intake.accept import GivenInput
from dailies.protocols.wish import Plan, Wish
from dailies.settings import Settings
from dailies.video.basics import Size
from dailies.video.errors import InvalidRequest, TooLarge, UnusableReference
from dailies.video.framing import FitMode
from dailies.video.request import Input, InputKind, Role, VideoRequest

__all__ = [
    "Found",
    "check_frame_fields",
    "input_limits",
    "read_inputs",
    "refusal",
    "takes_frames",
]


def takes_frames(model: Model) -> bool:
    """Whether images or videos can be put at a frame of choice."""
    return _rules(model) is not None


def input_limits(settings: Settings, model: Model) -> InputLimits:
    """How large an input of this model may be."""
    rules = _rules(model)
    return InputLimits(
        image_bytes=settings.max_reference_bytes,
        image_pixels=settings.max_reference_pixels,
        video_bytes=settings.max_reference_video_bytes,
        video_seconds=rules.max_video_seconds if rules else 0,
    )


def check_frame_fields(wish: Wish, model: Model, *, has_input: bool) -> None:
    """Refuse the fields where they would do nothing.

    Raises:
        InvalidRequest: the model does not know them, or there is nothing that they are about.
    """
    for name, value in (("frame_index", wish.frame_index), ("crop_bounds", wish.crop)):
        if value is None:
            continue
        if not takes_frames(model):
            raise unsupported(model, name, f"'{name}' is not for this model.")
        if not has_input:
            raise InvalidRequest(
                f"'{name}' says where an image or a video goes: send one in 'input_reference'.",
                param=name,
                code="missing_required_parameter",
            )


@dataclass(frozen=True, slots=True)
class Found:
    """A picture or a clip that is at hand.

    Attributes:
        param: the field that holds it.
        key: tells its content from any other; its SHA-256 if not given.
    """

    role: Role
    source: InputSource = field(repr=False)
    param: str
    key: str | None = None


async def read_inputs(
    plan: Plan, found: Sequence[Found], settings: Settings
) -> tuple[VideoRequest, list[GivenInput]]:
    """What is asked for, now that what it is made of is known: the first picture that is a frame
    decides the size where none is wished for.

    Raises:
        UnusableReference: one is too large or too long, or nothing that can be used.
        InvalidRequest: the model takes nothing of its kind, or not at that frame.
    """
    given: list[GivenInput] = []
    shape: Size | None = None
    for each in found:
        try:
            examined, item = await _read(plan, each, settings)
        except UnusableReference as error:
            error.param = each.param
            raise
        if shape is None and item.role is not Role.REFERENCE:
            shape = examined.size
        known = await digest(each.source) if each.key is None else each.key
        given.append(GivenInput(item, examined.content_type, each.source, known))
    request = plan.request(shape)
    frames = [each.input for each in given if each.input.role is Role.FRAME]
    check_inputs(plan.model, frames, request.seconds, param="frame_index")
    return request, given


async def _read(plan: Plan, found: Found, settings: Settings) -> tuple[Examined, Input]:
    """What a picture or a clip is, and what becomes of it."""
    wish, model = plan.wish, plan.model
    at_frame = found.role is Role.FIRST and takes_frames(model)
    if not at_frame and looks_like_mp4(await found.source.read(0, 16)):
        raise unsupported(model, found.param, f"It takes no video as '{found.param}'.")
    examined = await examine(found.source, input_limits(settings, model))
    is_image = examined.type is InputKind.IMAGE
    item = Input(
        role=Role.FRAME if at_frame else found.role,
        type=examined.type,
        frame_index=(wish.frame_index or 0) if found.role is Role.FIRST else 0,
        crop=wish.crop if found.role is Role.FIRST else None,
        fit=(wish.fit or FitMode.COVER) if is_image else None,
    )
    return examined, item


def refusal(error: UnusableReference, message: str, *, param: str) -> InvalidRequest | TooLarge:
    """The answer to a file that can't be used."""
    kind = TooLarge if error.code in ("image_too_large", "video_too_large") else InvalidRequest
    return kind(message, param=param, code=error.code)


def _rules(model: Model) -> InpaintRules | None:
    return next((d.inpaint for d in model.deployments if d.inpaint is not None), None)
