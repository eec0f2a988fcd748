"""Characters: a name and a clip. OpenAI added them late; whether Azure has them is unverified."""

from __future__ import annotations

import json
import uuid

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.services.bodies import read_body
from local.services.database import Database
from local.services.errors import missing_parameter, openai_error
from local.services.media.clip import UnreadableClipError, probe_clip
from local.services.sora2.validation import check_known, text
from local.services.studio import Studio


class Characters:
    """``POST {root}/characters`` and ``GET {root}/characters/{id}``."""

    def __init__(self, studio: Studio, database: Database) -> None:
        self._studio = studio
        self._database = database

    def routes(self, root: str) -> list[Route]:
        """The routes under ``root``."""
        return [
            Route(f"{root}/characters", self._create, methods=["POST"]),
            Route(f"{root}/characters/{{character_id}}", self._retrieve, methods=["GET"]),
        ]

    async def _create(self, request: Request) -> Response:
        self._studio.authorize(request)
        self._studio.check_version(request)
        body = await read_body(request)
        check_known(body, frozenset({"name", "video"}))
        name = text(body.fields, "name")
        uploads = body.files.get("video")
        if not uploads:
            raise missing_parameter("video")
        digest = self._studio.library.keep_input(uploads[0].data)
        try:
            probe_clip(self._studio.library.input_path(digest))
        except UnreadableClipError as exc:
            raise openai_error(400, f"Invalid file 'video': {exc}.", param="video") from exc
        character = {
            "id": f"char_{uuid.uuid4().hex}",
            "object": "character",
            "created_at": int(self._studio.clock.now()),
            "name": name,
        }
        self._database.write(
            "INSERT INTO characters VALUES (?, ?)", character["id"], json.dumps(character)
        )
        return JSONResponse(character)

    async def _retrieve(self, request: Request) -> Response:
        self._studio.authorize(request)
        self._studio.check_version(request)
        wanted = request.path_params["character_id"]
        row = self._database.row("SELECT body FROM characters WHERE id = ?", wanted)
        if row is None:
            raise openai_error(404, f"Character with id '{wanted}' not found.")
        return JSONResponse(json.loads(row["body"]))
