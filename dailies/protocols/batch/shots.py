"""One shot of a batch: the fields of a create, over the defaults of its batch.

A shot may name an image beside the ways that a create has: ``image_file`` is one that came with the
batch, ``image_blob`` one in the container of dropped images. Unlike a create, a shot takes no field
that nobody knows: what is misspelt in ten thousand lines is no matter for a warning.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dailies.catalogue import Catalogue
from dailies.catalogue.serving import dearest_price
from dailies.owners.key import Limits
from dailies.protocols.inputs import check_frame_fields, takes_frames
from dailies.protocols.messages import unicode_text, wrong_type
from dailies.protocols.openai.bodies import CreateVideo
from dailies.protocols.openai.synonyms import wish_of
from dailies.protocols.pictures import Picture
from dailies.protocols.vocabulary import CREATE, SOURCE
from dailies.protocols.wish import Plan, plan
from dailies.video.basics import Priority
from dailies.video.errors import InvalidRequest, RequestError
from dailies.video.request import Input, InputKind, Role, VideoRequest

__all__ = ["IMAGE_BLOB", "IMAGE_FILE", "NamedImage", "PlannedShot", "ShotFields", "plan_shot"]

CUSTOM_ID = "custom_id"
IMAGE_FILE = "image_file"
IMAGE_BLOB = "image_blob"
_OWN = (CUSTOM_ID, IMAGE_FILE, IMAGE_BLOB)
_FIELDS = frozenset((*CREATE.fields, *_OWN)) - {SOURCE}
_IMAGES = ("input_reference", "image_url", IMAGE_FILE, IMAGE_BLOB)
_LONGEST_CUSTOM_ID = 64
_LONGEST_IMAGE_NAME = 1024
_LONGEST_SHOWN = 64


@dataclass(frozen=True, slots=True)
class NamedImage:
    """The image that a shot starts from, by the name of a file that came with the batch, or of a
    blob; ``param`` is which of the two."""

    param: str
    name: str


@dataclass(frozen=True, slots=True)
class ShotFields:
    """The fields of a shot, those that are the batch's own taken out.

    Attributes:
        fields: those of a create.
    """

    fields: Mapping[str, Any] = field(repr=False)
    custom_id: str | None = None
    image: NamedImage | None = None

    @classmethod
    def read(cls, fields: Mapping[str, Any], defaults: Mapping[str, Any]) -> ShotFields:
        """A shot over the defaults: what it leaves out, or has null for, is theirs.

        Raises:
            InvalidRequest: a field is not known, or is not read here.
        """
        own = {name: value for name, value in fields.items() if value not in (None, "")}
        usual = {name: value for name, value in defaults.items() if value not in (None, "")}
        if any(name in own for name in _IMAGES):
            usual = {name: value for name, value in usual.items() if name not in _IMAGES}
        merged = usual | own
        for name in merged:
            if name not in _FIELDS:
                raise _unknown(name)
        _refuse_data_urls(merged)
        return cls(
            {name: value for name, value in merged.items() if name not in _OWN},
            _custom_id(merged.get(CUSTOM_ID)),
            _image(merged),
        )


@dataclass(frozen=True, slots=True)
class PlannedShot:
    """A shot that can be made, as far as can be told without its images.

    Attributes:
        usd: the most that it could cost, None where nobody knows.
        priority: what it waits with.
    """

    plan: Plan
    pictures: Sequence[Picture]
    image: NamedImage | None
    usd: float | None
    priority: Priority


def plan_shot(shot: ShotFields, catalogue: Catalogue, limits: Limits) -> PlannedShot:
    """What can be told of a shot before its images are there.

    Raises:
        RequestError: something in it is wrong, or its key may not ask for it.
    """
    body = CreateVideo.read(shot.fields)
    if shot.image is not None and body.reference is not None:
        raise InvalidRequest(
            f"A video starts from one image: send 'input_reference' or '{shot.image.param}', not "
            "both.",
            param=shot.image.param,
            code="invalid_value",
        )
    wish = wish_of(body, catalogue)
    try:
        roles = [picture.role for picture in body.pictures]
        if shot.image is not None:
            roles.insert(0, Role.FIRST)
        planned = plan(
            catalogue,
            wish,
            with_image=Role.FIRST in roles,
            last_frame=Role.LAST in roles,
            references=roles.count(Role.REFERENCE),
        )
        check_frame_fields(wish, planned.model, has_input=Role.FIRST in roles)
    except RequestError as error:
        error.param = wish.names.get(error.param or "", error.param)
        raise
    limits.check_model(planned.model.name)
    return PlannedShot(
        plan=planned,
        pictures=body.pictures,
        image=shot.image,
        usd=_dearest(catalogue, planned, roles),
        priority=_priority(limits, wish.priority),
    )


def _priority(limits: Limits, asked: Priority | None) -> Priority:
    """A shot gives way to its owner's other videos, unless it says otherwise, or its key can't."""
    allowed = limits.priorities or tuple(Priority)
    usual = Priority.LOW if Priority.LOW in allowed else None
    return limits.priority(asked or usual)


def _dearest(catalogue: Catalogue, planned: Plan, roles: Sequence[Role]) -> float | None:
    """The most that it could cost; where an image is to decide the size, at the dearest of them."""
    at_frame = takes_frames(planned.model)
    inputs = tuple(
        Input(role=Role.FRAME if role is Role.FIRST and at_frame else role, type=InputKind.IMAGE)
        for role in roles
    )
    open_size = planned.size is None and (Role.FIRST in roles or Role.LAST in roles)
    sizes = planned.deployments[0].sizes if open_size else (None,)
    prices = [dearest_price(catalogue, _with(planned.request(size), inputs)) for size in sizes]
    known = [price for price in prices if price is not None]
    return max(known) if known and len(known) == len(prices) else None


def _with(request: VideoRequest, inputs: tuple[Input, ...]) -> VideoRequest:
    return request.model_copy(update={"inputs": inputs})


def _custom_id(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise wrong_type(CUSTOM_ID, "a string", value)
    text = unicode_text(CUSTOM_ID, value)
    if len(text) > _LONGEST_CUSTOM_ID:
        raise InvalidRequest(
            f"Invalid '{CUSTOM_ID}': expected at most {_LONGEST_CUSTOM_ID} characters.",
            param=CUSTOM_ID,
            code="string_above_max_length",
        )
    return text


def _image(fields: Mapping[str, Any]) -> NamedImage | None:
    named = [name for name in (IMAGE_FILE, IMAGE_BLOB) if name in fields]
    if not named:
        return None
    if len(named) > 1:
        raise InvalidRequest(
            f"A video starts from one image: send '{IMAGE_FILE}' or '{IMAGE_BLOB}', not both.",
            param=IMAGE_BLOB,
            code="invalid_value",
        )
    [param] = named
    value = fields[param]
    if not isinstance(value, str):
        raise wrong_type(param, "a string", value)
    if len(value) > _LONGEST_IMAGE_NAME:
        raise InvalidRequest(
            f"Invalid '{param}': expected at most {_LONGEST_IMAGE_NAME} characters.",
            param=param,
            code="string_above_max_length",
        )
    if not _is_name(value):
        raise InvalidRequest(
            f"Invalid '{param}': no image can have this name. Give it as the image has it.",
            param=param,
            code="image_missing",
        )
    return NamedImage(param, value)


def _is_name(text: str) -> bool:
    """Whether a blob can have this name. Storage takes dots in a name for steps, which lead out of
    the container; and what is no text can't be asked for."""
    parts = text.split("/")
    return text.isprintable() and "\\" not in text and not any(p in ("", ".", "..") for p in parts)


