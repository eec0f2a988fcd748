"""Bodies of operators' requests: JSON for a pydantic model, and nothing that it does not know.

A misspelt limit would be none, so an unknown field is refused here, wherever it stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError

from dailies.api.bodies import open_body
from dailies.protocols.fields import Schema
from dailies.protocols.messages import missing
from dailies.video.errors import InvalidRequest

__all__ = ["checked", "fields_of", "json_body"]

_Model = TypeVar("_Model", bound=BaseModel)
_LONGEST_NAME = 64


async def fields_of(request: Request, *, optional: bool = False) -> Mapping[str, Any]:
    """The fields of the body; none of one that is ``optional`` and not there.

    Raises:
        InvalidRequest: it is no JSON object, or has files.
    """
    try:
        async with open_body(request) as body:
            for upload in body.untaken:
                where = _shown(upload.where)
                raise InvalidRequest(
                    f"This call reads no file; leave '{where}' out.",
                    param=where,
                    code="unexpected_file",
                )
            return body.fields
    except InvalidRequest as error:
        if optional and error.code == "missing_body":
            return {}
        raise


def checked(model: type[_Model], fields: Mapping[str, Any]) -> _Model:
    """The fields as the model has them.

    Raises:
        InvalidRequest: naming the first field that is wrong.
    """
    try:
        return model.model_validate(fields, extra="forbid")
    except ValidationError as error:
        # Without the input and the address of a page: neither is for the caller.
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = _shown(".".join(str(part) for part in first["loc"]))
        if first["type"] == "missing":
            raise missing(place) from None
        if first["type"] == "extra_forbidden":
            raise InvalidRequest(
                f"Unknown parameter: '{place}'.", param=place, code="unknown_parameter"
            ) from None
        raise InvalidRequest(
            f"Invalid '{place or 'body'}': {first['msg']}.",
            param=place or None,
            code="invalid_value",
        ) from None


def _shown(name: str) -> str:
    # JSON can spell half a character, which could not be sent back.
    return name[:_LONGEST_NAME].encode("utf-8", "replace").decode()


def json_body(model: type[BaseModel], *, required: bool = True) -> Schema:
    """What the OpenAPI document says of such a body."""
    schema = model.model_json_schema()
    parts = schema.pop("$defs", {})
    content = {"application/json": {"schema": _inlined(schema, parts)}}
    return {"required": required, "content": content}


def _inlined(schema: Any, parts: Mapping[str, Any]) -> Any:
    """The schema without references: those of pydantic lead nowhere in the document."""
    if isinstance(schema, list):
        return [_inlined(each, parts) for each in schema]
    if not isinstance(schema, dict):
        return schema
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    if name in parts:
        rest = {key: value for key, value in schema.items() if key != "$ref"}
        return _inlined({**parts[name], **rest}, parts)
    return {key: _inlined(value, parts) for key, value in schema.items()}
