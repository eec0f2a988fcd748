"""A JSON body, read as it arrives: the files in its data URLs never stand in memory."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from dailies.api.uploads import InlineFile, Upload, Uploads
from dailies.inputs.inline import LONGEST_HEAD, DataUrlError, head_of, unescaped
from dailies.jsontext import (
    JsonPiece,
    JsonScanner,
    RepeatedKey,
    TooComplex,
    broken_text,
    parse_json,
)
from dailies.protocols.messages import not_unicode
from dailies.video.errors import InvalidRequest, TooLarge

__all__ = ["MOST_TEXT_BYTES", "JsonReader", "repeated_field", "too_much_text"]

MOST_TEXT_BYTES = 512 * 1024
"""Of the text of a body, files aside: the longest prompt has 384 kB when all of it is escaped."""

_MOST_PARTS = 10_000
_MOST_DEPTH = 32


def too_much_text() -> TooLarge:
    """The answer to a body with more text than its fields could need."""
    return TooLarge(
        f"The body has more than {MOST_TEXT_BYTES:,} bytes of text. Send files as parts of a "
        "multipart form.",
        code="body_too_large",
    )


def repeated_field(name: str) -> InvalidRequest:
    """The answer to a field that is there twice: which of the two is meant, nobody can tell."""
    return InvalidRequest(
        f"The field '{name[:64]}' is there twice. Send it once.",
        param=name[:64],
        code="repeated_field",
    )


class JsonReader:
    """Reads a JSON object; a string that is a data URL in base64 becomes an ``Upload``.

    The string's place is kept by a word that no caller can know, and the small rest is parsed.

    Args:
        max_inline_bytes: of such a file; with 0 a data URL is a text as any other.
    """

    def __init__(self, uploads: Uploads, *, max_inline_bytes: int) -> None:
        self._uploads = uploads
        self._max_inline_bytes = max_inline_bytes
        self._scanner = JsonScanner(most_parts=_MOST_PARTS, most_depth=_MOST_DEPTH)
        self._text = bytearray()
        self._inline: InlineFile | None = None
        self._escape = b""  # half of one, in a file
        self._start: bytearray | None = None  # of a string that may be a data URL
        self._token = secrets.token_hex(16)
        self._files: dict[str, Upload] = {}

    def feed(self, data: bytes) -> None:
        """Take more of the body.

        Raises:
            InvalidRequest: it has too many values, or a file that is not base64.
            TooLarge: it has too much text, or too large a file.
        """
        try:
            for piece in self._scanner.feed(data):
                if piece.is_string:
                    self._take_string(piece)
                else:
                    self._keep(piece.data)
        except TooComplex as error:
            raise InvalidRequest(
                f"We do not take the JSON body of your request: {error}.", code="invalid_json"
            ) from None

    def finish(self) -> Mapping[str, Any]:
        """The object, with its files.

        Raises:
            InvalidRequest: it is none.
        """
        if not self._text.strip():
            raise InvalidRequest(
                "The request has no body. Send a JSON object, or a form.", code="missing_body"
            )
        try:
            document = parse_json(bytes(self._text), most_parts=_MOST_PARTS, most_depth=_MOST_DEPTH)
        except RepeatedKey as error:
            raise repeated_field(error.key) from None
        except UnicodeDecodeError:
            raise InvalidRequest(
                "The JSON body of your request is not UTF-8 text.", code="invalid_json"
            ) from None
        except ValueError:
            raise InvalidRequest(
                "We could not parse the JSON body of your request. (HINT: This likely means you "
                "aren't using your HTTP library correctly. The request expects a JSON object.)",
                code="invalid_json",
            ) from None
        if (broken := broken_text(document)) is not None:
            raise not_unicode(broken)
        if not isinstance(document, dict):
            raise InvalidRequest("The body must be a JSON object.", code="invalid_json")
        found: dict[str, Any] = self._with_files(document) if self._files else document
        return found

    def _take_string(self, piece: JsonPiece) -> None:
        if piece.begins:
            self._keep(b'"')
            self._start = bytearray() if self._max_inline_bytes else None
        if self._inline is not None:
            self._take_file(self._inline, piece.data)
        elif self._start is not None:
            self._start += piece.data
            if len(self._start) >= LONGEST_HEAD or piece.ends:
                start, self._start = bytes(self._start), None
                self._decide(start)
        else:
            self._keep(piece.data)
        if piece.ends:
            if self._inline is not None:
                self._end_file(self._inline)
            self._keep(b'"')

    def _decide(self, start: bytes) -> None:
        """Enough of a string is there to know whether a file is in it."""
        head = head_of(start)
        if head is None:
            self._keep(start)
            return
        where = ".".join(self._scanner.path)
        self._inline = InlineFile(self._uploads, where, max_bytes=self._max_inline_bytes)
        name = f"{self._token}-{len(self._files)}"
        self._files[name] = self._inline.upload
        self._keep(name.encode())
        self._take_file(self._inline, start[len(head) :])

    def _take_file(self, file: InlineFile, text: bytes) -> None:
        try:
            plain, self._escape = unescaped(self._escape + text)
        except DataUrlError as error:
            raise file.refusal(error) from None
        file.feed(plain)

    def _end_file(self, file: InlineFile) -> None:
        file.feed(self._escape)
        file.finish()
        self._inline, self._escape = None, b""

    def _keep(self, text: bytes) -> None:
        self._text += text
        if len(self._text) > MOST_TEXT_BYTES:
            raise too_much_text()

    def _with_files(self, value: Any) -> Any:
        """The same document, its depth and size known to be small, with its files in place."""
        if isinstance(value, dict):
            return {key: self._with_files(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self._with_files(inner) for inner in value]
        return self._files.get(value, value) if isinstance(value, str) else value
