"""Instructions to the simulator inside a prompt: ``a cat [sim render=30 outcome=failed]``.

The grammar is ``[sim key=value …]``, anywhere in the prompt, keys in any order; ``local/README.md``
lists the keys. A directive that is not understood is refused with a 400, so that a test never runs
against something other than what it asked for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, cast, get_args

from local.services.errors import ServiceError, openai_error

Outcome = Literal["completed", "failed", "moderated", "cancelled", "expired", "vanished", "stuck"]
Body = Literal["whole", "short", "cut", "html", "empty"]
VARIANTS = ("video", "thumbnail", "spritesheet")

_DIRECTIVE = re.compile(r"\[sim\b(?P<pairs>[^\]]*)\]", re.IGNORECASE)
_KEYS = "render, outcome, error, bytes, body, content_type, variants, label"
_MODERATED = re.compile(r"\bmoderated\b", re.IGNORECASE)
_MODERATED_INPUT = re.compile(r"\bmoderated input\b", re.IGNORECASE)
_CONTENT_FILTER = re.compile(r"\bcontent filter\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Directive:
    """What a prompt tells the simulator.

    ``render``: simulated seconds from creation to the end. ``outcome``: what the end is.
    ``error``: the code of a failure. ``bytes``: size to which the MP4 is padded. ``body``: what
    is wrong with the content. ``label``: text shown in the picture in place of the prompt, so that
    many prompts share one file.
    """

    render: float | None = None
    outcome: Outcome = "completed"
    error: str = "internal_error"
    bytes: int | None = None
    body: Body = "whole"
    content_type: str | None = None
    variants: tuple[str, ...] = VARIANTS
    label: str | None = None


def parse_directive(prompt: str) -> Directive:
    """Read the directive of a prompt; words that are moderated count as one.

    Raises:
        ServiceError: 400, when it says something unknown.
    """
    match = _DIRECTIVE.search(prompt)
    pairs: dict[str, str] = {}
    for part in match["pairs"].split() if match else ():
        key, equals, value = part.partition("=")
        if not equals or not value or key in pairs:
            raise _refusal(f"'{part}' is no key=value")
        pairs[key] = value
    if _MODERATED.search(_DIRECTIVE.sub("", prompt)):
        pairs.setdefault("outcome", "moderated")
    return _read(pairs)


def caption(prompt: str) -> str:
    """The prompt without its directive."""
    return " ".join(_DIRECTIVE.sub(" ", prompt).split())


def asks_for_input_moderation(prompt: str) -> bool:
    """Whether the prompt plays one whose inputs are refused."""
    return _MODERATED_INPUT.search(prompt) is not None


def asks_for_content_filter(prompt: str) -> bool:
    """Whether the prompt plays one that Azure's content filter stops."""
    return _CONTENT_FILTER.search(prompt) is not None


def _read(pairs: Mapping[str, str]) -> Directive:
    directive = Directive(
        render=_number(pairs, "render"),
        outcome=_outcome(pairs),
        error=pairs.get("error", "internal_error"),
        bytes=_whole_number(pairs, "bytes"),
        body=_body(pairs),
        content_type=pairs.get("content_type"),
        variants=_variants(pairs),
        label=pairs.get("label"),
    )
    unknown = set(pairs) - set(_KEYS.split(", "))
    if unknown:
        raise _refusal(f"unknown key '{min(unknown)}'; the keys are {_KEYS}")
    return directive


def _outcome(pairs: Mapping[str, str]) -> Outcome:
    value = pairs.get("outcome", "completed")
    for known in get_args(Outcome):
        if value == known:
            return cast(Outcome, known)
    raise _refusal(f"outcome is one of {', '.join(get_args(Outcome))}; not '{value}'")


def _body(pairs: Mapping[str, str]) -> Body:
    value = pairs.get("body", "whole")
    for known in get_args(Body):
        if value == known:
            return cast(Body, known)
    raise _refusal(f"body is one of {', '.join(get_args(Body))}; not '{value}'")


def _number(pairs: Mapping[str, str], key: str) -> float | None:
    if key not in pairs:
        return None
    try:
        value = float(pairs[key])
    except ValueError:
        raise _refusal(f"{key} must be a number") from None
    if not 0 <= value < float("inf"):
        raise _refusal(f"{key} must be 0 or more")
    return value


def _whole_number(pairs: Mapping[str, str], key: str) -> int | None:
    value = _number(pairs, key)
    return None if value is None else int(value)


def _variants(pairs: Mapping[str, str]) -> tuple[str, ...]:
    if "variants" not in pairs:
        return VARIANTS
    named = tuple(pairs["variants"].split(","))
    unknown = set(named) - set(VARIANTS)
    if unknown:
        raise _refusal(f"variants are {', '.join(VARIANTS)}; not '{min(unknown)}'")
    return named


def _refusal(problem: str) -> ServiceError:
    return openai_error(
        400, f"Simulator directive: {problem}.", param="prompt", code="invalid_directive"
    )