def _refuse_data_urls(value: object) -> None:
    """An image is in no line: ten thousand of them are no request."""
    if isinstance(value, str):
        if value[:5].lower() == "data:":
            raise InvalidRequest(
                "An image can't stand in a line. Send it as a file of a multipart form and name it "
                f"in '{IMAGE_FILE}', or name an https URL.",
                param="input_reference",
                code="unsupported_value",
            )
    elif isinstance(value, Mapping):
        for name, each in value.items():
            if name not in ("prompt", "negative_prompt"):
                _refuse_data_urls(each)
    elif isinstance(value, list | tuple):
        for each in value:
            _refuse_data_urls(each)


def _unknown(name: str) -> InvalidRequest:
    # JSON can spell half a character, which could not be sent back.
    shown = name[:_LONGEST_SHOWN].encode("utf-8", "replace").decode()
    remedy = _REFUSED.get(_folded(name)) or _meant(name, _FIELDS)
    return InvalidRequest(
        f"Unknown parameter: '{shown}'. {remedy}".rstrip(), param=shown, code="unknown_parameter"
    )


def _meant(name: str, known: Collection[str]) -> str:
    for each in known:
        if _folded(each) == _folded(name):
            return f"Write it '{each}'."
    near = difflib.get_close_matches(name[:_LONGEST_SHOWN].lower(), sorted(known), n=1, cutoff=0.7)
    return f"Did you mean '{near[0]}'?" if near else "Leave it out."


def _folded(name: str) -> str:
    """A name without what people spell differently: ``aspectRatio`` is ``aspect_ratio``."""
    return re.sub(r"[\W_]", "", name[: 2 * _LONGEST_SHOWN].lower())


_REFUSED = {
    **{_folded(name): remedy for name, remedy in CREATE.refused.items()},
    _folded(SOURCE): "A shot is a new video; make remixes with POST /v1/videos/{id}/remix.",
    _folded("dry_run"): "Ask for it in the query: POST /v1/video_batches?dry_run=true.",
}
