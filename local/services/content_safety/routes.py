"""``/contentsafety``: texts and pictures are analyzed, lists of words kept.

Bodies, limits and answers are those of the API version 2023-10-01, which the Python SDK 1.0.0
speaks; codes of errors are those of learn.microsoft.com, "Azure AI Content Safety error codes".
Which of them a list gets that is not there is not written anywhere: it is the one of a resource.
"""

from __future__ import annotations

import base64
import binascii
import io
import json
import uuid
from typing import Any

from PIL import Image, UnidentifiedImageError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.services.content_safety.judging import (
    CATEGORIES,
    blocked_items,
    severities_of_picture,
    severities_of_text,
)
from local.services.errors import BAD_BEARER, ServiceError
from local.services.identity import InvalidTokenError, Tokens, bearer_of

__all__ = ["ContentSafety"]

_AUDIENCE = "https://cognitiveservices.azure.com"
_VERSIONS = ("2023-10-01", "2024-09-01")
_LONGEST_TEXT = 10_000
_MOST_BYTES = 4 * 1024**2
_SMALLEST, _LARGEST = 50, 2048
_MOST_ITEMS = 100
_LISTS = "/contentsafety/text/blocklists"
_TEXT_FIELDS = {"text", "categories", "blocklistNames", "haltOnBlocklistHit", "outputType"}
_IMAGE_FIELDS = {"image", "categories", "outputType"}


