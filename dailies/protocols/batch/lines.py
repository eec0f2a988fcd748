"""The lines of a batch: JSON Lines, CSV, or the array of a JSON document.

What is wrong with one line is that line's, and the others are read on; what is wrong with the whole
ends it. A first line that is no shot, but has ``defaults`` or another field of the batch, is the
batch's own, so that one file can say all of it.
"""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, BinaryIO

from dailies.jsontext import RepeatedKey, TooComplex, parse_json
from dailies.video.errors import InvalidRequest

__all__ = ["BATCH_FIELDS", "MOST_DOCUMENT_BYTES", "Form", "Line", "lines_of"]

# A cell may be as long as a line; the module's own limit holds for all that use it.
csv.field_size_limit(512 * 1024)

BATCH_FIELDS = ("defaults", "limit_usd", "max_in_progress", "name")
"""What a batch says beside its shots."""
MOST_LINE_BYTES = 512 * 1024
_MOST_PARTS_OF_A_LINE = 2_000
MOST_DOCUMENT_BYTES = 32 * 1024**2
_MOST_PARTS = 2_000_000
_OBJECTS = frozenset(
    {"provider_options", "provider", "frame_images", "input_references", "crop_bounds"}
)
"""Fields that are objects or arrays; a cell of CSV has them as JSON."""


class Form(StrEnum):
    """How shots are written."""

    JSON = "json"
    LINES = "jsonl"
    CSV = "csv"


@dataclass(frozen=True, slots=True)
class Line:
    """A line: the fields of a shot, or what is wrong with it. The fields of the batch itself come
    as one that ``is_head``."""

    number: int
    fields: Mapping[str, Any] = field(default_factory=dict, repr=False)
    fault: InvalidRequest | None = None
    is_head: bool = False


def lines_of(file: BinaryIO, form: Form) -> Iterator[Line]:
    """The lines of a file, read as they are asked for; a JSON document is read whole.

    Raises:
        InvalidRequest: it can't be read at all.
    """
    if form is Form.JSON:
        return _of_document(file)
    return _of_csv(file) if form is Form.CSV else _of_lines(file)


def _of_lines(file: BinaryIO) -> Iterator[Line]:
    is_first = True
    number = 0
    while raw := file.readline(MOST_LINE_BYTES + 1):
        number += 1
        if len(raw) > MOST_LINE_BYTES:
            while not raw.endswith(b"\n") and (raw := file.readline(MOST_LINE_BYTES)):
                pass
            yield Line(number, fault=_fault(f"It has more than {MOST_LINE_BYTES:,} bytes."))
            continue
        if not raw.strip(b" \t\r\n\xef\xbb\xbf"):
            continue
        line = _line(number, raw)
        if is_first and line.fault is None and _is_head(line.fields):
            line = Line(number, line.fields, is_head=True)
        is_first = False
        yield line


def _line(number: int, raw: bytes) -> Line:
    try:
        fields = parse_json(raw, most_parts=_MOST_PARTS_OF_A_LINE)
    except (RepeatedKey, TooComplex) as error:
        return Line(number, fault=_fault(f"This is no JSON that can be used: {error}."))
    except UnicodeDecodeError:
        return Line(number, fault=_fault("It is not UTF-8 text. Save the file as UTF-8."))
    except json.JSONDecodeError as error:
        return Line(number, fault=_fault(f"Column {error.colno}: this is no JSON: {error.msg}."))
    except ValueError as error:
        return Line(number, fault=_fault(f"This is no JSON that can be used: {error}."))
    if not isinstance(fields, dict):
        return Line(number, fault=_fault('Expected a JSON object, such as {"prompt": "…"}.'))
    return Line(number, fields)


def _is_head(fields: Mapping[str, Any]) -> bool:
    return bool(fields) and fields.keys() <= set(BATCH_FIELDS)


def _of_csv(file: BinaryIO) -> Iterator[Line]:
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    try:
        yield from _of_rows(text)
    except UnicodeDecodeError:
        raise _whole("The CSV is not UTF-8 text. Save it as UTF-8.", "invalid_csv") from None
    except csv.Error as error:
        raise _whole(f"We could not read the CSV: {error}.", "invalid_csv") from None
    finally:
        text.detach()


