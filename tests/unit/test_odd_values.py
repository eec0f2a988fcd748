"""Whatever JSON holds where a field is read, the answer tells what is wrong: it is no fault.

A dropped file is read again and again after a fault, and never answered.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from dailies.protocols.batch.options import read_options
from dailies.protocols.batch.shots import ShotFields
from dailies.protocols.budgets import SetBudget
from dailies.protocols.drop.merging import DropParameters, ParameterFile, parameters
from dailies.protocols.fields import Fields
from dailies.protocols.openai.bodies import CreateVideo, EditVideo, ExtendVideo, RemixVideo
from dailies.protocols.pictures import read_frames, read_references
from dailies.protocols.sora1.job import CreateJob, read_items
from dailies.video.errors import DropError, InvalidRequest, RequestError

LARGE = 10**400
VALUES: tuple[Any, ...] = (
    *(None, True, 0, -1, 1.5, 2.0**70, LARGE, -LARGE),
    *("", "a", "nan", "1e999", "9" * 400, "\N{SUPERSCRIPT TWO}", "[1]"),
    *([], {}, [[]], [{}], {"a": []}, {"url": []}),
)
ITEM = {"type": "image", "file_name": "a.png"}
FRAME = {"frame_type": "first_frame", "image_url": "https://example.com/a.png"}
MODELS = (CreateVideo, RemixVideo, EditVideo, ExtendVideo, CreateJob, SetBudget)

Read = Callable[[Any], object]


def _field(model: type[Fields], name: str) -> Read:
    return lambda value: model.read({"prompt": "a pier", name: value})


def _named(read: Read, name: str) -> Read:
    return lambda value: read({name: value})


def _within(read: Read, item: dict[str, Any], name: str) -> Read:
    return lambda value: read([{**item, name: value}])


def _dropped(name: str) -> Read:
    def read(value: Any) -> object:
        file = ParameterFile("a.json", json.dumps({"prompt": "a pier", name: value}).encode())
        return parameters("a.png", {}, file).wish

    return read


READERS: dict[str, Read] = {
    **{f"{m.__name__}.{name}": _field(m, name) for m in MODELS for name in m.model_fields},
    **{f"drop.{name}": _dropped(name) for name in DropParameters.model_fields},
    **{
        f"batch.{name}": _named(read_options, name)
        for name in ("defaults", "limit_usd", "max_in_progress", "name")
    },
    **{
        f"shot.{name}": _named(lambda fields: ShotFields.read(fields, {}), name)
        for name in ("custom_id", "image_file", "image_blob", "input_reference")
    },
    **{
        f"item.{name}": _within(read_items, ITEM, name)
        for name in ("type", "file_name", "frame_index", "crop_bounds")
    },
    **{
        f"frame.{name}": _within(read_frames, FRAME, name)
        for name in ("type", "frame_type", "image_url")
    },
    **{f"reference.{name}": _within(read_references, {}, name) for name in ("type", "image_url")},
}


@pytest.mark.parametrize("reader", READERS)
def test_an_odd_value_is_refused_in_words(reader: str) -> None:
    for value in VALUES:
        with suppress(RequestError, DropError):
            READERS[reader](value)


@pytest.mark.parametrize("name", ["limit_usd", "max_in_progress"])
def test_a_number_that_no_number_can_hold_is_none(name: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        read_options({name: LARGE})
    assert refused.value.param == name


@pytest.mark.parametrize("kind", [[], {}, 7, None])
def test_an_item_s_type_is_a_word(kind: object) -> None:
    with pytest.raises(InvalidRequest, match="'image' or 'video'"):
        read_items([{**ITEM, "type": kind}])
