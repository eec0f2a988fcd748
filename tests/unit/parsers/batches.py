"""Parsers of batches: their lines, in each way of writing them, and what they say of themselves."""

from __future__ import annotations

import io

from dailies.api.batches import _number
from dailies.protocols.batch.lines import MOST_DOCUMENT_BYTES, Form, lines_of
from dailies.protocols.batch.options import read_options
from dailies.protocols.batch.shots import ShotFields
from tests.unit.parsers.shapes import JSON, MIB, WORDS, Parser, of, text

__all__ = ["PARSERS"]


def _read(data: bytes, form: Form) -> object:
    return [line.fault for line in lines_of(io.BytesIO(data), form)]


def _defaults(value: str) -> object:
    return read_options({"defaults": value})


def _limit(value: str) -> object:
    return read_options({"limit_usd": value})


def _at_once(value: str) -> object:
    return read_options({"max_in_progress": value})


def _field(name: str) -> object:
    return ShotFields.read({name: "x"}, {})


_LINES = {
    **JSON,
    **of(b"\n", b"{}\n", b"[]\n", b'{"prompt":"a"}\n', b"\r\n", b"{\n", b"\xff\n", b"\xef\xbb\xbf"),
}
_TABLES = {
    **of(b"a,8\n", b",\n", b"\n", b'"\n', b'"a""b",\n', b"true,1\n", b"\xff", b"a", b'"'),
    **of(b"a,8\n", b",", b'"', b"a,{}\n", b'a,"[1]"\n', b"\n", before=b"prompt,provider\n"),
    **of(b"true,1\n", b'a,"{""a"":1}"\n', before=b"prompt,provider_options\n"),
}

PARSERS = (
    Parser("batch.lines", lambda data: _read(data, Form.LINES), _LINES),
    Parser("batch.table", lambda data: _read(data, Form.CSV), _TABLES),
    Parser(
        "batch.document",
        lambda data: _read(data, Form.JSON),
        {**JSON, **of(b"{},", b'{"prompt":"a"},', before=b'{"shots":[')},
        most=MOST_DOCUMENT_BYTES,
    ),
    Parser("batch.defaults", text(_defaults), JSON, most=MIB),
    Parser("batch.limit_usd", text(_limit), WORDS),
    Parser("batch.max_in_progress", text(_at_once), WORDS),
    Parser("batch.field", text(_field), WORDS),
    Parser("batch.after", text(_number), WORDS),
)
