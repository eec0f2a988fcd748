"""The rules for images dropped into the references container; pure, no storage is touched.

An image starts a video. What kind of video is said in three places, and for every field on its own
the first place that sets it wins:

1. the image's own blob metadata,
2. its sidecar, ``cat.png.json`` or else ``cat.json`` beside it,
3. the nearest ``_defaults.json`` up the path.

So one ``_defaults.json`` can hold model and size for a folder, while each image brings its prompt.
Only the nearest defaults count; those of folders above are not mixed in.

Unknown keys in a file are errors, because a misspelt ``secnods`` would quietly buy another video
than the one wanted; unknown metadata is left alone, because upload tools add their own.
"""

from __future__ import annotations

import base64
import binascii
import difflib
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Annotated, Any, NoReturn

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    ValidationError,
)

from dailies.errors import DropError, UnusableReference
from dailies.references.geometry import FitMode
from dailies.videos import Size

__all__ = [
    "DEFAULTS_NAME",
    "IMAGE_SUFFIXES",
    "MAX_FILE_BYTES",
    "DropKind",
    "DropParameters",
    "ParameterFile",
    "classify",
    "defaults_candidates",
    "error_name",
    "error_report",
    "idempotency_key",
    "image_candidates",
    "instance_id",
    "is_sidecar_of",
    "parameters",
    "sidecar_candidates",
    "sidecar_prefix",
    "unsupported",
    "unusable",
]

DEFAULTS_NAME = "_defaults.json"
ERROR_SUFFIX = ".error.json"
IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")
MAX_FILE_BYTES = 64 * 1024
MAX_PROMPT_CHARACTERS = 32_000

_JSON = ".json"
_LITTER = frozenset({"thumbs.db", "desktop.ini", "ehthumbs.db", "icon\r"})


# -- names


class DropKind(StrEnum):
    """What a blob in the references container is, by its name."""

    IMAGE = "image"
    SIDECAR = "sidecar"
    DEFAULTS = "defaults"
    REPORT = "report"
    IGNORED = "ignored"
    UNSUPPORTED = "unsupported"


def classify(name: str, metadata: Mapping[str, str] | None = None) -> DropKind:
    """Say what a blob is.

    The suffixes of images are taken in any case; ``.json`` names only in lower case, because they
    are looked up by name and blob names are case-sensitive.

    ``IGNORED`` are the things nobody means to drop: anything in or under a name that begins with a
    dot (``.DS_Store``, ``._cat.jpg``, ``.azDownload-…``), ``Thumbs.db`` and ``desktop.ini``, and
    the marker blobs of folders. ``REPORT`` is what Dailies wrote itself. An ``UNSUPPORTED`` blob is
    answered with ``unsupported(name)``.
    """
    path = PurePosixPath(name)
    is_folder = _lower(metadata or {}).get("hdi_isfolder", "").strip().lower() == "true"
    if is_folder or name.endswith("/") or path.name.lower() in _LITTER:
        return DropKind.IGNORED
    if any(part.startswith(".") for part in path.parts):
        return DropKind.IGNORED
    if path.name == DEFAULTS_NAME:
        return DropKind.DEFAULTS
    if name.endswith(ERROR_SUFFIX):
        return DropKind.REPORT
    if name.endswith(_JSON):
        return DropKind.SIDECAR
    if name.lower().endswith(IMAGE_SUFFIXES):
        return DropKind.IMAGE
    return DropKind.UNSUPPORTED


def unsupported(name: str) -> DropError:
    """The answer to a blob of kind ``UNSUPPORTED``."""
    if name.lower().endswith(_JSON):
        remedy = "write .json in lower case, so that the file is found"
    else:
        remedy = f"upload a JPEG, PNG or WebP whose name ends in {', '.join(IMAGE_SUFFIXES)}"
    return DropError(
        f"a file of this kind can't start a video; {remedy}",
        code="unsupported_image_type",
        where=name,
    )


def unusable(name: str, error: UnusableReference) -> DropError:
    """The answer to an image whose content can't be used."""
    return DropError(error.message, code=error.code, where=name)


