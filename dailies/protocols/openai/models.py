"""Models, as OpenAI's API lists them, with what each can do and costs beside that.

``id``, ``object``, ``created`` and ``owned_by`` are OpenAI's; all else are additions, which its
clients pass on and otherwise ignore. What several deployments of a model can do is told together.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Literal

from pydantic import BaseModel, Field

from dailies.catalogue import Catalogue, Deployment, Model
from dailies.catalogue.rules import Sound
from dailies.protocols.shapes import ratio_of, resolution_of
from dailies.video.basics import Operation

__all__ = [
    "FrameInputs",
    "ModelInputs",
    "ModelLimit",
    "ModelList",
    "ModelObject",
    "model_list",
    "model_object",
]


class FrameInputs(BaseModel):
    """What may appear at frames of choice (`frame_index`): images, or videos, not both."""

    images: int
    videos: int
    video_seconds: float


class ModelInputs(BaseModel):
    """What a video may be made of beside a prompt.

    ``references`` is how many images ``input_references`` may have; ``video`` says that
    ``input_reference`` may be a clip.
    """

    first_frame: bool
    last_frame: bool
    references: int
    frames: FrameInputs | None
    video: bool


class ModelLimit(BaseModel):
    """What holds of requests that have the part ``when``: the parts that it can't be had together
    with, or not without; the sizes and lengths at which it can be had, null for all."""

    when: str
    without: list[str]
    needs: list[str]
    sizes: list[str] | None
    seconds: list[int] | None


class ModelObject(BaseModel):
    """A model. ``created`` is 0: nobody tells when a model was made."""

    id: str
    object: Literal["model"] = "model"
    created: int = 0
    owned_by: str = Field(description="The id of the provider that is asked first.")
    available: bool = Field(description="Whether a video can be had of it now.")
    retires_at: str | None = Field(
        description="The day, in UTC, from which nobody is left who makes it; null: none is known."
    )
    aliases: list[str]
    seconds: list[int] = Field(description="The lengths that it renders; the first is the default.")
    extension_seconds: list[int] = Field(description="What an extension may add.")
    sizes: list[str] = Field(description="The sizes that it renders; the first is the default.")
    aspect_ratios: list[str]
    resolutions: list[str]
    inputs: ModelInputs
    sound: Literal["never", "always", "chosen"] | None = Field(
        description="`chosen`: by `generate_audio`; null: nobody tells."
    )
    seed: bool
    negative_prompt: bool
    limits: list[ModelLimit] = Field(
        description="What it can't do together; of several places, as the first one has it."
    )
    operations: list[Literal["create", "remix", "edit", "extend"]]
    characters: bool
    n_variants: dict[str, int] = Field(description="The most videos of one prompt, by size.")
    max_prompt_characters: int
    provider_options: list[str] = Field(description="Whose `provider_options` it takes, by id.")
    prices: dict[str, float] | None = Field(
        description="US dollars per second of video, by size; null where nobody tells."
    )
    silent_prices: dict[str, float] | None = Field(
        description="The same with `generate_audio: false`; null where that is no cheaper."
    )
    image_price: float = Field(
        description="US dollars for each image that is sent with a request, beside that."
    )


class ModelList(BaseModel):
    """All models, in the catalogue's order."""

    object: Literal["list"] = "list"
    data: list[ModelObject]


Retires = Callable[[Deployment], date | None]
"""From a deployment to the day from which it is gone, where one is known."""


def model_list(
    catalogue: Catalogue,
    now: float,
    retires: Retires,
    allows: Callable[[str], bool] | None = None,
) -> ModelList:
    """The models of the file, those that nothing is set up for here last; by their names, those
    that ``allows`` lets through."""
    listed = catalogue.listed.values()
    shown = [model for model in listed if allows is None or allows(model.name)]
    models = sorted(shown, key=lambda model: model.name not in catalogue.models)
    return ModelList(data=[model_object(catalogue, model, now, retires) for model in models])


