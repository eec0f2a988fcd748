"""The routes of Sora 2 under ``/openai/v1/videos``."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.services.bodies import read_body
from local.services.content import padded_source, plain_source, respond
from local.services.errors import invalid_value, openai_error
from local.services.jobs import NEW, Job, Reference
from local.services.media.spec import Input
from local.services.sora2 import validation as check
from local.services.sora2.characters import Characters
from local.services.sora2.moderation import check_moderation
from local.services.sora2.wire import not_found, video_object
from local.services.studio import Order, Studio

_ROOT = "/openai/v1/videos"
_LONGEST = 120  # seconds that extensions may add up to
_PAGE = 20
_LARGEST_PAGE = 100


class Sora2:
    """Create, follow, fetch and derive videos."""

    def __init__(self, studio: Studio, characters: Characters) -> None:
        self._studio = studio
        self._characters = characters

    def routes(self) -> list[Route]:
        """All routes; the fixed paths come before those with an id."""
        return [
            Route(_ROOT, self._create, methods=["POST"]),
            Route(_ROOT, self._list, methods=["GET"]),
            Route(f"{_ROOT}/edits", self._edit, methods=["POST"]),
            Route(f"{_ROOT}/extensions", self._extend, methods=["POST"]),
            *self._characters.routes(_ROOT),
            Route(f"{_ROOT}/{{video_id}}", self._retrieve, methods=["GET"]),
            Route(f"{_ROOT}/{{video_id}}", self._delete, methods=["DELETE"]),
            Route(f"{_ROOT}/{{video_id}}/content", self._content, methods=["GET"]),
            Route(f"{_ROOT}/{{video_id}}/remix", self._remix, methods=["POST"]),
        ]

    async def _create(self, request: Request) -> Response:
        authorization = self._enter(request)
        body = await read_body(request)
        check.check_known(body)
        deployment = check.text(body.fields, "model")
        model = self._studio.deployment(deployment, "sora-2")
        prompt = check.prompt_of(body.fields)
        seconds = check.seconds_of(body.fields)
        width, height = check.size_of(body.fields, model)
        upload = check.reference_of(body, (width, height))
        inputs: tuple[Input, ...] = ()
        references: tuple[Reference, ...] = ()
        if upload is not None:
            sha256 = self._studio.library.keep_input(upload.data)
            inputs = (Input("image", sha256),)
            references = (Reference(len(upload.data), sha256, width, height),)
        order = Order(
            api="sora-2",
            kind="create",
            deployment=deployment,
            model=model,
            prompt=prompt,
            seconds=seconds,
            width=width,
            height=height,
            inputs=inputs,
            references=references,
        )
        return self._accept(order, request, authorization)

    async def _remix(self, request: Request) -> Response:
        authorization = self._enter(request)
        source = self._completed(request.path_params["video_id"])
        body = await read_body(request)
        check.check_known(body, frozenset({"prompt"}))
        order = self._derived(source, "remix", check.prompt_of(body.fields))
        return self._accept(order, request, authorization)

    async def _edit(self, request: Request) -> Response:
        authorization = self._enter(request)
        body = await read_body(request)
        check.check_known(body, frozenset({"prompt", "video"}))
        prompt = check.prompt_of(body.fields)
        source = self._completed(check.source_of(body.fields))
        return self._accept(self._derived(source, "edit", prompt), request, authorization)

    async def _extend(self, request: Request) -> Response:
        authorization = self._enter(request)
        body = await read_body(request)
        check.check_known(body, frozenset({"prompt", "seconds", "video"}))
        prompt = check.prompt_of(body.fields)
        more = check.seconds_of(body.fields, check.EXTENSION_SECONDS, default=None)
        source = self._completed(check.source_of(body.fields))
        if source.seconds + more > _LONGEST:
            raise openai_error(
                400, f"A video can be extended to at most {_LONGEST} seconds.", param="seconds"
            )
        order = self._derived(source, "extension", prompt, source.seconds + more)
        return self._accept(order, request, authorization)

    async def _list(self, request: Request) -> Response:
        self._enter(request)
        names = [
            name for name, model in self._studio.settings.deployments.items() if model != "sora"
        ]
        if names and all(name in self._studio.settings.retired for name in names):
            self._studio.check_not_retired(names[0])
        order = request.query_params.get("order", "desc")
        if order not in ("asc", "desc"):
            raise invalid_value("order", order, ["asc", "desc"])
        limit = _limit(request.query_params.get("limit", str(_PAGE)))
        after = request.query_params.get("after")
        if after is not None:
            self._find(after)
        page, has_more = self._page(after, limit, newest_first=order == "desc")
        return JSONResponse(
            {
                "object": "list",
                "data": page,
                "first_id": page[0]["id"] if page else None,
                "last_id": page[-1]["id"] if page else None,
                "has_more": has_more,
            }
        )

    async def _retrieve(self, request: Request) -> Response:
        self._enter(request)
        return JSONResponse(video_object(self._studio, self._find(request.path_params["video_id"])))

    async def _delete(self, request: Request) -> Response:
        self._enter(request)
        job = self._find(request.path_params["video_id"])
        if self._studio.state(job).active:
            raise openai_error(
                400, "Only a completed or failed video can be deleted.", param="video_id"
            )
        self._studio.store.delete(job)
        return JSONResponse({"id": job.id, "object": "video.deleted", "deleted": True})

    async def _content(self, request: Request) -> Response:
        self._enter(request)
        variant = request.query_params.get("variant", "video")
        if variant not in ("video", "thumbnail", "spritesheet"):
            raise invalid_value("variant", variant, ["video", "thumbnail", "spritesheet"])
        job = self._find(request.path_params["video_id"])
        if self._studio.state(job).phase != "completed":
            raise openai_error(
                404, "Video is not ready yet, use GET /v1/videos/{video_id} to check status."
            )
        if variant not in job.directive.variants:
            raise openai_error(404, f"The {variant} of this video is not available.")
        spec = job.spec()
        files = self._studio.library.files(spec)
        etag = f"{spec.key}-{variant}"
        if variant == "thumbnail":
            source = plain_source(files.thumbnail)
            return respond(request, source, "image/webp", etag, job.directive)
        if variant == "spritesheet":
            source = plain_source(files.spritesheet)
            return respond(request, source, "image/jpeg", etag, job.directive)
        source = padded_source(files.video, job.directive.bytes or 0)
        return respond(request, source, "video/mp4", etag, job.directive)

    def _enter(self, request: Request) -> str:
        authorization = self._studio.authorize(request)
        self._studio.check_version(request)
        return authorization

    def _accept(self, order: Order, request: Request, authorization: str) -> Response:
        check_moderation(order.prompt)
        job = self._studio.accept(order, request, authorization)
        return JSONResponse(video_object(self._studio, job, NEW))

    def _find(self, video_id: str) -> Job:
        job = self._studio.store.get(video_id)
        if job is None or job.api != "sora-2":
            raise not_found(video_id)
        self._studio.check_not_retired(job.deployment)
        if self._studio.state(job).phase == "gone":
            raise not_found(video_id)
        return job

    def _completed(self, video_id: str) -> Job:
        job = self._find(video_id)
        if self._studio.state(job).phase != "completed":
            raise openai_error(400, f"Video '{video_id}' is not completed.", param="video_id")
        return job

    def _derived(self, source: Job, kind: str, prompt: str, seconds: int | None = None) -> Order:
        self._studio.check_not_retired(source.deployment)
        return Order(
            api="sora-2",
            kind=kind,
            deployment=source.deployment,
            model=source.model,
            prompt=prompt,
            seconds=seconds or source.seconds,
            width=source.width,
            height=source.height,
            note=f"{kind} of {source.id}",
            source_id=source.id,
            inputs=source.inputs,
        )

    def _page(
        self, after: str | None, limit: int, *, newest_first: bool
    ) -> tuple[list[dict[str, Any]], bool]:
        store = self._studio.store
        found: list[dict[str, Any]] = []
        skipping = after is not None
        for job in store.newest() if newest_first else store.all():
            if skipping:
                skipping = job.id != after
                continue
            if job.api != "sora-2":
                continue
            state = self._studio.state(job)
            if state.phase == "gone":
                continue
            if len(found) == limit:
                return found, True
            found.append(video_object(self._studio, job, state))
        return found, False


def _limit(given: str) -> int:
    if not given.isascii() or not given.isdigit() or not 1 <= int(given) <= _LARGEST_PAGE:
        raise openai_error(
            400,
            f"Invalid 'limit': expected a whole number from 1 to {_LARGEST_PAGE}, but got "
            f"'{given}' instead.",
            param="limit",
            code="invalid_value",
        )
    return int(given)
