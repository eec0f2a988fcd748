"""What a request may need beyond a length and a size, and which deployments can do it.

One table, for those who refuse a wish and for those who choose a deployment: what is refused at one
place is never asked for at another.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Self

from dailies.catalogue.deployment import Deployment
from dailies.catalogue.limits import Part
from dailies.catalogue.models import Model
from dailies.catalogue.rules import Sound
from dailies.video.request import Role, VideoRequest

__all__ = [
    "ABILITIES",
    "Ability",
    "Needs",
    "NotTogether",
    "abilities_in_words",
    "narrowed",
    "together",
]


@dataclass(frozen=True, slots=True)
class Needs:
    """What a request asks for.

    Attributes:
        first_frame, last_frame: whether there is an image that it starts or ends with.
        references: how many images it is to look like.
        negative_prompt: how many characters it has.
        sound: whether the video is to have sound; None leaves it to the model.
        options: the names of the options that it has for providers, by the provider's id; it is for
            one of them then.
    """

    first_frame: bool = False
    last_frame: bool = False
    references: int = 0
    seed: bool = False
    negative_prompt: int = 0
    sound: bool | None = None
    options: Mapping[str, Collection[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, request: VideoRequest) -> Self:
        """What an accepted request needs of whoever makes the video."""
        return cls(
            first_frame=request.first_frame is not None,
            last_frame=bool(request.inputs_of(Role.LAST)),
            references=len(request.inputs_of(Role.REFERENCE)),
            seed=request.seed is not None,
            negative_prompt=len(request.negative_prompt or ""),
            sound=request.sound,
            options=request.provider_options,
        )

    @property
    def parts(self) -> frozenset[Part]:
        """All that is asked for, without how much of it."""
        asked = {
            Part.FIRST_FRAME: self.first_frame,
            Part.LAST_FRAME: self.last_frame,
            Part.REFERENCES: self.references,
            Part.SEED: self.seed,
            Part.NEGATIVE_PROMPT: self.negative_prompt,
            Part.SOUND: self.sound is not None,
            Part.OPTIONS: self.options,
        }
        return frozenset(part for part, is_asked in asked.items() if is_asked)


@dataclass(frozen=True, slots=True)
class Ability:
    """Something that deployments can do or not.

    Attributes:
        param: the field that asks for it.
        can: whether a deployment can do as much of it as is needed.
        why: of a model that can't, for its caller.
    """

    param: str
    can: Callable[[Deployment, Needs], bool]
    why: Callable[[Model, Needs], str]


class NotTogether(NamedTuple):
    """The field of what can't be had with the others, and why."""

    param: str
    why: str


def together(deployment: Deployment, needs: Needs) -> Deployment | NotTogether:
    """The deployment with the lengths and sizes at which it can do all that is needed at once, each
    of which it can do alone."""
    sizes, seconds = deployment.sizes, deployment.seconds
    for limit in deployment.limits:
        why = limit.broken_by(needs.parts)
        if why is not None:
            return NotTogether(limit.when.param, why)
        if limit.when in needs.parts:
            sizes = tuple(each for each in sizes if each in (limit.sizes or sizes))
            seconds = tuple(each for each in seconds if each in (limit.seconds or seconds))
            if not sizes or not seconds:
                why = f"It takes {limit.when.words} at no size or length with all else."
                return NotTogether(limit.when.param, why)
    if (sizes, seconds) == (deployment.sizes, deployment.seconds):
        return deployment
    return deployment.model_copy(update={"sizes": sizes, "seconds": seconds})


def narrowed(deployment: Deployment, needs: Needs) -> Deployment | None:
    """As ``together``; None where it can't do all that is needed, for whatever reason."""
    if not all(ability.can(deployment, needs) for ability in ABILITIES):
        return None
    found = together(deployment, needs)
    return None if isinstance(found, NotTogether) else found


def abilities_in_words(model: Model) -> str:
    """What it can do of all that, as sentences with a space before each; nothing if nothing."""
    able = model.deployments
    references = max(d.max_references for d in able)
    taken = [
        *(["a last frame"] if any(d.last_frame for d in able) else []),
        *([f"up to {references} images to look like"] if references else []),
        *(["a seed"] if any(d.seed for d in able) else []),
        *(["a negative prompt"] if any(d.negative_prompt for d in able) else []),
    ]
    words = f" It takes {_and(taken)}." if taken else ""
    if any(d.sound is Sound.CHOSEN for d in able):
        words += " Sound can be chosen."
    return words


def _has_sound(deployment: Deployment, needs: Needs) -> bool:
    match needs.sound:
        case True:
            return deployment.sound in (Sound.ALWAYS, Sound.CHOSEN)
        case False:
            return deployment.sound in (Sound.NEVER, Sound.CHOSEN)
    return True


def _why_no_sound(model: Model, needs: Needs) -> str:
    known = {deployment.sound for deployment in model.deployments}
    if None in known:
        return "Whether its videos have sound is the model's own; leave 'generate_audio' out."
    if needs.sound:
        return "Its videos have no sound; leave 'generate_audio' out."
    return "Its videos always have sound; leave 'generate_audio' out."


def _why_no_references(model: Model, needs: Needs) -> str:
    most = max(deployment.max_references for deployment in model.deployments)
    if most:
        return f"It takes at most {most} images in 'input_references', not {needs.references}."
    return (
        "It takes no images to look like; the one that the video starts with goes into "
        "'input_reference'."
    )


def _takes_negative(deployment: Deployment, needs: Needs) -> bool:
    length = needs.negative_prompt
    return not length or (deployment.negative_prompt and length <= deployment.max_prompt_characters)


def _why_no_negative(model: Model, needs: Needs) -> str:
    taking = [d.max_prompt_characters for d in model.deployments if d.negative_prompt]
    if taking:
        return f"It takes at most {max(taking)} characters as 'negative_prompt'."
    return "It takes no 'negative_prompt'; say in 'prompt' what is not to be seen."


def _takes_options(deployment: Deployment, needs: Needs) -> bool:
    if not needs.options:
        return True
    wished = needs.options.get(deployment.provider) if deployment.takes_options else None
    return wished is not None and not any(map(deployment.refused_option, wished))


def _why_no_options(model: Model, needs: Needs) -> str:
    for deployment in model.deployments:
        if deployment.takes_options:
            for name in sorted(needs.options.get(deployment.provider, ())):
                if why := deployment.refused_option(name):
                    return why
    taking = {d.provider: None for d in model.deployments if d.takes_options}
    if not taking:
        return "It takes no 'provider_options'."
    named = " or ".join(f"'{provider}'" for provider in taking)
    return f"It takes 'provider_options' of {named} only."


def _and(words: list[str]) -> str:
    return " and ".join(", ".join(words).rsplit(", ", 1))


ABILITIES = (
    Ability(
        "frame_images",
        lambda deployment, needs: deployment.last_frame or not needs.last_frame,
        lambda *_: "It takes no last frame.",
    ),
    Ability(
        "input_references",
        lambda deployment, needs: needs.references <= deployment.max_references,
        _why_no_references,
    ),
    Ability(
        "seed",
        lambda deployment, needs: deployment.seed or not needs.seed,
        lambda *_: "It takes no 'seed'; leave it out.",
    ),
    Ability("negative_prompt", _takes_negative, _why_no_negative),
    Ability("generate_audio", _has_sound, _why_no_sound),
    Ability(
        "provider_options",
        _takes_options,
        _why_no_options,
    ),
)
"""In the order in which they are asked for."""
