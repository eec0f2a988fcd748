"""What a batch says beside its shots: defaults of theirs, what it may spend, how fast it goes."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dailies.jsontext import parse_json
from dailies.protocols.batch.lines import BATCH_FIELDS
from dailies.protocols.messages import wrong_type
from dailies.video.errors import InvalidRequest

__all__ = ["MOST_IN_PROGRESS", "USUAL_IN_PROGRESS", "Options", "read_limit", "read_options"]

USUAL_IN_PROGRESS = 20
MOST_IN_PROGRESS = 100
_MOST_USD = 10_000_000
_LONGEST_NAME = 128
_LIMIT = "limit_usd"
_MOST_PARTS = 2_000


@dataclass(frozen=True, slots=True)
class Options:
    """See ``dailies.video.batch.Batch``."""

    defaults: Mapping[str, Any] = field(default_factory=dict, repr=False)
    limit_usd: float | None = None
    max_in_progress: int = USUAL_IN_PROGRESS
    name: str | None = None


def read_options(*places: Mapping[str, Any]) -> Options:
    """What the first of the places that has it says; null and empty texts count as left out.

    Raises:
        InvalidRequest: a field is not known, or its value is none, or two places limit the cost,
            each to another sum.
    """
    said: dict[str, Any] = {}
    limits: set[float | None] = set()
    for place in places:
        for name, value in place.items():
            if name not in BATCH_FIELDS:
                shown = name[:64].encode("utf-8", "replace").decode()
                raise InvalidRequest(
                    f"Unknown parameter: '{shown}'. A batch has 'shots', and may have: "
                    f"{', '.join(BATCH_FIELDS)}. What is the same for all shots belongs in "
                    "'defaults'.",
                    param=shown,
                    code="unknown_parameter",
                )
            if value not in (None, ""):
                said.setdefault(name, value)
                if name == _LIMIT:
                    limits.add(read_limit(value))
    if len(limits) > 1:
        raise InvalidRequest(
            f"The batch has two values of '{_LIMIT}', and nobody can tell which one is meant. Say "
            "it once: in the query, in the form or in the file.",
            param=_LIMIT,
            code="repeated_parameter",
        )
    return Options(
        defaults=_defaults(said.get("defaults", {})),
        limit_usd=read_limit(said.get(_LIMIT)),
        max_in_progress=_in_progress(said.get("max_in_progress", USUAL_IN_PROGRESS)),
        name=_name(said.get("name")),
    )


def _defaults(value: object) -> Mapping[str, Any]:
    if isinstance(value, str):  # in a form
        try:
            value = parse_json(value, most_parts=_MOST_PARTS)
        except ValueError as error:
            why = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
            raise InvalidRequest(
                f"Invalid 'defaults': this is no JSON: {why}.",
                param="defaults",
                code="invalid_value",
            ) from None
    if not isinstance(value, dict):
        raise wrong_type("defaults", "an object", value)
    return value


def read_limit(value: object) -> float | None:
    """What a batch may cost at most, in US dollars.

    Raises:
        InvalidRequest: it is no such number.
    """
    if value is None:
        return None
    number = _number(value)
    if number is None or not 0 < number <= _MOST_USD:
        raise InvalidRequest(
            f"Invalid '{_LIMIT}': expected US dollars above 0, and at most {_MOST_USD:,}.",
            param=_LIMIT,
            code="invalid_value",
        )
    return number


def _in_progress(value: object) -> int:
    number = _number(value)
    if number is None or number != int(number) or not 1 <= number <= MOST_IN_PROGRESS:
        raise InvalidRequest(
            "Invalid 'max_in_progress': expected a whole number from 1 to "
            f"{MOST_IN_PROGRESS}: so many videos of the batch are under way at once.",
            param="max_in_progress",
            code="invalid_value",
        )
    return int(number)


def _name(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise wrong_type("name", "a string", value)
    text = value.encode("utf-8", "replace").decode("utf-8")
    if len(text) > _LONGEST_NAME:
        raise InvalidRequest(
            f"Invalid 'name': expected at most {_LONGEST_NAME} characters.",
            param="name",
            code="string_above_max_length",
        )
    return text


def _number(value: object) -> float | None:
    """A number, or what a form or a query has for one."""
    if isinstance(value, str) and len(value) <= 16:
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:  # JSON may write a number of hundreds of digits
        return None
    return number if math.isfinite(number) else None