def model_object(catalogue: Catalogue, model: Model, now: float, retires: Retires) -> ModelObject:
    """What a model can do, at ``now`` in Unix seconds."""
    deployments = model.deployments
    days = [retires(deployment) for deployment in deployments]
    last = max((day for day in days if day is not None), default=None)
    today = datetime.fromtimestamp(now, UTC).date()
    left = [
        deployment
        for deployment, day in zip(deployments, days, strict=True)
        if not _is_gone(deployment, now) and (day is None or today < day)
    ]
    operations = [op for d in deployments for op in d.operations]
    return ModelObject(
        id=model.name,
        owned_by=model.providers[0],
        available=model.name in catalogue.models and bool(left),
        retires_at=None if last is None or None in days else last.isoformat(),
        aliases=list(model.aliases),
        seconds=list(model.seconds),
        extension_seconds=_extensions(model),
        sizes=[str(size) for size in model.sizes],
        aspect_ratios=list(dict.fromkeys(map(ratio_of, model.sizes))),
        resolutions=list(dict.fromkeys(map(resolution_of, model.sizes))),
        inputs=_inputs(model),
        sound=_sound(model),
        seed=any(d.seed for d in deployments),
        negative_prompt=any(d.negative_prompt for d in deployments),
        limits=[
            ModelLimit(
                when=limit.when,
                without=[*limit.without],
                needs=[*limit.needs],
                sizes=None if limit.sizes is None else [*map(str, limit.sizes)],
                seconds=None if limit.seconds is None else [*limit.seconds],
            )
            for limit in deployments[0].limits
        ],
        operations=[operation.value for operation in dict.fromkeys(operations)],
        characters=any(d.characters for d in deployments),
        n_variants={
            str(size): max(d.most_variants(size) for d in deployments if size in d.sizes)
            for size in model.sizes
        },
        max_prompt_characters=max(d.max_prompt_characters for d in deployments),
        provider_options=list(
            dict.fromkeys(
                d.provider for d in deployments if d.takes_options and d.only_options != ()
            )
        ),
        prices=_prices(model),
        silent_prices=_silent_prices(model),
        image_price=max(d.image_price for d in deployments),
    )


def _is_gone(deployment: Deployment, now: float) -> bool:
    gone = deployment.retired_on
    return gone is not None and gone <= datetime.fromtimestamp(now, UTC).date()


def _inputs(model: Model) -> ModelInputs:
    rules = next((d.inpaint for d in model.deployments if d.inpaint is not None), None)
    frames = None
    if rules is not None:
        frames = FrameInputs(
            images=rules.max_images,
            videos=rules.max_videos,
            video_seconds=rules.max_video_seconds,
        )
    return ModelInputs(
        first_frame=any(d.reference is not None for d in model.deployments),
        last_frame=any(d.last_frame for d in model.deployments),
        references=max(d.max_references for d in model.deployments),
        frames=frames,
        video=rules is not None and rules.max_videos > 0,
    )


def _sound(model: Model) -> Literal["never", "always", "chosen"] | None:
    """What holds of all deployments; where they differ, it can be chosen by choosing of them."""
    kinds = {deployment.sound for deployment in model.deployments}
    if None in kinds:
        return None
    if kinds == {Sound.NEVER}:
        return "never"
    return "always" if kinds == {Sound.ALWAYS} else "chosen"


def _extensions(model: Model) -> list[int]:
    added = [
        seconds
        for d in model.deployments
        if Operation.EXTEND in d.operations
        for seconds in (d.extension_seconds or d.seconds)
    ]
    return sorted(set(added))


def _silent_prices(model: Model) -> dict[str, float] | None:
    silent = _prices(model, silent=True)
    return None if silent == _prices(model) else silent


def _prices(model: Model, *, silent: bool = False) -> dict[str, float] | None:
    found = {str(size): model.price_per_second(size, silent=silent) for size in model.sizes}
    known = {size: price for size, price in found.items() if price is not None}
    return known or None
