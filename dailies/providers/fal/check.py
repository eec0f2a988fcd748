"""Whether a row of fal's says what its endpoints really take: asked at start."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dailies.catalogue.deployment import Deployment
from dailies.catalogue.rules import FieldProblem, Sound
from dailies.providers.fal.adapter import FalOptions, Route
from dailies.providers.map_check import map_problems
from dailies.providers.mapping import MappedOptions

__all__ = ["route_problems"]

_OWN = ("inputs", "schema")
"""What each endpoint says for itself, of a row's options."""


def route_problems(deployment: Deployment, options: FalOptions) -> Iterator[FieldProblem]:
    """What is wrong with the maps of a deployment: its own, and those of its app's endpoints."""
    told: set[str] = set()
    for where, route, part in _parts(deployment, options):
        mapped: MappedOptions = options
        if route is not None:
            own = {"inputs": route.inputs, "input_schema": route.input_schema}
            mapped = options.model_copy(update=own)
        for problem in map_problems(part, mapped):
            field = _placed(problem.field, where)
            if field not in told:
                told.add(field)
                yield FieldProblem(field, problem.message)


def _parts(
    deployment: Deployment, options: FalOptions
) -> Iterator[tuple[str, Route | None, Deployment]]:
    """Each endpoint, with that part of the deployment which it serves."""
    frames = options.with_image or options.with_last_frame
    yield (
        "",
        None,
        _part(
            deployment,
            reference=None if frames else deployment.reference,
            last_frame=deployment.last_frame and not frames,
            max_references=0 if options.with_references else deployment.max_references,
        ),
    )
    if options.with_image:
        last = deployment.last_frame and not options.with_last_frame
        yield "with_image", options.with_image, _also(options.with_image, deployment, last=last)
    if options.with_last_frame:
        last = deployment.last_frame
        yield (
            "with_last_frame",
            options.with_last_frame,
            _also(options.with_last_frame, deployment, last=last),
        )
    if options.with_references:
        yield (
            "with_references",
            options.with_references,
            _also(
                options.with_references,
                deployment,
                last=False,
                images=False,
                references=deployment.max_references,
            ),
        )


def _also(
    route: Route, deployment: Deployment, *, last: bool, images: bool = True, references: int = 0
) -> Deployment:
    """What a further endpoint serves. What it has no name for beside its images, is refused with
    them when it is asked for: no more than the first endpoint is a promise."""
    chosen = deployment.sound is Sound.CHOSEN and route.inputs.sound is not None
    return _part(
        deployment,
        reference=deployment.reference if images else None,
        last_frame=last,
        max_references=references,
        seed=deployment.seed and route.inputs.seed is not None,
        negative_prompt=deployment.negative_prompt and route.inputs.negative_prompt is not None,
        sound=Sound.CHOSEN if chosen else None,
    )


def _part(deployment: Deployment, **changed: Any) -> Deployment:
    return deployment.model_copy(update=changed)


def _placed(field: str, where: str) -> str:
    """The field of the row, where an endpoint of its own says it."""
    head, _, rest = field.partition(".")
    own = head == "options" and rest.partition(".")[0] in _OWN
    return f"options.{where}.{rest}" if where and own else field