def sidecar_candidates(image: str) -> tuple[str, ...]:
    """Where the sidecar of an image may be, in the order in which to look.

    ``a/cat.png`` has ``a/cat.png.json``, else ``a/cat.json``.
    """
    names = (image + _JSON, _stem(image) + _JSON)
    return tuple(name for name in names if classify(name) is DropKind.SIDECAR)


def is_sidecar_of(sidecar: str, image: str) -> bool:
    """Whether a blob is an image and the other may be its sidecar."""
    return classify(image) is DropKind.IMAGE and sidecar in sidecar_candidates(image)


def sidecar_prefix(sidecar: str) -> str:
    """With what the names of all images begin that a sidecar may belong to.

    List by it and filter with ``is_sidecar_of``: one call finds the image in any spelling.
    """
    return sidecar.removesuffix(_JSON)


def image_candidates(sidecar: str) -> tuple[str, ...]:
    """Names of images that a sidecar may belong to, in the order in which to look.

    Suffixes in lower and in upper case; for mixed ones see ``sidecar_prefix``.
    """
    base = sidecar_prefix(sidecar)
    spellings = (*IMAGE_SUFFIXES, *(suffix.upper() for suffix in IMAGE_SUFFIXES))
    names = (base, *(base + suffix for suffix in spellings))
    return tuple(name for name in names if is_sidecar_of(sidecar, name))


def defaults_candidates(image: str) -> tuple[str, ...]:
    """Where defaults for an image may be, from its own folder up to the container's root."""
    *folders, _ = image.split("/")
    return tuple(
        "/".join((*folders[:depth], DEFAULTS_NAME)) for depth in range(len(folders), -1, -1)
    )


def error_name(name: str) -> str:
    """The name of the report on a blob that was rejected."""
    return name + ERROR_SUFFIX


def _stem(image: str) -> str:
    lowered = image.lower()
    suffix = next((suffix for suffix in IMAGE_SUFFIXES if lowered.endswith(suffix)), "")
    return image[: len(image) - len(suffix)]


# -- identity


def idempotency_key(container: str, name: str, etag: str) -> str:
    """One text for one upload: the same blob event always gives it, a re-upload never does.

    The ETag is taken as events (bare), headers (quoted) and caches (weak) write it.
    """
    bare = etag.strip().removeprefix("W/").strip('"')
    return f"drop:{container}/{name}#{bare}"


def instance_id(container: str, name: str, etag: str) -> str:
    """The id of the orchestration that waits for an upload's sidecar: 69 letters and digits."""
    key = idempotency_key(container, name, etag)
    return f"drop_{hashlib.sha256(key.encode()).hexdigest()}"


# -- parameters


def _whole_seconds(value: object) -> object:
    if isinstance(value, str) and value.strip().isascii() and value.strip().isdecimal():
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise ValueError("expected a whole number of seconds, such as 8")


def _pixel_size(value: object) -> object:
    if isinstance(value, Size):
        return value
    if not isinstance(value, str):
        raise ValueError("expected a size like '1280x720'")
    return Size.parse(value)


def _fit_mode(value: object) -> object:
    if isinstance(value, str) and value.strip().lower() in set(FitMode):
        return FitMode(value.strip().lower())
    raise ValueError("expected 'cover', 'contain' or 'stretch'")


_Text = Annotated[str, StringConstraints(strict=True, strip_whitespace=True, min_length=1)]


