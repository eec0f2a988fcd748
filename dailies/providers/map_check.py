"""Whether a row of an aggregator says what its model really takes: asked at start.

A wrong name would be found out by the first video of a caller, or never: some services drop what a
model does not know, and a video without its last frame is paid for all the same. So what the row
promises must have a name, and where it names a copy of the model's schema, every size and length
that it offers is tried against it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dailies.catalogue.deployment import Deployment
from dailies.catalogue.rules import FieldProblem, Sound
from dailies.providers.base import Reference, Submission
from dailies.providers.mapping import MappedOptions, model_inputs, read_schema
from dailies.video.basics import Operation, Size, Variant

__all__ = ["map_problems"]

_NOTHING = Reference(b"", "image/png", Size(16, 16))


def map_problems(deployment: Deployment, options: MappedOptions) -> Iterator[FieldProblem]:
    """What is wrong with the map of a deployment, and how to mend it; each field once."""
    told: set[str] = set()
    for problem in (*_promises(deployment, options), *_refusals(deployment, options)):
        if problem.field not in told:
            told.add(problem.field)
            yield problem


def _promises(deployment: Deployment, options: MappedOptions) -> Iterator[FieldProblem]:
    """What the deployment promises and the map has no name for."""
    names = options.inputs
    for field, is_promised, name in (
        ("reference", deployment.reference is not None, "image"),
        ("last_frame", deployment.last_frame, "last_frame"),
        ("max_references", deployment.max_references > 0, "references"),
        ("seed", deployment.seed, "seed"),
        ("negative_prompt", deployment.negative_prompt, "negative_prompt"),
        ("sound", deployment.sound is Sound.CHOSEN, "sound"),
    ):
        if is_promised and getattr(names, name) is None:
            yield FieldProblem(
                field,
                f"the model is to take it, and options.inputs.{name} does not say what it is "
                "called there; name it, or take the promise back",
            )
    if deployment.operations != (Operation.CREATE,):
        yield FieldProblem("operations", "a mapped model only creates; say [create]")
    if deployment.files != (Variant.VIDEO,):
        yield FieldProblem("variants", "a mapped model leaves a video only; say [video]")
    if deployment.inpaint is not None:
        yield FieldProblem("inpaint", "a mapped model takes no inpaint items; leave it out")
    if any(number != 1 for number in deployment.n_variants.values()):
        yield FieldProblem("n_variants", "a mapped model makes one video a job; leave it out")
    taken = list(names.named.values())
    for field, name in names.named.items():
        if taken.count(name) > 1:
            yield FieldProblem(
                f"options.inputs.{field}", f"'{name}' is named twice; give each its own input"
            )
    for where, inputs in (
        ("fixed", options.fixed),
        *((f"by_size.{size}", inputs) for size, inputs in options.by_size.items()),
    ):
        for name in sorted(inputs.keys() & set(taken)):
            yield FieldProblem(
                f"options.{where}.{name}",
                "the request itself says what this input is; set the name of it in "
                "options.inputs to null, or remove it here",
            )
    for size in sorted(options.by_size.keys() - set(map(str, deployment.sizes))):
        yield FieldProblem(
            f"options.by_size.{size}", "is none of the deployment's sizes; add or remove it"
        )


def _refusals(deployment: Deployment, options: MappedOptions) -> Iterator[FieldProblem]:
    """What the model would refuse of a video that the deployment offers."""
    try:
        schema = read_schema(options.input_schema) if options.input_schema else None
    except (OSError, ValueError) as error:
        yield FieldProblem(
            "options.schema",
            f"dailies/providers/schemas/{options.input_schema} can't be read "
            f"({type(error).__name__}); name a JSON file there, or leave it out",
        )
        return
    # Compiled once a row: fastjsonschema writes a function for it.
    check = None if schema is None else _Schema(options.input_schema, schema)
    for submission in _offers(deployment):
        try:
            inputs = model_inputs(options, submission)
        except ValueError as error:
            yield FieldProblem(
                "sizes",
                f"{error}; name another size, or set options.inputs.aspect_ratio and resolution "
                "to null and say options.by_size",
            )
            continue
        if check is not None:
            for name, why in check.refusals(inputs):
                yield FieldProblem(_place(options, submission, name), why)


def _offers(deployment: Deployment) -> Iterator[Submission]:
    """Every size and length of a deployment, from text alone and with all that it may take."""
    for size in deployment.sizes:
        for seconds in deployment.seconds:
            plain = Submission(deployment.deployment, "A pier at dawn", seconds, size)
            yield plain
            yield Submission(
                deployment.deployment,
                plain.prompt,
                seconds,
                size,
                reference=None if deployment.reference is None else _NOTHING,
                last_frame=_NOTHING if deployment.last_frame else None,
                references=(_NOTHING,) * deployment.max_references,
                seed=7 if deployment.seed else None,
                negative_prompt="Rain" if deployment.negative_prompt else None,
                sound=True if deployment.sound is Sound.CHOSEN else None,
            )


def _place(options: MappedOptions, submission: Submission, name: str) -> str:
    """The field of the deployment that an input comes from."""
    by_size = options.by_size.get(str(submission.size), {})
    for where, keys in (
        ("fixed_with_image", options.fixed_with_image),
        (f"by_size.{submission.size}", by_size),
        ("fixed", options.fixed),
    ):
        if name in keys:
            return f"options.{where}.{name}"
    fields = [field for field, named in options.inputs.named.items() if named == name]
    return f"options.inputs.{fields[0]}" if fields else "options.inputs"


class _Schema:
    """A model's JSON schema of its inputs.

    Unknown inputs are refused whether it says so or not. Formats are not checked: a link is one to
    an uploaded file, or a ``data:`` URL.
    """

    def __init__(self, file: str, schema: Mapping[str, Any]) -> None:
        import fastjsonschema  # late: only rows in use are checked

        self._file = file
        self._known = frozenset(schema["properties"])
        self._refusal = fastjsonschema.JsonSchemaValueException
        self._check = fastjsonschema.compile(dict(schema), use_formats=False, use_default=False)

    def refusals(self, inputs: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        """The inputs that the schema refuses, and why."""
        left = dict(inputs)
        for name in sorted(left.keys() - self._known):
            yield (
                name,
                f"the model has no input '{name}' ({self._file}); name one of "
                f"{', '.join(sorted(self._known))}",
            )
            del left[name]
        while True:
            try:
                self._check(dict(left))
            except self._refusal as error:
                name = str(error.path[1]) if len(error.path) > 1 else ""
                what = str(error.message).partition(" ")[2]
                if name not in left:
                    yield name, f"the model's inputs {what} ({self._file}); add them to fixed"
                    return
                yield (
                    name,
                    f"the model's input '{name}' {what}, not {left.pop(name)!r} ({self._file}); "
                    "change it, or the sizes and seconds that lead to it",
                )
                continue
            return
