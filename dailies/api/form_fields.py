"""The fields of a form, in the shape that JSON would have them in."""

from __future__ import annotations

import re
from typing import Any

from dailies.api.json_body import repeated_field
from dailies.api.uploads import InlineFile, Upload, Uploads
from dailies.inputs.inline import head_of

__all__ = ["FormFields"]

_BRACKETS = re.compile(r"\w{1,64}(?:\[\w{0,64}\]){1,4}")
_NESTED = re.compile(r"^(?P<name>\w{1,64})\[(?P<key>\w{1,64})\]$")


class FormFields:
    """The fields of a form. A text that is a data URL becomes a file."""

    def __init__(self, uploads: Uploads, max_inline_bytes: int) -> None:
        self.uploads = uploads
        self.max_inline_bytes = max_inline_bytes
        self.values: dict[str, Any] = {}

    def inline(self, name: str, start: bytes) -> tuple[InlineFile, bytes] | None:
        """The file that begins in a field's text, with what of it is there already."""
        head = head_of(start) if self.max_inline_bytes else None
        if head is None:
            return None
        file = InlineFile(self.uploads, self.where(name), max_bytes=self.max_inline_bytes)
        return file, start[len(head) :]

    def where(self, name: str) -> str:
        """The place of a field as it is in JSON: ``video[id]`` is ``video.id``, and so is
        ``video[][id]``, since places in arrays are left out."""
        return ".".join(re.findall(r"\w+", name)) if _BRACKETS.fullmatch(name) else name

    def put(self, name: str, value: str | Upload) -> None:
        """Set a field. ``name[key]`` is how official clients write an object into a form, and a
        name with ``[]`` in it, as often as there are values, is how they write an array.

        Raises:
            InvalidRequest: the field has another value already.
        """
        if "[]" in name:
            self.values.setdefault(name, []).append(value)
            return
        match = _NESTED.match(name)
        if match is None:
            _set(self.values, name, value, shown=name)
            return
        inner = self.values.setdefault(match["name"], {})
        if not isinstance(inner, dict):
            raise repeated_field(name)
        _set(inner, match["key"], value, shown=name)


def _set(fields: dict[str, Any], name: str, value: str | Upload, *, shown: str) -> None:
    """Two files in one field are left to what knows how many are read."""
    before = fields.get(name, "")
    if before in ("", value) or (isinstance(before, Upload) and isinstance(value, Upload)):
        fields[name] = value
    elif value != "":
        raise repeated_field(shown)