def _of_rows(text: io.TextIOWrapper) -> Iterator[Line]:
    rows = csv.reader(_bounded(text), strict=True)
    columns = [name.strip() for name in next(rows, [])]
    if wrong := _wrong_columns(columns):
        raise _whole(
            f"The first row of a CSV names the columns, as the fields of a create. {wrong}",
            "invalid_csv",
        )
    for row in rows:
        number = rows.line_num
        if not any(cell.strip() for cell in row):
            continue
        if len(row) > len(columns):
            many = f"It has {len(row)} cells, and there are {len(columns)} columns."
            yield Line(number, fault=_fault(f"{many} Put a text with commas into quotes."))
            continue
        yield _row(number, dict(zip(columns, row, strict=False)))


def _wrong_columns(columns: list[str]) -> str | None:
    """What is wrong with the first row of a table, and the remedy."""
    twice, number = Counter(columns).most_common(1)[0] if columns else ("prompt", 0)
    if twice and number > 1:
        return f"The column '{twice[:64]}' is there twice. Name each once."
    if "" in columns:
        return f"Column {columns.index('') + 1} has no name. Give it one, or leave it out."
    if "prompt" not in columns:
        separated = any(mark in name for name in columns for mark in ";\t|")
        hint = " Its cells are parted by something else: save it with commas." if separated else ""
        return f"None of them is 'prompt'.{hint}"
    return None


def _row(number: int, cells: Mapping[str, str]) -> Line:
    fields: dict[str, Any] = {}
    for name, cell in cells.items():
        if not cell.strip():
            continue
        fields[name] = cell
        if name in _OBJECTS or cell.strip().lower() in ("true", "false"):
            try:
                fields[name] = parse_json(cell.strip().lower() if name not in _OBJECTS else cell,
                                          most_parts=_MOST_PARTS_OF_A_LINE)  # fmt: skip
            except ValueError as error:
                fault = InvalidRequest(
                    f"Invalid '{name}': expected JSON: {error}.", param=name, code="invalid_value"
                )
                return Line(number, fault=fault)
    return Line(number, fields)


def _bounded(text: io.TextIOWrapper) -> Iterator[str]:
    """The lines of a text, none of which grows without end."""
    while line := text.readline(MOST_LINE_BYTES + 1):
        if len(line) > MOST_LINE_BYTES:
            raise csv.Error(f"a line has more than {MOST_LINE_BYTES:,} characters")
        yield line


def _of_document(file: BinaryIO) -> Iterator[Line]:
    raw = file.read(MOST_DOCUMENT_BYTES + 1)
    if len(raw) > MOST_DOCUMENT_BYTES:
        raise _whole(
            f"The JSON body has more than {MOST_DOCUMENT_BYTES:,} bytes. Send JSON Lines, with "
            "the Content-Type application/jsonl.",
            "body_too_large",
        )
    try:
        document = parse_json(raw, most_parts=_MOST_PARTS)
    except UnicodeDecodeError:
        raise _whole("The JSON body of your request is not UTF-8 text.", "invalid_json") from None
    except ValueError as error:
        raise _whole(
            f"We could not parse the JSON body of your request: {error}. Send an object with "
            "'shots', an array; or JSON Lines, with the Content-Type application/jsonl.",
            "invalid_json",
        ) from None
    shots = document.get("shots") if isinstance(document, dict) else None
    if not isinstance(shots, list) or not all(isinstance(shot, dict) for shot in shots):
        raise InvalidRequest(
            "The body must be a JSON object with 'shots', an array of objects.",
            param="shots",
            code="invalid_type",
        )
    yield Line(0, {name: each for name, each in document.items() if name != "shots"}, is_head=True)
    for number, fields in enumerate(shots, start=1):
        yield Line(number, fields)


def _fault(message: str) -> InvalidRequest:
    return InvalidRequest(message, code="invalid_line")


def _whole(message: str, code: str) -> InvalidRequest:
    return InvalidRequest(message, code=code)
