"""What a provider says went wrong, read from any body and made safe to show.

Two envelopes occur: wrapped, ``{"error": {code, message, type, param}}``, and flat, the same fields
at the top. Servers add their own: FastAPI's ``{"detail": …}``, a text or, with a 422, a list; lists
of ``errors``; plain text; HTML, of which nothing is read. Google's (google.rpc.Status) is wrapped,
has a ``status``, and ``details`` that may tell a reason and a pause. Nothing here raises, whatever
the body.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from dailies.providers.answers import pause

__all__ = ["ErrorText", "read_json", "readable"]

_LONGEST = 300
"""Characters of a provider's message that are kept."""

_LONGEST_READ = 40_000
"""Characters that are looked at: the longest prompt may be repeated before what is said of it."""

_LONGEST_CODE = 256

_ECHO = 24
"""A run of this many characters in common with the prompt counts as an echo of it."""

_MOST_ITEMS = 5
"""Entries of a list of errors that are told."""

_MOST_DETAILS = 20

_MOST_TEXT = 4096
"""Bytes of an answer in plain text that are looked at."""

_MESSAGES = ("message", "detail", "errors", "title")
"""The fields that say what is wrong; of several, the first that does."""

_LINK = re.compile(r"(https?://[^\s\"'<>`]+)", re.IGNORECASE)
_NAMED = r"\b(?:bearer\s+\S+|sk-[\w*-]{4,}|eyJ[\w-]{8,}(?:\.[\w-]+)*|(?:sig|key|code)=[^\s&]+)"
_SECRET = re.compile(
    # What is called the id of a request is for its provider's support: nobody gets in by it.
    r"(?P<kept>\b(?:request|trace|correlation|activity)[ _-]?id\W{1,4}[\w-]{1,64})"
    # A run is looked at from its beginning only, and never given back in part: else a long one
    # that is no secret would be tried from each of its characters.
    rf"|{_NAMED}|(?<![\w+/-])(?P<run>[A-Za-z0-9+/]{{32,}}+={{0,2}}+)(?![\w-])",
    re.IGNORECASE,
)
_SECRET_IN_LINK = re.compile(rf"{_NAMED}|(?<![\w-])[A-Za-z0-9+]{{32,}}(?![\w-])", re.IGNORECASE)
_PATH = re.compile(r"/?(?:[A-Za-z]{1,24}[0-9]{0,4}/)+[A-Za-z]{0,24}")
_SIGNS_IN = re.compile(r"sig|key|code|token|secret|credential|passw|auth", re.IGNORECASE)
_LONGEST_OPEN = 24
"""Characters of a link's parameter that is no secret."""


@dataclass(frozen=True, slots=True)
class ErrorText:
    """The fields of an error envelope; each is empty when the provider did not send it.

    Attributes:
        type: Google's ``status``, where there is no such field.
        inner_code: of ``innererror`` or ``inner_error``, where Azure tells which policy it was; the
            reason in Google's ``details``.
        retry_after: seconds until the request may be sent again, where the envelope says so.
    """

    code: str = ""
    message: str = ""
    type: str = ""
    param: str = ""
    inner_code: str = ""
    retry_after: float | None = None

    @classmethod
    def parse(cls, body: bytes) -> ErrorText:
        """Read the body of an answer that is no success."""
        document = read_json(body)
        if isinstance(document, dict):
            return cls.of(document)
        if isinstance(document, list) and len(document) == 1 and isinstance(document[0], dict):
            return cls.of(document[0])  # Google's, of an answer that was to be a stream
        return cls(message=_text(document) if document is not None else _plain_text(body))

    @classmethod
    def of(cls, document: dict[str, object]) -> ErrorText:
        """Read an envelope that is already parsed, e.g. the ``error`` of a failed job."""
        wrapped = document.get("error")
        if isinstance(wrapped, str):
            return cls(message=_text(wrapped), code=_text(document.get("code"), _LONGEST_CODE))
        fields = wrapped if isinstance(wrapped, dict) else document
        inner = fields.get("innererror") or fields.get("inner_error")
        rpc = list(_details(fields))
        reason = next((item["reason"] for item in rpc if "reason" in item), None)
        return cls(
            code=_text(fields.get("code"), _LONGEST_CODE),
            message=next(filter(None, map(_said, map(fields.get, _MESSAGES))), ""),
            type=_text(fields.get("type"), _LONGEST_CODE)
            or (_text(fields.get("status"), _LONGEST_CODE) if fields is wrapped else ""),
            param=_text(fields.get("param"), _LONGEST_CODE),
            inner_code=_text(
                inner.get("code") if isinstance(inner, dict) else reason, _LONGEST_CODE
            ),
            retry_after=next(
                (seconds for item in rpc if (seconds := pause(item.get("retryDelay"))) is not None),
                None,
            ),
        )

    @property
    def words(self) -> str:
        """All of it as one text, for rules to look into."""
        return "\n".join((self.code, self.inner_code, self.type, self.param, self.message))


