"""Parsers of keys, of what is asked about them and about spend, and of whom the platform has let
in."""

from __future__ import annotations

import base64

from fastapi import Request

from dailies.api.admin.bodies import checked
from dailies.api.admin.keys import _check_word
from dailies.api.admin.names import read_owner
from dailies.api.admin.search import _time
from dailies.api.events import _time_of
from dailies.api.principal import principal_of
from dailies.api.spend import _day
from dailies.jsontext import parse_json
from dailies.owners.issued import is_key_id, key_id_in
from dailies.protocols.budgets import SetBudget
from dailies.protocols.keys import ChangeKey, IssueKey, merged
from dailies.settings import Settings
from tests.unit.parsers.shapes import JSON, MOST_HEADER, WORDS, Parser, of, text

__all__ = ["PARSERS"]

_MOST_PARTS = 20_000
_SETTINGS = Settings.load(
    {"VideoStorage": "UseDevelopmentStorage=true", "WEBSITE_AUTH_ENABLED": "True"}
)


def _principal(data: bytes) -> object:
    headers = [(b"authorization", b"Bearer x"), (b"x-ms-client-principal", data)]
    return principal_of(Request({"type": "http", "headers": headers}), _SETTINGS)


def _budget(value: str) -> object:
    return SetBudget.read({"day_usd": value})


def _encoded(data: bytes) -> object:
    return _principal(base64.b64encode(data))


def _issue(data: bytes) -> object:
    return checked(IssueKey, parse_json(data, most_parts=_MOST_PARTS))


def _change(data: bytes) -> object:
    patch = parse_json(data, most_parts=_MOST_PARTS)
    if not isinstance(patch, dict):
        raise ValueError  # which the reader of bodies refuses
    return checked(ChangeKey, merged({"name": "x", "limits": {"weight": 1}}, patch))


_KEYS = {
    **WORDS,
    **of(b"0", b"a", b"\xff", before=b"dk_0123456789abcdef_"),
    **of(b"_", b"_0", before=b"dk_"),
}
_BODIES = {
    **JSON,
    **of(b'"a",', before=b'{"owner":"a","tags":[', after=b'"a"]}'),
    **of(b'"low",', before=b'{"owner":"a","limits":{"priorities":[', after=b'"low"]}}'),
    **of(b"a", b" ", b"\\u0000", before=b'{"owner":"a","name":"', after=b'"}'),
    **of(b"a", b"-", before=b'{"owner":"', after=b'"}'),
    **of(b'{"a":', before=b'{"limits":'),
}

PARSERS = (
    Parser("presented key", text(key_id_in), _KEYS, MOST_HEADER),
    Parser("key id", text(is_key_id), {**WORDS, **of(b"0", before=b"key_")}, MOST_HEADER),
    Parser("word of a list", text(lambda value: _check_word("after", value)), WORDS, MOST_HEADER),
    Parser("owner's name", text(read_owner), {**WORDS, **of(b"a", b"-")}, MOST_HEADER),
    Parser("principal", _principal, WORDS, MOST_HEADER),
    Parser(
        "principal's claims",
        _encoded,
        {
            **JSON,
            **of(b'{"typ":"a","val":"a"},', before=b'{"auth_typ":"aad","claims":[', after=b"{}]}"),
            **of(b"0", b"-", before=b'{"auth_typ":"aad","claims":[{"typ":"oid","val":"'),
        },
        MOST_HEADER,
    ),
    Parser("key to issue", _issue, _BODIES),
    Parser("change of a key", _change, _BODIES),
    Parser("budget", text(_budget), WORDS),
    Parser("day of spend", text(lambda value: _day(value, "from")), WORDS, MOST_HEADER),
    Parser(
        "time of a search", text(lambda value: _time("created_after", value)), WORDS, MOST_HEADER
    ),
    Parser("last event's id", text(_time_of), {**WORDS, **of(b"0", b"9")}, MOST_HEADER),
)
