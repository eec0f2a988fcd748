"""What a video starts from: one way of looking at it, whichever way it came in.

An image is the first frame, or, with models that take images and videos at frames of choice,
appears at one; ``crop_bounds`` says which part of it. What other models would quietly ignore is
refused, in words that say what they can do.
"""

from __future__ import annotations

from dailies.catalogue import Model
from dailies.catalogue.deployment import InpaintRules
from dailies.catalogue.offers import check_inputs, unsupported
from dailies.inputs.examine import InputLimits, InputSource, digest, examine
from dailies.inputs.mp4 import looks_like_mp4
from dailies.intake.accept import GivenInput
from dailies.protocols.wish import Plan, Wish
from dailies.settings import Settings
from dailies.video.errors import InvalidRequest, TooLarge, UnusableReference
from dailies.video.framing import FitMode
from dailies.video.request import Input, InputKind, Role, VideoRequest

__all__ = ["check_frame_fields", "input_limits", "read_input", "refusal", "takes_frames"]


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


async def read_input(
    plan: Plan, source: InputSource, settings: Settings, key: str | None = None
) -> tuple[VideoRequest, GivenInput]:
    """What is asked for, now that what it starts from is known.

    Args:
        key: tells the content of ``source`` from any other; its SHA-256 if not given.

    Raises:
        UnusableReference: it is too large or too long, or nothing that can be used.
        InvalidRequest: the model takes nothing of its kind, or not at that frame.
    """
    wish, model = plan.wish, plan.model
    if not takes_frames(model) and looks_like_mp4(await source.read(0, 16)):
        raise unsupported(model, "input_reference", "It takes no video as input.")
    found = await examine(source, input_limits(settings, model))
    item = Input(
        role=Role.FRAME if takes_frames(model) else Role.FIRST,
        type=found.type,
        frame_index=wish.frame_index or 0,
        crop=wish.crop,
        fit=(wish.fit or FitMode.COVER) if found.type is InputKind.IMAGE else None,
    )
    request = plan.request(found.size)
    if item.role is Role.FRAME:
        check_inputs(model, [item], request.seconds, param="frame_index")
    known = await digest(source) if key is None else key
    return request, GivenInput(item, found.content_type, source, known)


def refusal(error: UnusableReference, message: str, *, param: str) -> InvalidRequest | TooLarge:
    """The answer to a file that can't be used."""
    kind = TooLarge if error.code in ("image_too_large", "video_too_large") else InvalidRequest
    return kind(message, param=param, code=error.code)


def _rules(model: Model) -> InpaintRules | None:
    return next((d.inpaint for d in model.deployments if d.inpaint is not None), None)