def read_json(body: bytes) -> object:
    """The JSON document in ``body``; None when there is none.

    It is what an ``Wire`` has read: measured while it came.
    """
    try:
        return json.loads(body)
    except (ValueError, RecursionError):  # ValueError: bad JSON and bad UTF-8 alike
        return None


def readable(message: str, prompt: str | None = None) -> str:
    """A provider's message, safe to store and to show.

    Providers echo what they refuse. What repeats the prompt (a run of 24 characters or more, or
    the whole of a shorter prompt) becomes ``[prompt]``; what looks like a key, a token or a
    signature becomes ``[secret]``; white space is collapsed and the rest cut at 300 characters.
    Where the prompt is not known (a status answer need not repeat it), only the last two apply.
    """
    text = " ".join(message[:_LONGEST_READ].split())
    if prompt is not None:
        text = _without_echo(text, " ".join(prompt.split()))
    text = "".join(
        _without_secrets(piece, is_link=bool(place % 2))
        for place, piece in enumerate(_LINK.split(text))
    )
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1].rstrip() + "…"


def _without_secrets(text: str, *, is_link: bool) -> str:
    """The text without keys, tokens and signatures; a link keeps what does not sign in by it."""
    if not is_link:
        return _SECRET.sub(_kept, text)
    scheme, _, rest = text.partition("//")
    place, slash, path = rest.partition("/")
    address, mark, query = f"{scheme}//{place.rpartition('@')[2]}{slash}{path}".partition("?")
    return _SECRET_IN_LINK.sub("[secret]", address) + mark + "&".join(map(_open, query.split("&")))


def _kept(found: re.Match[str]) -> str:
    is_path = found["run"] is not None and _PATH.fullmatch(found["run"])
    return found[0] if found["kept"] or is_path else "[secret]"


def _open(parameter: str) -> str:
    """A parameter of a link, without its value where that may be a secret."""
    name, equals, value = parameter.partition("=")
    closed = len(value or name) > _LONGEST_OPEN or (equals and _SIGNS_IN.search(name))
    return f"{name if equals else ''}{equals}[secret]" if closed else parameter


def _without_echo(text: str, prompt: str) -> str:
    if not prompt:
        return text
    if len(prompt) < _ECHO:
        return re.sub(rf"(?<!\w){re.escape(prompt)}(?!\w)", "[prompt]", text, flags=re.IGNORECASE)
    folded, wanted = _fold(text), _fold(prompt)
    runs = {wanted[place : place + _ECHO] for place in range(len(wanted) - _ECHO + 1)}
    kept: list[str] = []
    done = 0
    for place in range(len(text) - _ECHO + 1):
        if folded[place : place + _ECHO] not in runs:
            continue
        if place > done or not kept:
            kept += text[done:place], "[prompt]"
        done = place + _ECHO
    return "".join((*kept, text[done:]))


def _fold(text: str) -> str:
    """Lower case, one character for one, so that places in the text stay the same."""
    return "".join(low if len(low := char.lower()) == 1 else char for char in text)


def _details(fields: dict[str, object]) -> Iterator[dict[str, object]]:
    """The messages of google.rpc (``ErrorInfo``, ``RetryInfo``) in an error's ``details``."""
    details = fields.get("details")
    for item in details[:_MOST_DETAILS] if isinstance(details, list) else ():
        if isinstance(item, dict):
            yield item


def _said(value: object) -> str:
    """A text, or the texts of a list: FastAPI's ``{"loc": […], "msg": …}``, others' ``message``."""
    if not isinstance(value, list):
        return _text(value)
    parts = []
    for item in value[:_MOST_ITEMS]:
        fields = item if isinstance(item, dict) else {"msg": item}
        place = fields.get("loc")
        where = ".".join(map(_text, place)) if isinstance(place, list) else ""
        what = _text(fields.get("msg")) or _text(fields.get("message"))
        parts.append(f"{where}: {what}" if where and what else what)
    return "; ".join(filter(None, parts))


def _plain_text(body: bytes) -> str:
    """An answer that is neither JSON nor markup; nothing of one that is no text."""
    try:
        text = body[:_MOST_TEXT].decode("utf-8").strip()
    except UnicodeDecodeError:
        return ""
    return "" if text.startswith(("<", "{", "[", "null")) or not _is_readable(text) else text


def _is_readable(text: str) -> bool:
    return all(char.isprintable() or char.isspace() for char in text)


def _text(value: object, longest: int = _LONGEST_READ) -> str:
    if isinstance(value, str):
        return value[:longest]
    if isinstance(value, bool) or not isinstance(value, int):
        return ""
    return str(value)
