"""``frame_index`` and ``crop_bounds``: extensions of the videos protocol and of dropped files, for
models that can.

An image or a video given as ``input_reference`` appears at that frame; ``crop_bounds`` says which
part of it. What other models would quietly ignore is refused, in words that say what they can do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dailies.catalogue import Model
from dailies.catalogue.deployment import InpaintRules
from dailies.catalogue.offers import unsupported
from dailies.inputs.examine import InputLimits, InputSource, examine
from dailies.intake.accept import GivenInput
from dailies.protocols import inpaint
from dailies.protocols.requests import fit_mode
from dailies.settings import Settings
from dailies.video.basics import Size
from dailies.video.errors import InvalidRequest
from dailies.video.record import InpaintItem, InpaintType

__all__ = ["check_frame_fields", "input_limits", "read_frame_input", "takes_frames"]


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


def check_frame_fields(fields: Mapping[str, Any], model: Model, *, has_input: bool) -> None:
    """Refuse the fields where they would do nothing.

    Raises:
        InvalidRequest: the model does not know them, or there is nothing that they are about.
    """
    for name in inpaint.FIELDS:
        if fields.get(name) in (None, ""):
            continue
        if not takes_frames(model):
            raise unsupported(model, name, f"'{name}' is not for this model.")
        if not has_input:
            raise InvalidRequest(
                f"'{name}' says where an image or a video goes: send one in 'input_reference'.",
                param=name,
                code="missing_required_parameter",
            )


async def read_frame_input(
    fields: Mapping[str, Any],
    source: InputSource,
    settings: Settings,
    model: Model,
    *,
    digest: str,
) -> tuple[GivenInput, Size]:
    """What is given as ``input_reference``, and the size in pixels that viewers show it in.

    Args:
        digest: tells its content from any other.

    Raises:
        UnusableReference: it is too large or too long, or nothing that can be used.
        InvalidRequest: the model takes nothing of its kind, or a field is wrong.
    """
    if not takes_frames(model):
        raise unsupported(model, "input_reference", "It takes no video as input.")
    found = await examine(source, input_limits(settings, model))
    item = InpaintItem(
        type=found.type,
        frame_index=inpaint.read_frame_index(fields.get("frame_index")),
        crop=inpaint.read_crop(fields.get("crop_bounds")),
        fit=fit_mode(fields) if found.type is InpaintType.IMAGE else None,
    )
    return GivenInput(item, found.content_type, source.length, source.open, digest), found.size


def _rules(model: Model) -> InpaintRules | None:
    return next((d.inpaint for d in model.deployments if d.inpaint is not None), None)