class ContentSafety:
    """An account of its own. Its lists last as long as the process."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens
        self._lists: dict[str, str | None] = {}
        self._items: dict[str, dict[str, dict[str, Any]]] = {}

    def routes(self) -> list[Route]:
        """The routes of the account."""
        one = f"{_LISTS}/{{name}}"
        return [
            Route("/contentsafety/text:analyze", self._text, methods=["POST"]),
            Route("/contentsafety/image:analyze", self._image, methods=["POST"]),
            Route(f"{one}:addOrUpdateBlocklistItems", self._add, methods=["POST"]),
            Route(f"{one}:removeBlocklistItems", self._remove, methods=["POST"]),
            Route(f"{one}/blocklistItems", self._items_of, methods=["GET"]),
            Route(one, self._put_list, methods=["PATCH"]),
            Route(one, self._get_list, methods=["GET"]),
            Route(one, self._delete_list, methods=["DELETE"]),
            Route(_LISTS, self._all_lists, methods=["GET"]),
        ]

    async def _text(self, request: Request) -> Response:
        body = await self._body(request, _TEXT_FIELDS)
        text = body.get("text")
        if not isinstance(text, str) or not text:
            raise _invalid("The field 'text' is required and must be a text.")
        if len(text) > _LONGEST_TEXT:
            raise _invalid(f"The text has more than {_LONGEST_TEXT} characters.")
        levels = body.get("outputType", "FourSeverityLevels")
        if levels not in ("FourSeverityLevels", "EightSeverityLevels"):
            raise _invalid(f"The value '{levels}' is not valid for outputType.")
        matches = []
        for name in body.get("blocklistNames") or ():
            items = self._listed(name)
            of_list = [
                (item_id, item["text"], item.get("isRegex", False))
                for item_id, item in items.items()
            ]
            matches += [
                {"blocklistName": name, "blocklistItemId": item_id, "blocklistItemText": found}
                for item_id, found in blocked_items(text, of_list)
            ]
        found = {} if matches and body.get("haltOnBlocklistHit") else severities_of_text(text)
        answer = _analysis(found, body)
        return JSONResponse({"blocklistsMatch": matches, "categoriesAnalysis": answer})

    async def _image(self, request: Request) -> Response:
        body = await self._body(request, _IMAGE_FIELDS)
        image = body.get("image")
        if not isinstance(image, dict) or ("content" in image) == ("blobUrl" in image):
            raise _invalid("The field 'image' must have either 'content' or 'blobUrl'.")
        if "blobUrl" in image:
            raise _invalid("This account may not read the blob.")
        if body.get("outputType", "FourSeverityLevels") != "FourSeverityLevels":
            raise _invalid("Images have FourSeverityLevels only.")
        data = _picture_of(image["content"])
        return JSONResponse({"categoriesAnalysis": _analysis(severities_of_picture(data), body)})

    async def _put_list(self, request: Request) -> Response:
        body = await self._body(request, {"blocklistName", "description"})
        name = request.path_params["name"]
        is_new = name not in self._lists
        self._lists[name] = body.get("description")
        self._items.setdefault(name, {})
        return JSONResponse(self._shown(name), status_code=201 if is_new else 200)

    async def _get_list(self, request: Request) -> Response:
        self._check(request)
        self._listed(name := request.path_params["name"])
        return JSONResponse(self._shown(name))

    async def _delete_list(self, request: Request) -> Response:
        self._check(request)
        self._lists.pop(request.path_params["name"], None)
        self._items.pop(request.path_params["name"], None)
        return Response(status_code=204)

    async def _all_lists(self, request: Request) -> Response:
        self._check(request)
        return JSONResponse({"value": [self._shown(name) for name in self._lists]})

    async def _items_of(self, request: Request) -> Response:
        self._check(request)
        items = self._listed(request.path_params["name"])
        return JSONResponse({"value": list(items.values())})

    async def _add(self, request: Request) -> Response:
        body = await self._body(request, {"blocklistItems"})
        items = self._listed(request.path_params["name"])
        given = body.get("blocklistItems")
        if not isinstance(given, list) or not 0 < len(given) <= _MOST_ITEMS:
            raise _invalid(f"blocklistItems must have 1 to {_MOST_ITEMS} items.")
        kept = []
        for item in given:
            if not isinstance(item, dict) or not 0 < len(str(item.get("text", ""))) <= 128:
                raise _invalid("The text of an item must have 1 to 128 characters.")
            item_id = str(uuid.uuid4())
            items[item_id] = {**item, "blocklistItemId": item_id}
            kept.append(items[item_id])
        return JSONResponse({"blocklistItems": kept})

    async def _remove(self, request: Request) -> Response:
        body = await self._body(request, {"blocklistItemIds"})
        items = self._listed(request.path_params["name"])
        for item_id in body.get("blocklistItemIds") or ():
            items.pop(item_id, None)
        return Response(status_code=204)

    def _listed(self, name: object) -> dict[str, dict[str, Any]]:
        items = self._items.get(str(name))
        if items is None:
            raise _error(404, "ResourceNotFound", f"The blocklist '{name}' is not found.")
        return items

    def _shown(self, name: str) -> dict[str, Any]:
        told = self._lists[name]
        return {"blocklistName": name, **({} if told is None else {"description": told})}

    async def _body(self, request: Request, known: set[str]) -> dict[str, Any]:
        self._check(request)
        try:
            body = json.loads(await request.body())
        except ValueError:
            body = None
        if not isinstance(body, dict):
            raise _invalid("The body is no JSON object.")
        if unknown := body.keys() - known:
            raise _invalid(f"The field '{min(unknown)}' is not known.")
        wrong = [c for c in body.get("categories") or () if c not in CATEGORIES]
        if wrong:
            raise _invalid(f"The value '{wrong[0]}' is not valid for categories.")
        return body

    def _check(self, request: Request) -> None:
        token = bearer_of(request)
        try:
            if token is None:
                raise InvalidTokenError("there is no token")
            self._tokens.check(token, _AUDIENCE)
        except InvalidTokenError:
            raise _error(401, "401", BAD_BEARER) from None
        version = request.query_params.get("api-version")
        if version not in _VERSIONS:
            raise _error(404, "404", "Resource not found")


def _picture_of(content: object) -> bytes:
    try:
        data = base64.b64decode(str(content), validate=True)
    except binascii.Error:
        raise _invalid("The image is no base64.") from None
    if len(data) > _MOST_BYTES:
        raise _invalid(f"The image has more than {_MOST_BYTES} bytes.")
    try:
        with Image.open(io.BytesIO(data)) as image:
            size = image.size
            image.load()
    except (UnidentifiedImageError, OSError):
        raise _invalid("The image format is not supported.") from None
    if not all(_SMALLEST <= edge <= _LARGEST for edge in size):
        raise _invalid(f"The image must have {_SMALLEST} to {_LARGEST} pixels each way.")
    return data


def _analysis(severities: dict[str, int], body: dict[str, Any]) -> list[dict[str, Any]]:
    wanted = body.get("categories") or CATEGORIES
    return [
        {"category": category, "severity": severity}
        for category, severity in severities.items()
        if category in wanted
    ]


def _invalid(message: str) -> ServiceError:
    return _error(400, "InvalidRequestBody", message)


def _error(status: int, code: str, message: str) -> ServiceError:
    error = {"code": code, "message": message}
    return ServiceError(status, {"error": error}, {"x-ms-error-code": code})
