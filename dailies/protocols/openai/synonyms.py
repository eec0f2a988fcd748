"""What callers of other services say in their own words, said in those of the videos protocol.

``duration`` is ``seconds`` and ``n`` is ``n_variants``; ``image_url`` is an ``input_reference``;
``width`` and ``height`` are ``size``, and so are an ``aspect_ratio`` and a ``resolution`` that lead
to exactly one size of the model. Who says a thing twice must say the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress

from dailies.catalogue import Catalogue, Model
from dailies.catalogue.offers import whole
from dailies.protocols.messages import enumerated, missing
from dailies.protocols.openai.bodies import CreateVideo, RemixVideo
from dailies.protocols.shapes import has_ratio, lines_of, lines_read, ratio_of, ratio_read
from dailies.protocols.webhooks import webhook_of
from dailies.protocols.wish import Wish
from dailies.video.basics import Size
from dailies.video.errors import InvalidRequest
from dailies.video.request import Role

__all__ = ["wish_of", "wish_of_derived"]

Number = int | str | None


def wish_of(body: CreateVideo, catalogue: Catalogue) -> Wish:
    """What the body asks for, in whatever words.

    Raises:
        InvalidRequest: two fields contradict each other, or lead to no size or to several; naming
            the field and the sizes of the model.
        NotFound: the model is not in the catalogue.
    """
    names: dict[str, str] = {}
    seconds = _length(body, names)
    n_variants = _one_of("n_variants", {"n_variants": body.n_variants, "n": body.n}, names)
    if body.image_url is not None:
        if body.input_reference is not None:
            raise InvalidRequest(
                "A video starts from one image: send 'input_reference' or 'image_url', not both.",
                param="image_url",
                code="invalid_value",
            )
        names["input_reference"] = "image_url"
    options = body.provider_options or body.provider
    if body.provider and body.provider != options:
        raise _contradiction("provider_options", "provider")
    if body.provider and not body.provider_options:
        names["provider_options"] = "provider"
    _name_first(body, names)
    return Wish(
        prompt=body.prompt,
        model=body.model,
        seconds=seconds,
        size=_size(body, catalogue, names),
        n_variants=n_variants,
        user=body.user,
        safety_identifier=body.safety_identifier,
        fit=body.fit,
        frame_index=body.frame_index,
        crop=body.crop_bounds,
        seed=body.seed,
        negative_prompt=body.negative_prompt,
        sound=body.generate_audio,
        provider_options=options,
        seconds_fit_nearest=bool(body.seconds_fit),
        priority=body.priority,
        expires_after=body.expires_after,
        webhook=webhook_of(body.webhook_url, body.webhook_events),
        names=names,
    )


def _name_first(body: CreateVideo, names: dict[str, str]) -> None:
    """What the caller calls the first frame; there may be one."""
    in_list = any(frame.role is Role.FIRST for frame in body.frame_images)
    if in_list and body.reference is None:
        names["input_reference"] = "frame_images"
    elif in_list:
        raise InvalidRequest(
            "A video starts from one image: send it as 'input_reference' or as the first frame in "
            "'frame_images', not both.",
            param="frame_images",
            code="invalid_value",
        )


def wish_of_derived(body: RemixVideo) -> Wish:
    """What the body of a remix, an edit or an extension asks for.

    Raises:
        InvalidRequest: two lengths contradict each other.
    """
    names: dict[str, str] = {}
    seconds = _length(body, names)
    return Wish(
        prompt=body.prompt,
        model=body.model,
        seconds=seconds,
        size=body.size,
        user=body.user,
        safety_identifier=body.safety_identifier,
        priority=body.priority,
        expires_after=body.expires_after,
        webhook=webhook_of(body.webhook_url, body.webhook_events),
        names=names,
    )


def _length(body: CreateVideo | RemixVideo, names: dict[str, str]) -> Number:
    said: dict[str, Number] = {
        "seconds": body.seconds,
        "duration": body.duration,
        "n_seconds": body.n_seconds,
    }
    return _one_of("seconds", said, names)


def _one_of(name: str, said: dict[str, Number], names: dict[str, str]) -> Number:
    """The one value of a field and its other names."""
    known = said[name]
    for other, value in said.items():
        if other == name or value is None:
            continue
        if known is None:
            known, names[name] = value, other
        elif known != value:
            raise _contradiction(names.get(name, name), other)
    return known


def _size(body: CreateVideo, catalogue: Catalogue, names: dict[str, str]) -> Size | str | None:
    size, sides = body.size, _of_sides(body)
    if sides is not None:
        if size is None:
            size, names["size"] = sides, "width"
        elif size != sides:
            raise _contradiction("size", "width")
    said = {"aspect_ratio": body.aspect_ratio, "resolution": body.resolution}
    shapes = {name: text for name, text in said.items() if text is not None}
    if not shapes:
        return size
    model = catalogue.resolve(body.model)
    tests = [_shape(name, text, model) for name, text in shapes.items()]
    fitting = [size for size in model.sizes if all(test(size) for test in tests)]
    if len(fitting) > 1:
        fitting = _as_usual(fitting, model.sizes[0], body, shapes)
    name = next(iter(shapes))
    if size is not None:
        if size not in fitting:
            raise _contradiction(names.get("size", "size"), name)
        return size
    if len(fitting) != 1:
        told = " and ".join(f"{name} '{text[:40]}'" for name, text in shapes.items())
        raise _no_one_size(name, f"{'Several' if fitting else 'No'} sizes have {told}", model)
    names["size"] = name
    return fitting[0]


def _as_usual(
    sizes: list[Size], default: Size, body: CreateVideo, shapes: Mapping[str, str]
) -> list[Size]:
    """Those with the lines of the default size where none are named, or with its shape where that
    is not; an image has a shape of its own, which is not to be cut unasked."""
    if "resolution" not in shapes:
        return [size for size in sizes if lines_of(size) == lines_of(default)]
    if "aspect_ratio" in shapes or body.reference is not None or body.frame_images:
        return sizes
    return [size for size in sizes if ratio_of(size) == ratio_of(default)]


def _of_sides(body: CreateVideo) -> Size | str | None:
    """``1280x720`` of ``width`` and ``height``; None without either."""
    said = {"width": body.width, "height": body.height}
    if not any(said.values()):
        return None
    pixels = []
    for name, text in said.items():
        if text is None:
            raise missing(name)
        if (number := whole(text)) is None:
            raise InvalidRequest(
                f"Invalid '{name}': expected a whole number of pixels, but got '{text[:40]}'.",
                param=name,
                code="invalid_value",
            )
        pixels.append(number)
    width, height = pixels
    return Size(width, height) if width and height else f"{width}x{height}"


def _shape(name: str, text: str, model: Model) -> Callable[[Size], bool]:
    """Tells whether a size has the aspect ratio (16:9), or the resolution (720p, 1280x720)."""
    text = text.strip().lower()
    if name == "aspect_ratio":
        if aspect := ratio_read(text):
            return lambda size: has_ratio(size, aspect)
    elif lines := lines_read(text):
        return lambda size: lines_of(size) == lines
    else:
        with suppress(ValueError):
            exact = Size.parse(text)
            return lambda size: size == exact
    raise _no_one_size(name, f"Invalid value: '{text[:40]}'", model)


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