class DropParameters(BaseModel):
    """What video to make of a dropped image; what is None is left to the model's defaults.

    Checked here for what can be checked without the catalogue. As JSON it is flat, with ``size``
    as ``"1280x720"``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    prompt: Annotated[_Text, Field(max_length=MAX_PROMPT_CHARACTERS, repr=False)]
    model: Annotated[_Text, Field(max_length=128)] | None = None
    seconds: Annotated[int, BeforeValidator(_whole_seconds), Field(ge=1, le=3600)] | None = None
    size: (
        Annotated[Size, BeforeValidator(_pixel_size), PlainSerializer(str, return_type=str)] | None
    ) = None
    fit: Annotated[FitMode, BeforeValidator(_fit_mode)] = FitMode.COVER
    user: Annotated[_Text, Field(max_length=256)] | None = None


_FIELDS = tuple(DropParameters.model_fields)


@dataclass(frozen=True, slots=True)
class ParameterFile:
    """A sidecar or a ``_defaults.json``: its blob name and what is in it."""

    name: str
    data: bytes = field(repr=False)


def parameters(
    image: str,
    metadata: Mapping[str, str],
    sidecar: ParameterFile | None = None,
    defaults: ParameterFile | None = None,
) -> DropParameters:
    """Put together the parameters of a dropped image, each field from the first place that sets it.

    Metadata: keys in any case, empty values count as unset. Metadata travels in HTTP headers, which
    hold ASCII only, so ``prompt_b64`` takes a prompt as base64 of UTF-8. In files, null counts as
    unset.

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
        raise DropError(
            "no prompt; set the metadata 'prompt' on the blob, or write "
            f'{{"prompt": "…"}} into {sidecar_candidates(image)[0]} or into a {DEFAULTS_NAME} in '
            "its folder or one above",
            code="missing_prompt",
            where=image,
        )
    try:
        return DropParameters.model_validate(merged)
    except ValidationError as error:
        detail = error.errors(include_input=False)[0]
        key = str(detail["loc"][0])
        _reject(f"{origin[key]}: {key}", str(detail["msg"]).removeprefix("Value error, "))


def _from_metadata(image: str, metadata: Mapping[str, str]) -> dict[str, object]:
    given = {key: value for key, value in _lower(metadata).items() if value.strip()}
    values: dict[str, object] = {key: given[key] for key in _FIELDS if key in given}
    encoded = given.get("prompt_b64")
    if encoded is None:
        return values
    where = f"metadata of {image}: prompt_b64"
    if "prompt" in values:
        _reject(where, "set either 'prompt' or 'prompt_b64', not both")
    try:
        values["prompt"] = base64.b64decode("".join(encoded.split()), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        _reject(where, 'expected base64 of UTF-8 text; make it with: printf %s "$PROMPT" | base64')
    return values


def _from_file(file: ParameterFile) -> dict[str, object]:
    document = _parse(file)
    if not isinstance(document, dict):
        _reject(file.name, 'expected a JSON object, such as {"prompt": "…", "seconds": 8}')
    for key in document:
        if key not in _FIELDS:
            near = difflib.get_close_matches(key.lower(), _FIELDS, n=1)
            hint = f"; did you mean '{near[0]}'?" if near else ""
            known = ", ".join(_FIELDS)
            _reject(f"{file.name}: {key[:64]}", f"unknown key{hint} Known keys: {known}")
    return {key: value for key, value in document.items() if value is not None}


def _parse(file: ParameterFile) -> Any:
    if len(file.data) > MAX_FILE_BYTES:
        _reject(
            file.name,
            f"the file has {len(file.data):,} bytes; parameters take at most {MAX_FILE_BYTES:,}",
        )
    try:
        # UTF-8, with or without a byte order mark, or the UTF-16 that Windows shells write
        text = file.data.decode(json.detect_encoding(file.data))
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except UnicodeDecodeError:
        _reject(file.name, "the file is not text in UTF-8; save it as UTF-8")
    except json.JSONDecodeError as error:
        _reject(f"{file.name}: line {error.lineno}, column {error.colno}", f"no JSON: {error.msg}")
    except (RecursionError, ValueError) as error:
        _reject(file.name, f"no JSON that can be used: {error}")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key '{twice[:64]}' is there twice")
    return document


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON value")


def _lower(metadata: Mapping[str, str]) -> dict[str, str]:
    return {key.lower(): value for key, value in metadata.items()}


def _reject(where: str, message: str) -> NoReturn:
    raise DropError(message, code="invalid_parameters", where=where)


# -- reports


def error_report(error: DropError, *, blob: str, etag: str, time: str) -> bytes:
    """What ``<name>.error.json`` holds: UTF-8 JSON for people and programs.

    Args:
        blob: the name of the blob that was rejected.
        etag: its ETag, by which to see whether a later upload has been judged already.
        time: when it was judged, ISO 8601.
    """
    document = {
        "error": {"code": error.code, "message": error.message, "where": error.where},
        "blob": blob,
        "etag": etag,
        "time": time,
    }
    return json.dumps(document, ensure_ascii=False, indent=2).encode() + b"\n"
