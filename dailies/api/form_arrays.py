"""Arrays in forms, as official clients and browsers write them.

Official clients send an array of objects as columns: ``frame_images[][frame_type]`` as often as
there are items, then ``frame_images[][image_url][url]``. A browser's form, and curl, repeat a name
for each file. What can't be put together for sure is refused, never guessed.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Sequence
from typing import Any

from dailies.api.bodies import Body, Upload
from dailies.api.json_body import repeated_field
from dailies.video.errors import InvalidRequest

__all__ = ["with_arrays"]

_COLUMN = re.compile(r"(?P<name>\w{1,64})\[\](?P<path>(?:\[\w{1,64}\]){0,4})")

Columns = dict[tuple[str, ...], list[Any]]


def with_arrays(body: Body, names: Collection[str]) -> Body:
    """The body with the arrays of these ``names`` in the shape that JSON would have them in.

    Raises:
        InvalidRequest: the items of one can't be told apart.
    """
    fields: dict[str, Any] = {}
    columns: dict[str, Columns] = {}
    for name, value in body.fields.items():
        if name in names and isinstance(value, Upload):
            fields[name] = [each for each in body.uploads if each.where == name]
            continue
        array = name.partition("[")[0]
        if array == name or array not in names:
            fields[name] = value
            continue
        match = _COLUMN.fullmatch(name)
        if match is None or not isinstance(value, list):
            raise _apart(array)
        path = tuple(re.findall(r"\w+", match["path"]))
        columns.setdefault(array, {})[path] = value
    for array, given in columns.items():
        if fields.get(array) not in (None, ""):
            raise repeated_field(array)
        fields[array] = _items(array, given)
    return dataclasses.replace(body, fields=fields) if fields != body.fields else body


def _items(array: str, columns: Columns) -> list[Any]:
    if () in columns:
        if len(columns) > 1:
            raise _apart(array)
        return columns[()]
    lengths = {len(values) for values in columns.values()}
    if len(lengths) > 1:
        raise _apart(array)
    items: list[dict[str, Any]] = [{} for _ in range(lengths.pop())]
    for path, values in columns.items():
        for item, value in zip(items, values, strict=True):
            _put(item, path, value, array)
    return items


def _put(item: dict[str, Any], path: Sequence[str], value: Any, array: str) -> None:
    *parents, last = path
    for key in parents:
        inner = item.setdefault(key, {})
        if not isinstance(inner, dict):
            raise _apart(array)
        item = inner
    if last in item:
        raise _apart(array)
    item[last] = value


def _apart(array: str) -> InvalidRequest:
    return InvalidRequest(
        f"The items of '{array}' can't be told apart in this form. Give each the same fields, as "
        f"'{array}[][…]', or send '{array}' as JSON text, or the whole request as JSON.",
        param=array,
        code="invalid_form",
    )
