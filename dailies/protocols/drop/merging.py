"""The parameters of a dropped image, put together from metadata, sidecar and defaults."""

from __future__ import annotations

import base64
import binascii
import difflib
import json
import re
import string
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Annotated, Any, NoReturn, TypeVar
from urllib.parse import unquote

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    StringConstraints,
    ValidationError,
    ValidationInfo,
)

from dailies.jsontext import parse_json
from dailies.protocols.drop.naming import DEFAULTS_NAME, sidecar_candidates
from dailies.protocols.fields import MAX_PROMPT_CHARACTERS, read_safety_identifier
from dailies.protocols.frames import read_crop
from dailies.protocols.options import read_provider_options
from dailies.protocols.webhooks import read_webhook_events, read_webhook_url, webhook_of
from dailies.protocols.wish import Wish
from dailies.protocols.wishes import (
    read_expiry,
    read_negative_prompt,
    read_priority,
    read_seed,
    read_sound,
)
from dailies.video.basics import Priority, Size
from dailies.video.errors import DropError, InvalidRequest
from dailies.video.framing import CropBounds, FitMode

__all__ = ["MAX_FILE_BYTES", "DropParameters", "ParameterFile", "parameters"]

MAX_FILE_BYTES = 64 * 1024
_MOST_PARTS = 1000
_LONGEST_KEY = 64

T = TypeVar("T")


def _pixel_size(value: object) -> object:
    if value is None or isinstance(value, Size):
        return value
    if isinstance(value, str):
        text = value.strip().lower()
        if text == "auto":
            return None
        with suppress(ValueError):
            return Size.parse(text)
    raise ValueError(
        "Expected a size such as '1280x720', or 'auto' for the one that suits the image."
    )


def _fit_mode(value: object) -> object:
    if isinstance(value, str) and value.strip().lower() in set(FitMode):
        return FitMode(value.strip().lower())
    raise ValueError("Expected 'cover', 'contain' or 'stretch'.")


def _whole(value: object, info: ValidationInfo) -> object:
    if isinstance(value, str) and re.fullmatch(r"\s*[0-9]{1,9}\s*", value):
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    seconds = " of seconds, such as 8" if info.field_name == "seconds" else ""
    raise ValueError(f"Expected a whole number{seconds}.")


def _as_read(read: Callable[[object], T]) -> Callable[[object], T]:
    """As the videos protocol reads it, with the words of its error that don't name the field."""

    def reading(value: object) -> T:
        try:
            return read(value)
        except InvalidRequest as error:
            raise ValueError(error.message.partition(": ")[2] or error.message) from None

    return reading


_Text = Annotated[str, StringConstraints(strict=True, strip_whitespace=True, min_length=1)]


