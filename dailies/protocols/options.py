"""``provider_options``: what a caller asks of one provider alone.

As in the AI SDK, an object by provider: ``{"film-maker": {…}}``. Where a model has one provider
only, its options may stand there without its name.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Collection, Mapping
from typing import Annotated, Any

from pydantic import Field, PlainValidator

from dailies.catalogue import Catalogue, Model
from dailies.protocols.fields import JSON_TEXT, said
from dailies.protocols.frames import json_of
from dailies.protocols.messages import type_name, wrong_type
from dailies.video.errors import InvalidRequest

__all__ = ["ProviderOptions", "Routing", "options_by_provider", "read_provider_options"]

_PARAM = "provider_options"
_MOST_BYTES = 16 * 1024
_MOST_DEPTH = 8


def read_provider_options(value: object) -> dict[str, Any]:
    """An object of JSON, or the same as a text, which is all that forms and metadata have.

    Raises:
        InvalidRequest: it is none, holds a file, or is too large or too deep.
    """
    options = json_of(value, _PARAM)
    if not isinstance(options, dict):
        raise _invalid(f"Expected an object, but got {type_name(options)}.")
    _check(options, _MOST_DEPTH)
    try:
        length = len(json.dumps(options, allow_nan=False).encode())
    except ValueError:
        raise _invalid("It holds a number that JSON has not.") from None
    if length > _MOST_BYTES:
        raise _invalid(f"It has {length:,} bytes as JSON; at most {_MOST_BYTES:,} are taken.")
    return options


def options_by_provider(
    options: Mapping[str, Any], catalogue: Catalogue, model: Model
) -> dict[str, Any]:
    """The options under the id of their provider, each an object.

    Raises:
        InvalidRequest: it can't be told whose they are, or they are nobody's who makes this model.
    """
    if not options:
        return {}
    named = options.keys() & catalogue.providers
    if named:
        for name in options:
            if name not in named:
                raise _unknown(name, catalogue.providers)
            if not isinstance(options[name], Mapping):
                got = type_name(options[name])
                raise _invalid(f"Expected an object under '{name}', but got {got}.")
        return dict(options)
    if all(isinstance(value, Mapping) for value in options.values()):
        raise _unknown(next(iter(options)), catalogue.providers)
    if len(model.providers) > 1:
        raise _invalid(
            f"Several providers make '{model.name}'. Say whose the options are: "
            f'{{"{model.providers[0]}": {{…}}}}.'
        )
    return {model.providers[0]: dict(options)}


def _routing(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise wrong_type("provider", "an object", value)
    options = value.get("options")
    return {} if options in (None, "") else read_provider_options(options)


def _check(value: object, depth: int) -> None:
    if isinstance(value, dict | list):
        if not depth:
            raise _invalid(f"It has more than {_MOST_DEPTH} levels.")
        for inner in value.values() if isinstance(value, dict) else value:
            _check(inner, depth - 1)
    elif value is not None and not isinstance(value, str | int | float):
        raise _invalid("Files can't be sent in it; name a picture by its https URL.")


def _unknown(name: str, providers: Collection[str]) -> InvalidRequest:
    near = difflib.get_close_matches(name[:64].lower(), sorted(providers), n=1)
    meant = (
        f" Did you mean '{near[0]}'?" if near else f" There are: {', '.join(sorted(providers))}."
    )
    return _invalid(f"There is no provider '{name[:64]}' here.{meant}")


def _invalid(message: str) -> InvalidRequest:
    return InvalidRequest(f"Invalid '{_PARAM}': {message}", param=_PARAM, code="invalid_value")


_ABOUT_OPTIONS = (
    "What is asked of one provider alone, by its id: passed on as it stands to the one that makes "
    "the video."
)

ProviderOptions = Annotated[
    dict[str, Any],
    Field(repr=False),
    PlainValidator(read_provider_options),
    said(
        _ABOUT_OPTIONS,
        {"provider_options": JSON_TEXT},
        type="object",
        additionalProperties={"type": "object"},
    ),
]
Routing = Annotated[
    dict[str, Any],
    PlainValidator(_routing),
    Field(repr=False),
    said(
        "As OpenRouter has it: `options` in it are the same as `provider_options`.",
        {"provider[options]": JSON_TEXT},
        type="object",
        properties={"options": {"type": "object", "additionalProperties": {"type": "object"}}},
    ),
]
