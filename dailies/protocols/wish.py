"""What a caller wishes, whatever protocol it came by, and what the catalogue makes of it.

A wish becomes a request in two steps, each done once: ``plan`` finds what the model can't do before
anything is fetched or looked at; ``Plan.request`` adds the size that suits an image.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dailies.catalogue import Catalogue, Deployment, Model
from dailies.catalogue.abilities import Needs
from dailies.catalogue.offers import able, check_variants
from dailies.catalogue.rules import MOST_SECONDS, utf16_units
from dailies.inputs.geometry import nearest_size
from dailies.protocols.messages import too_long, unsupported
from dailies.protocols.options import options_by_provider
from dailies.video.basics import Priority, Size
from dailies.video.errors import InvalidRequest
from dailies.video.framing import CropBounds, FitMode
from dailies.video.record import VideoRequest
from dailies.video.request import Webhook

__all__ = ["Plan", "Wish", "Words", "plan"]


@dataclass(frozen=True, slots=True)
class Wish:
    """A video as it is wished for; None is left to the model.

    Attributes:
        model: a name of the catalogue, or None for the default model.
        seconds, size, n_variants: a text where it is none, which the catalogue answers.
        safety_identifier: tells the caller's end users from each other.
        fit, frame_index, crop: of what the video starts from.
        sound: whether it is to have sound.
        provider_options: as they were given, whosever they are.
        seconds_fit_nearest: a length that the model does not make may become the nearest that it
            makes.
        expires_after: for how many seconds it may wait.
        webhook: who is told what becomes of it.
        names: the caller's own words for fields of these names, where they differ.
    """

    prompt: str = field(repr=False)
    model: str | None = None
    seconds: int | str | None = None
    size: Size | str | None = None
    n_variants: int | str | None = None
    user: str | None = None
    safety_identifier: str | None = None
    fit: FitMode | None = None
    frame_index: int | None = None
    crop: CropBounds | None = None
    seed: int | None = None
    negative_prompt: str | None = field(default=None, repr=False)
    sound: bool | None = None
    provider_options: Mapping[str, Any] = field(default_factory=dict, repr=False)
    seconds_fit_nearest: bool = False
    priority: Priority | None = None
    expires_after: int | None = None
    webhook: Webhook | None = None
    names: Mapping[str, str] = field(default_factory=dict)


class Words:
    """How the videos protocol says what a model can't do; the jobs API has words of its own."""

    def too_long(self, most: int, length: int) -> InvalidRequest:
        """The prompt has more characters than the model takes."""
        return too_long("prompt", most, length)

    def no_such_size(
        self, size: Size | str, supported: Sequence[Size], beside: Sequence[str] = ()
    ) -> InvalidRequest:
        """The model does not render this size, with what else is asked for."""
        return unsupported("size", size, supported, beside=dict.fromkeys(beside))

    def no_such_length(
        self, seconds: int | str, supported: Sequence[int], beside: Sequence[str] = ()
    ) -> InvalidRequest:
        """The model does not render this length, with what else is asked for."""
        return unsupported("seconds", seconds, supported, beside=dict.fromkeys(beside))


@dataclass(frozen=True, slots=True)
class Plan:
    """A wish that its model can fulfil.

    Attributes:
        deployments: those that can, in the order of preference.
        size: None where it is to suit an image.
        n_variants: None where that depends on the size.
        provider_options: by the provider's id.
    """

    wish: Wish
    model: Model
    deployments: Sequence[Deployment]
    seconds: int
    size: Size | None
    n_variants: int | None
    provider_options: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def request(self, image: Size | None = None) -> VideoRequest:
        """The request; without a wished size it has that which suits an image of ``image`` pixels,
        else the model's default.

        Raises:
            InvalidRequest: more variants than the model makes at this size.
        """
        sizes = self.deployments[0].sizes
        fitting = nearest_size(image.width, image.height, sizes) if image else sizes[0]
        size = self.size or fitting
        variants = self.n_variants or check_variants(
            self.wish.n_variants, self.model, self.deployments, size
        )
        return VideoRequest(
            model=self.model.name,
            prompt=self.wish.prompt,
            seconds=self.seconds,
            size=size,
            n_variants=variants,
            user=self.wish.user,
            safety_identifier=self.wish.safety_identifier,
            seed=self.wish.seed,
            negative_prompt=self.wish.negative_prompt,
            sound=self.wish.sound,
            provider_options=dict(self.provider_options),
            priority=self.wish.priority,
            expires_after=self.wish.expires_after,
            webhook=self.wish.webhook,
        )


