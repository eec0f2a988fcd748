"""Bodies that are forms, read as they arrive: multipart (RFC 7578) and url-encoded."""

from __future__ import annotations

from collections.abc import Mapping
from email.message import Message
from email.utils import collapse_rfc2231_value
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header

from dailies.api.form_fields import FormFields
from dailies.api.json_body import MOST_TEXT_BYTES, too_much_text
from dailies.api.uploads import InlineFile, Upload, Uploads
from dailies.inputs.inline import LONGEST_HEAD
from dailies.video.errors import InvalidRequest

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

__all__ = ["MultipartReader", "UrlEncodedReader", "form_options", "other_charset"]

_MOST_PARTS = 64
_UTF_8 = frozenset({"", "utf-8", "utf8", "us-ascii", "ascii"})
_AS_IT_IS = frozenset({b"", b"7bit", b"8bit", b"binary"})


def form_options(content_type: str) -> Mapping[bytes, bytes]:
    """What a form's ``Content-Type`` says behind its media type.

    Raises:
        InvalidRequest: the form is in another character set than UTF-8.
    """
    if charset := other_charset(content_type):
        raise _invalid(f"its character set is {charset!r}; send it in UTF-8")
    return parse_options_header(content_type)[1]


def other_charset(content_type: str) -> str | None:
    """The character set that a ``Content-Type`` names; None where it is UTF-8, or a part of it."""
    _, options = parse_options_header(content_type)
    charset = options.get(b"charset", b"").decode("latin-1").lower()
    return None if charset in _UTF_8 else charset[:32]


class UrlEncodedReader:
    """Reads ``application/x-www-form-urlencoded``."""

    def __init__(self, uploads: Uploads, *, max_inline_bytes: int) -> None:
        self._fields = FormFields(uploads, max_inline_bytes)
        self._raw = bytearray()

    def feed(self, data: bytes) -> None:
        """Take more of the body.

        Raises:
            TooLarge: it has too much text.
        """
        self._raw += data
        if len(self._raw) > MOST_TEXT_BYTES:
            raise too_much_text()

    def finish(self) -> Mapping[str, Any]:
        """The fields, with the files in their data URLs.

        Raises:
            InvalidRequest: it has too many fields, or is not UTF-8.
        """
        try:
            pairs = parse_qsl(
                self._raw.decode(),
                keep_blank_values=True,
                errors="strict",
                max_num_fields=_MOST_PARTS,
            )
        except UnicodeDecodeError:
            raise _invalid("it is not UTF-8") from None
        except ValueError:
            raise _invalid(f"it has more than {_MOST_PARTS} fields") from None
        for name, value in pairs:
            found = self._fields.inline(name, value.encode("utf-8", "replace"))
            if found is None:
                self._fields.put(name, value)
                continue
            file, start = found
            file.feed(start)
            file.finish()
            self._fields.put(name, file.upload)
        return self._fields.values


