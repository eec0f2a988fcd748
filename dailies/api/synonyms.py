"""What callers of other services say in their own words, said in those of the videos protocol.

``duration`` is ``seconds`` and ``n`` is ``n_variants``; ``image_url`` is an ``input_reference``;
``width`` and ``height`` are ``size``, and so are an ``aspect_ratio`` and a ``resolution`` that lead
to exactly one size of the model. Who says a thing twice must say the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from dailies.catalogue import Catalogue, Model
from dailies.catalogue.offers import whole
from dailies.protocols.requests import enumerated, missing, read_length
from dailies.video.basics import Size
from dailies.video.errors import InvalidRequest

__all__ = ["Translated", "translate"]

_SAME: Mapping[str, tuple[tuple[str, ...], Callable[[object], int | None]]] = {
    "seconds": (("duration", "n_seconds"), read_length),
    "n_variants": (("n",), whole),
}
"""Fields, their other names, and how two values are compared."""

_SIDES = ("width", "height")
_SHAPES = ("aspect_ratio", "resolution")
_NOTHING = (None, "", "auto")

_RATIO = re.compile(r"(\d{1,4}(?:\.\d{1,3})?)\s*[:/]\s*(\d{1,4}(?:\.\d{1,3})?)")
_LINES = re.compile(r"(\d{3,4})p?", re.IGNORECASE)
_NEAR = 0.01
"""Sizes are made of whole pixels: 480x854 is called 9:16."""


@dataclass(frozen=True, slots=True)
class Translated:
    """Fields in the words of the protocol; ``names`` has the caller's own, where they differ."""

    fields: dict[str, Any]
    names: dict[str, str] = field(default_factory=dict)


def translate(given: Mapping[str, Any], catalogue: Catalogue) -> Translated:
    """Put the fields of a request into the words of the protocol.

    Raises:
        InvalidRequest: two fields contradict each other, or lead to no size or to several; naming
            the field and the sizes of the model.
        NotFound: the model is not in the catalogue.
    """
    result = Translated(dict(given))
    for name, (others, read) in _SAME.items():
        for other in others:
            _take_over(result, name, other, read)
    _take_over_image(result)
    said = {name: result.fields.pop(name, None) for name in (*_SIDES, *_SHAPES)}
    said = {name: value for name, value in said.items() if value not in _NOTHING}
    model = result.fields.get("model")
    if said and isinstance(model, str | None):
        _take_over_size(result, said, catalogue.resolve(model))
    return result


def _take_over(
    result: Translated, name: str, other: str, read: Callable[[object], int | None]
) -> None:
    value, known = result.fields.pop(other, None), result.fields.get(name)
    if value in (None, ""):
        return
    if known in (None, ""):
        result.fields[name], result.names[name] = value, other
    elif known != value and (read(known) is None or read(known) != read(value)):
        raise _contradiction(result.names.get(name, name), other)


def _take_over_image(result: Translated) -> None:
    url = result.fields.pop("image_url", None)
    if url in (None, ""):
        return
    if result.fields.get("input_reference") is not None:
        raise InvalidRequest(
            "A video starts from one image: send 'input_reference' or 'image_url', not both.",
            param="image_url",
            code="invalid_value",
        )
    result.fields["input_reference"] = {"image_url": url}
    result.names["input_reference"] = result.names["input_reference.image_url"] = "image_url"


def _take_over_size(result: Translated, said: Mapping[str, Any], model: Model) -> None:
    asked = _of_sides(said)
    size = result.fields.get("size")
    if asked is not None:
        if size in _NOTHING:
            result.fields["size"], result.names["size"] = asked, "width"
        elif size != asked:
            raise _contradiction("size", "width")
    shapes = {name: said[name] for name in _SHAPES if name in said}
    if not shapes:
        return
    tests = [_shape(name, value, model) for name, value in shapes.items()]
    fitting = [size for size in model.sizes if all(test(size) for test in tests)]
    if len(fitting) > 1 and "resolution" not in shapes:
        fitting = [size for size in fitting if _lines(size) == _lines(model.sizes[0])]
    known, name = result.fields.get("size"), next(iter(shapes))
    if known not in _NOTHING:
        if known not in map(str, fitting):
            raise _contradiction(result.names.get("size", "size"), name)
    elif len(fitting) == 1:
        result.fields["size"], result.names["size"] = str(fitting[0]), name
    else:
        told = " and ".join(f"{name} '{str(value)[:40]}'" for name, value in shapes.items())
        raise _no_one_size(name, f"{'Several' if fitting else 'No'} sizes have {told}", model)


def _of_sides(said: Mapping[str, Any]) -> str | None:
    """``1280x720`` of ``width`` and ``height``; None without either."""
    if not any(name in said for name in _SIDES):
        return None
    for name in _SIDES:
        if name not in said:
            raise missing(name)
        if whole(said[name]) is None:
            raise InvalidRequest(
                f"Invalid '{name}': expected a whole number of pixels, but got "
                f"'{str(said[name])[:40]}'.",
                param=name,
                code="invalid_value",
            )
    return "x".join(str(whole(said[name])) for name in _SIDES)


def _shape(name: str, value: object, model: Model) -> Callable[[Size], bool]:
    """Tells whether a size has the aspect ratio (16:9), or the resolution (720p, 1280x720)."""
    text = str(value).strip().lower()
    if name == "aspect_ratio":
        if (ratio := _RATIO.fullmatch(text)) and (aspect := _quotient(ratio[1], ratio[2])):
            return lambda size: abs(size.aspect / aspect - 1) < _NEAR
    elif lines := _LINES.fullmatch(text):
        return lambda size: _lines(size) == int(lines[1])
    else:
        with suppress(ValueError):
            exact = Size.parse(text)
            return lambda size: size == exact
    raise _no_one_size(name, f"Invalid value: '{text[:40]}'", model)


def _quotient(width: str, height: str) -> float:
    return float(width) / float(height) if float(height) else 0.0


def _lines(size: Size) -> int:
    """What is called 720p has 720 on its shorter side."""
    return min(size.width, size.height)


def _no_one_size(name: str, why: str, model: Model) -> InvalidRequest:
    sizes = enumerated(model.sizes)
    return InvalidRequest(
        f"{why}. Choose a 'size' of the model '{model.name}': {sizes}.",
        param=name,
        code="invalid_value",
    )


def _contradiction(one: str, other: str) -> InvalidRequest:
    return InvalidRequest(
        f"'{one}' and '{other}' contradict each other. Send one of them.",
        param=other,
        code="invalid_value",
    )
