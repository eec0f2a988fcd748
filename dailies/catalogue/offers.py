"""What a model can do, in words and as checks: for requests that ask for more than others take.

All of it is data of the catalogue's deployments.
"""

from __future__ import annotations

from collections.abc import Sequence

from dailies.catalogue import Model
from dailies.catalogue.abilities import (
    ABILITIES,
    Needs,
    NotTogether,
    abilities_in_words,
    narrowed,
    together,
)
from dailies.catalogue.deployment import Deployment
from dailies.catalogue.rules import InpaintRules
from dailies.video.basics import Size
from dailies.video.errors import InvalidRequest
from dailies.video.request import Input, InputKind, Role, VideoRequest

__all__ = [
    "able",
    "check_inputs",
    "check_variants",
    "describe",
    "price_of",
    "takes",
    "unsupported",
]


def describe(model: Model) -> str:
    """What the model can do, in a sentence or two for error messages."""
    first = model.deployments[0]
    return (
        f"The model '{model.name}' makes videos of {_lengths(model.seconds)} seconds at "
        f"{_sizes(model, first)}, from a prompt{_inputs(first)}.{abilities_in_words(model)}"
    )


def unsupported(model: Model, param: str, why: str) -> InvalidRequest:
    """The answer to something that the model can't do; says what it can."""
    return InvalidRequest(f"{why} {describe(model)}", param=param, code="unsupported_parameter")


def able(model: Model, deployments: Sequence[Deployment], needs: Needs) -> Sequence[Deployment]:
    """Those of the ``deployments`` that can do all that a request needs, with the lengths and sizes
    at which they can.

    Raises:
        InvalidRequest: none can; naming the field, and what the model can do.
    """
    for ability in ABILITIES:
        fitting = [each for each in deployments if ability.can(each, needs)]
        if not fitting:
            alone = any(ability.can(each, needs) for each in model.deployments)
            why = "Not with all else that is asked for." if alone else ability.why(model, needs)
            raise unsupported(model, ability.param, why)
        deployments = fitting
    found = [together(deployment, needs) for deployment in deployments]
    left = [each for each in found if not isinstance(each, NotTogether)]
    if not left:
        param, why = next(each for each in found if isinstance(each, NotTogether))
        raise unsupported(model, param, why)
    return left


def check_variants(
    value: object, model: Model, deployments: Sequence[Deployment], size: Size
) -> int:
    """How many videos to make of the prompt: one if not given.

    Raises:
        InvalidRequest: it is no number, or more than the model makes at this size.
    """
    number = whole(value)
    if value is None:
        return 1
    most = max((d.most_variants(size) for d in deployments if size in d.sizes), default=1)
    if number is None or not 1 <= number <= most:
        allowed = "1" if most == 1 else f"from 1 to {most}"
        raise InvalidRequest(
            f"Invalid value: '{str(value)[:64]}'. 'n_variants' must be {allowed} at {size}. "
            f"{describe(model)}",
            param="n_variants",
            code="invalid_value",
        )
    return number


def check_inputs(model: Model, items: Sequence[Input], seconds: int, *, param: str) -> None:
    """Whether the model takes these images or this video, at these frames.

    Raises:
        InvalidRequest: it does not; the message says what it takes.
    """
    if not items:
        return
    rules = next((d.inpaint for d in model.deployments if d.inpaint is not None), None)
    kinds = [item.type for item in items]
    if rules is None:
        raise unsupported(model, param, f"It takes no {kinds[0]} at a frame of choice.")
    if len(set(kinds)) > 1 or not _fits(rules, kinds):
        raise unsupported(model, param, "Too many images or videos, or both at once.")
    if not rules.crop_bounds and any(item.crop is not None for item in items):
        raise unsupported(model, param, "It does not take 'crop_bounds'.")
    last = seconds * rules.frames_per_second - 1
    frames = [item.frame_index for item in items]
    if not all(0 <= frame <= last for frame in frames):
        raise InvalidRequest(
            f"Invalid 'frame_index': a video of {seconds} seconds has the frames 0 to {last}.",
            param=param,
            code="invalid_value",
        )
    if len(set(frames)) < len(frames):
        raise InvalidRequest(
            "Invalid 'frame_index': two images can't stand at the same frame.",
            param=param,
            code="invalid_value",
        )


def takes(deployment: Deployment, request: VideoRequest) -> bool:
    """Whether a deployment can be asked for all of an accepted request: its prompt, at this length
    and size, that many variants, from these inputs, and all else that it may need."""
    able = narrowed(deployment, Needs.of(request))
    if able is None or request.size not in able.sizes or request.seconds not in able.seconds:
        return False
    if not deployment.takes_prompt(request.prompt):
        return False
    if request.n_variants > deployment.most_variants(request.size):
        return False
    if deployment.reference is None and request.first_frame is not None:
        return False
    frames = request.inputs_of(Role.FRAME)
    if not frames:
        return True
    rules = deployment.inpaint
    return rules is not None and _fits(rules, [item.type for item in frames])


def price_of(deployment: Deployment, request: VideoRequest) -> float | None:
    """US dollars for this very request; None when the price is not known."""
    price = deployment.price(request.size, request.seconds, silent=request.sound is False)
    if price is None:
        return None
    images = sum(item.type is InputKind.IMAGE for item in request.inputs)
    return round(price * request.n_variants + deployment.image_price * images, 4)


def whole(value: object) -> int | None:
    """A whole number, also one written as a string (forms have nothing else), else None."""
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= 9:
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value


def _fits(rules: InpaintRules, kinds: Sequence[InputKind]) -> bool:
    images = sum(kind is InputKind.IMAGE for kind in kinds)
    return images <= rules.max_images and len(kinds) - images <= rules.max_videos


def _lengths(seconds: Sequence[int]) -> str:
    ordered = sorted(seconds)
    if len(ordered) > 2 and ordered == list(range(ordered[0], ordered[-1] + 1)):
        return f"{ordered[0]} to {ordered[-1]}"
    return " or ".join(", ".join(map(str, ordered)).rsplit(", ", 1))


def _sizes(model: Model, deployment: Deployment) -> str:
    """The sizes, with how many variants there may be where the model makes several."""
    most = {size: deployment.most_variants(size) for size in model.sizes}
    groups = [
        (number, ", ".join(str(size) for size in most if most[size] == number))
        for number in sorted(set(most.values()), reverse=True)
    ]
    if len(groups) == 1 and groups[0][0] == 1:
        return groups[0][1]
    return "; ".join(f"{sizes} (n_variants up to {number})" for number, sizes in groups)


def _inputs(deployment: Deployment) -> str:
    rules = deployment.inpaint
    if rules is not None:
        return (
            f" and up to {rules.max_images} images, or {rules.max_videos} video of at most "
            f"{rules.max_video_seconds:g} seconds"
        )
    return "" if deployment.reference is None else " and an image that it starts with"