class MultipartReader:
    """Reads ``multipart/form-data``: files go to disk, and so do those in long data URLs."""

    def __init__(self, uploads: Uploads, boundary: bytes, *, max_inline_bytes: int) -> None:
        self._uploads = uploads
        self._fields = FormFields(uploads, max_inline_bytes)
        self._text_left = MOST_TEXT_BYTES
        self._parts_left = _MOST_PARTS
        self._is_complete = False
        self._header = b""
        self._value = b""
        self._headers: dict[bytes, bytes] = {}
        self._name = ""
        self._text = bytearray()
        self._is_empty = True
        self._is_decided = False  # whether the part's text is a data URL
        self._inline: InlineFile | None = None
        self._file: Upload | None = None
        callbacks: MultipartCallbacks = {
            "on_part_begin": self._begin,
            "on_header_field": self._take_header,
            "on_header_value": self._take_value,
            "on_header_end": self._end_header,
            "on_headers_finished": self._open,
            "on_part_data": self._take,
            "on_part_end": self._end,
            "on_end": self._complete,
        }
        try:
            self._parser = MultipartParser(boundary, callbacks)
        except FormParserError:
            raise _invalid("its boundary is too long") from None

    def feed(self, data: bytes) -> None:
        """Take more of the body.

        Raises:
            InvalidRequest: it is no form, or has too many parts, or a text is not UTF-8.
            TooLarge: it has too much text, or too large a file in a data URL.
        """
        try:
            self._parser.write(data)
        except FormParserError:
            raise _invalid("its parts are not written as those of a form are") from None

    def finish(self) -> Mapping[str, Any]:
        """The fields, with their files.

        Raises:
            InvalidRequest: it ended too early.
        """
        if not self._is_complete:
            raise _invalid("it ends before its last boundary")
        return self._fields.values

    def _begin(self) -> None:
        self._parts_left -= 1
        if self._parts_left < 0:
            raise _invalid(f"it has more than {_MOST_PARTS} parts")
        self._header = self._value = b""
        self._headers.clear()
        self._text.clear()
        self._is_decided = not self._fields.max_inline_bytes
        self._inline = self._file = None
        self._is_empty = True

    # The parser keeps to limits of its own for headers: their number, and the bytes of each.

    def _take_header(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _take_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end_header(self) -> None:
        self._headers[self._header.lower()] = self._value
        self._header = self._value = b""

    def _open(self) -> None:
        disposition = self._headers.get(b"content-disposition", b"")
        _, options = parse_options_header(disposition)
        if b"name" not in options:
            raise _invalid("a part has no name")
        try:
            self._name = options[b"name"].decode()
        except UnicodeDecodeError:
            raise _invalid("the name of a part is not UTF-8") from None
        encoding = self._headers.get(b"content-transfer-encoding", b"").strip().lower()
        if encoding not in _AS_IT_IS:
            raise _invalid(
                f"the part '{self._name[:64]}' is encoded, as its Content-Transfer-Encoding says; "
                "send it as it is",
                param=self._name,
            )
        if b"filename" in options:
            filename: str | None = options[b"filename"].decode("utf-8", "replace")
        else:
            filename = _extended_filename(disposition)
        if filename is not None:
            self._file = self._uploads.new(self._fields.where(self._name), filename)

    def _take(self, data: bytes, start: int, end: int) -> None:
        piece = data[start:end]
        self._is_empty = self._is_empty and not piece
        if self._file is not None:
            self._uploads.write(self._file, piece)
        elif self._inline is not None:
            self._inline.feed(piece)
        else:
            self._take_text(piece)

    def _take_text(self, piece: bytes) -> None:
        self._text += piece
        if not self._is_decided and len(self._text) >= LONGEST_HEAD:
            self._decide()
        if self._inline is None:
            self._text_left -= len(piece)
            if self._text_left < 0:
                raise too_much_text()

    def _decide(self) -> None:
        """Enough of a text is there to know whether a file is in it."""
        self._is_decided = True
        found = self._fields.inline(self._name, bytes(self._text))
        if found is not None:
            self._inline, start = found
            self._inline.feed(start)

    def _end(self) -> None:
        if not self._is_decided and self._file is None:
            self._decide()
        if self._file is not None and self._file.filename == "" and self._is_empty:
            # A browser's form has this for a file that was not chosen.
            self._uploads.drop(self._file)
            self._fields.put(self._name, "")
        elif self._file is not None:
            self._fields.put(self._name, self._file)
        elif self._inline is not None:
            self._inline.finish()
            self._fields.put(self._name, self._inline.upload)
        else:
            self._fields.put(self._name, self._decoded())

    def _decoded(self) -> str:
        try:
            return self._text.decode()
        except UnicodeDecodeError:
            raise _invalid(
                f"the field '{self._name[:64]}' is not UTF-8. If it is a file, its part needs a "
                "'filename'",
                param=self._name,
            ) from None

    def _complete(self) -> None:
        self._is_complete = True


def _extended_filename(disposition: bytes) -> str | None:
    """``filename*``, in which some clients write every name (RFC 2231)."""
    message = Message()
    message["content-disposition"] = disposition.decode("latin-1")
    found = message.get_param("filename", header="content-disposition")
    return None if found is None else collapse_rfc2231_value(found, errors="replace")


def _invalid(why: str, *, param: str | None = None) -> InvalidRequest:
    return InvalidRequest(
        f"We could not parse the form of your request: {why}.",
        param=None if param is None else param[:64],
        code="invalid_form",
    )