class DropParameters(BaseModel):
    """What video to make of a dropped image; what is None is left to the model's defaults.

    Checked here for what can be checked without the catalogue.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    prompt: Annotated[_Text, Field(max_length=MAX_PROMPT_CHARACTERS, repr=False)]
    model: Annotated[_Text, Field(max_length=128)] | None = None
    seconds: Annotated[int, BeforeValidator(_whole), Field(ge=1, le=3600)] | None = None
    size: Annotated[Size | None, BeforeValidator(_pixel_size)] = None
    fit: Annotated[FitMode, BeforeValidator(_fit_mode)] = FitMode.COVER
    user: Annotated[_Text, Field(max_length=512)] | None = None
    safety_identifier: Annotated[str | None, PlainValidator(_as_read(read_safety_identifier))] = (
        None
    )
    n_variants: Annotated[int, BeforeValidator(_whole), Field(ge=1, le=16)] | None = None
    frame_index: Annotated[int, BeforeValidator(_whole), Field(ge=0)] | None = None
    crop_bounds: Annotated[CropBounds | None, PlainValidator(_as_read(read_crop))] = None
    seed: Annotated[int | None, PlainValidator(_as_read(read_seed))] = None
    negative_prompt: Annotated[
        str | None, PlainValidator(_as_read(read_negative_prompt)), Field(repr=False)
    ] = None
    generate_audio: Annotated[bool | None, PlainValidator(_as_read(read_sound))] = None
    provider_options: Annotated[dict[str, Any], PlainValidator(_as_read(read_provider_options))] = (
        Field(default_factory=dict, repr=False)
    )
    priority: Annotated[Priority | None, PlainValidator(_as_read(read_priority))] = None
    expires_after: Annotated[int | None, PlainValidator(_as_read(read_expiry))] = None
    webhook_url: Annotated[
        str | None, PlainValidator(_as_read(read_webhook_url)), Field(repr=False)
    ] = None
    webhook_events: Annotated[
        tuple[str, ...] | None, PlainValidator(_as_read(read_webhook_events))
    ] = None

    @property
    def wish(self) -> Wish:
        """What is asked for."""
        return Wish(
            prompt=self.prompt,
            model=self.model,
            seconds=self.seconds,
            size=self.size,
            n_variants=self.n_variants,
            user=self.user,
            safety_identifier=self.safety_identifier,
            fit=self.fit,
            frame_index=self.frame_index,
            crop=self.crop_bounds,
            seed=self.seed,
            negative_prompt=self.negative_prompt,
            sound=self.generate_audio,
            provider_options=self.provider_options,
            priority=self.priority,
            expires_after=self.expires_after,
            webhook=webhook_of(self.webhook_url, self.webhook_events),
        )


_FIELDS = tuple(DropParameters.model_fields)


@dataclass(frozen=True, slots=True)
class ParameterFile:
    """A sidecar or a ``_defaults.json``: its blob name and what is in it."""

    name: str
    data: bytes = field(repr=False)

    @property
    def is_empty(self) -> bool:
        """Whether it says nothing, as one that is still being written does."""
        return len(self.data) <= MAX_FILE_BYTES and not self.data.strip()


def parameters(
    image: str,
    metadata: Mapping[str, str],
    sidecar: ParameterFile | None = None,
    defaults: ParameterFile | None = None,
) -> DropParameters:
    """Put together the parameters of a dropped image, each field from the first place that sets it.

    Metadata: keys in any case, empty values count as unset. Metadata travels in HTTP headers, which
    hold ASCII only, so ``prompt_b64`` takes a prompt as base64 of UTF-8, and values that are surely
    percent-encoded are decoded. In files, null counts as unset; an empty file says nothing.

    Raises:
        DropError: ``missing_prompt`` when no place has one; ``invalid_parameters`` for a value, a
            key or a file that is wrong, naming where. A file that is wrong is an error even where
            its values would not be used.
    """
    sources = [(f"metadata of {image}", _from_metadata(image, metadata))]
    sources += [(file.name, _from_file(file)) for file in (sidecar, defaults) if file is not None]
    merged: dict[str, object] = {}
    origin: dict[str, str] = {}
    for where, values in sources:
        for key, value in values.items():
            if key not in merged:
                merged[key], origin[key] = value, where
    if "prompt" not in merged:
        empty = [file.name for file in (sidecar, defaults) if file is not None and file.is_empty]
        found = f" Nothing is in {' and '.join(empty)}." if empty else ""
        raise DropError(
            f"There is no prompt.{found} Set the metadata 'prompt' on the blob, or write "
            f'{{"prompt": "…"}} into {sidecar_candidates(image)[0]} or into a {DEFAULTS_NAME} in '
            "its folder or one above.",
            code="missing_prompt",
            where=image,
        )
    try:
        return DropParameters.model_validate(merged)
    except ValidationError as error:
        detail = error.errors(include_input=False)[0]
        key = str(detail["loc"][0])
        message = str(detail["msg"]).removeprefix("Value error, ").removesuffix(".")
        _reject(f"{origin[key]}: {key}", f"{message}.")


def _from_metadata(image: str, metadata: Mapping[str, str]) -> dict[str, object]:
    given = {key: _meant(key, value) for key, value in _lower(metadata).items() if value.strip()}
    values: dict[str, object] = {key: given[key] for key in _FIELDS if key in given}
    encoded = given.get("prompt_b64")
    if encoded is None:
        return values
    where = f"metadata of {image}: prompt_b64"
    if "prompt" in values:
        _reject(where, "Set either 'prompt' or 'prompt_b64', not both.")
    try:
        values["prompt"] = base64.b64decode("".join(encoded.split()), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        _reject(where, 'expected base64 of UTF-8 text; make it with: printf %s "$PROMPT" | base64')
    return values


_ADDRESS = re.compile(r"\s*https?://", re.IGNORECASE)


def _meant(key: str, value: str) -> str:
    """A value of the metadata, as it was meant.

    An address has escapes of its own, as in the signature of a link, and is another one without
    them. Who encodes a whole address leaves its beginning alone, and makes ``%25`` of each of its
    own; any other escape shows that nobody did.
    """
    is_address = key == "webhook_url" and _ADDRESS.match(value) is not None
    if is_address and any(not piece.startswith("25") for piece in value.split("%")[1:]):
        return value
    return _decoded(value)


_ENCODED = re.compile(r"[A-Za-z0-9\-_.!~*'();,/?:@&=+$#%]+")


def _decoded(value: str) -> str:
    """A value of the metadata, as it was meant.

    Metadata holds ASCII only, and Azure's portal writes all else percent-encoded. That it did is
    sure where nothing is left that would have been encoded, above all no space, and what comes out
    is UTF-8. ``50% off`` stays as it is.
    """
    text = value.strip()
    if "%" not in text or _ENCODED.fullmatch(text) is None:
        return value
    if any(not _is_hex(piece[:2]) for piece in text.split("%")[1:]):
        return value
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        return value


def _is_hex(digits: str) -> bool:
    return len(digits) == 2 and all(digit in string.hexdigits for digit in digits)


def _from_file(file: ParameterFile) -> dict[str, object]:
    if file.is_empty:
        return {}
    document = _parse(file)
    if not isinstance(document, dict):
        _reject(file.name, 'Expected a JSON object, such as {"prompt": "…", "seconds": 8}.')
    for key in document:
        if key not in _FIELDS:
            near = difflib.get_close_matches(key[:_LONGEST_KEY].lower(), _FIELDS, n=1)
            hint = f" Did you mean '{near[0]}'?" if near else ""
            known = ", ".join(_FIELDS)
            _reject(f"{file.name}: {_shown(key)}", f"Unknown key.{hint} Known keys: {known}.")
    return {key: value for key, value in document.items() if value is not None}


def _parse(file: ParameterFile) -> Any:
    if len(file.data) > MAX_FILE_BYTES:
        _reject(
            file.name,
            f"The file has {len(file.data):,} bytes. Keep it under {MAX_FILE_BYTES:,}.",
        )
    try:
        # UTF-8, with or without a byte order mark, or the UTF-16 that Windows shells write
        text = file.data.decode(json.detect_encoding(file.data))
        return parse_json(text, most_parts=_MOST_PARTS)
    except UnicodeDecodeError:
        _reject(file.name, "The file is not UTF-8 text. Save it as UTF-8.")
    except json.JSONDecodeError as error:
        _reject(
            f"{file.name}: line {error.lineno}, column {error.colno}",
            f"This is no JSON: {error.msg}.",
        )
    except ValueError as error:
        _reject(file.name, f"This is no JSON that can be used: {error}.")


def _shown(key: str) -> str:
    # JSON can spell half a character, which could be neither stored nor sent in a report
    return key[:_LONGEST_KEY].encode("utf-8", "replace").decode()


def _lower(metadata: Mapping[str, str]) -> dict[str, str]:
    return {key.lower(): value for key, value in metadata.items()}


def _reject(where: str, message: str) -> NoReturn:
    raise DropError(message, code="invalid_parameters", where=where)