def plan(
    catalogue: Catalogue,
    wish: Wish,
    *,
    with_image: bool,
    last_frame: bool = False,
    references: int = 0,
    words: Words | None = None,
) -> Plan:
    """Find the deployments that can make the video.

    Args:
        with_image: it starts from an image, whose model must take one.
        last_frame: it ends with an image.
        references: how many images it is to look like.
        words: of the errors, those of the videos protocol if not given.

    Raises:
        InvalidRequest: naming the field and the values that are supported.
        NotFound: the model is not in the catalogue.
    """
    words = words or Words()
    model = catalogue.resolve(wish.model)
    options = options_by_provider(wish.provider_options, catalogue, model)
    needs = Needs(
        first_frame=with_image,
        last_frame=last_frame,
        references=references,
        seed=wish.seed is not None,
        negative_prompt=len(wish.negative_prompt or ""),
        sound=wish.sound,
        options=options,
    )
    taking = _taking(model, wish.prompt, words, with_image=with_image)
    left = able(model, taking, needs)
    limits = [limit for each in left for limit in each.limits if limit.when in needs.parts]
    size = wish.size
    if size is not None:
        sizes = _union(deployment.sizes for deployment in left)
        if isinstance(size, str) or size not in sizes:
            beside = [limit.when.words for limit in limits if limit.sizes is not None]
            raise words.no_such_size(size, sizes, beside)
        left = [deployment for deployment in left if size in deployment.sizes]
    lengths = _union(deployment.seconds for deployment in left)
    seconds = _length(wish, lengths)
    if isinstance(seconds, str) or seconds not in lengths:
        beside = [limit.when.words for limit in limits if limit.seconds is not None]
        raise words.no_such_length(seconds, lengths, beside)
    left = [deployment for deployment in left if seconds in deployment.seconds]
    known = size if with_image or last_frame else size or left[0].default_size
    variants = None if known is None else check_variants(wish.n_variants, model, left, known)
    return Plan(wish, model, left, seconds, size, variants, options)


def _length(wish: Wish, lengths: Sequence[int]) -> int | str:
    """The wished length, else the first; the nearest to it where that is wished for, of two the
    shorter."""
    wished = lengths[0] if wish.seconds is None else wish.seconds
    if isinstance(wished, int) and 0 < wished <= MOST_SECONDS and wish.seconds_fit_nearest:
        return min(lengths, key=lambda length: (abs(length - wished), length))
    return wished


def _taking(model: Model, prompt: str, words: Words, *, with_image: bool) -> Sequence[Deployment]:
    """The model's deployments that take such a prompt, and an image where there is one."""
    longest = max(deployment.max_prompt_characters for deployment in model.deployments)
    if len(prompt) > longest:
        raise words.too_long(longest, len(prompt))
    taking = [deployment for deployment in model.deployments if deployment.takes_prompt(prompt)]
    if not taking:
        most = max(deployment.max_prompt_units or 0 for deployment in model.deployments)
        raise InvalidRequest(
            f"Invalid 'prompt': it has {utf16_units(prompt):,} UTF-16 units, of which an emoji has "
            f"two, and the model takes {most:,}. Shorten it.",
            param="prompt",
            code="string_above_max_length",
        )
    if with_image:
        taking = [deployment for deployment in taking if deployment.reference is not None]
    if not taking:
        raise InvalidRequest(
            f"The model '{model.name}' takes no reference image with such a prompt. Leave "
            "'input_reference' out, or use another model.",
            param="input_reference",
            code="unsupported_parameter",
        )
    return taking


def _union(groups: Iterable[Sequence[Any]]) -> list[Any]:
    return list(dict.fromkeys(item for group in groups for item in group))
