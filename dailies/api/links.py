"""Links to the files of a finished video, for pages: what a browser plays follows no redirect that
needs a key, and a script is not let to read where one leads."""

from __future__ import annotations

import math
from typing import Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from dailies.api.content import VariantIndex, link_to, stored_file
from dailies.api.context import SECURITY, Caller, Context, RequestContext
from dailies.api.documents import answers
from dailies.api.lookup import find
from dailies.settings import ContentDelivery
from dailies.video.basics import Variant
from dailies.video.errors import NotFound
from dailies.video.record import StoredFile

__all__ = ["BatchLinks", "FileLink", "file_link", "links_end", "router"]

router = APIRouter(tags=["videos"], dependencies=SECURITY)


class FileLink(BaseModel):
    """A file, and where it is."""

    content_type: str
    bytes: int
    url: str | None = Field(
        description="Reads this one file and shows it, without a key; null where all content goes "
        "through the app: then `GET /v1/videos/{id}/content` has it."
    )
    download_url: str | None = Field(description="The same, for a browser to save the file.")


class VariantLink(FileLink):
    """One file of a video."""

    variant: Variant


class BatchLinks(BaseModel):
    """Where the table of results of a batch is, for as long as the links last."""

    object: Literal["video.batch.links"] = "video.batch.links"
    id: str
    expires_at: int = Field(description="Unix seconds, until when the links work.")
    results: FileLink


class VideoLinks(BaseModel):
    """Where the files of a finished video are, for as long as the links last."""

    object: Literal["video.links"] = "video.links"
    id: str
    expires_at: int = Field(description="Unix seconds, until when the links work.")
    data: list[VariantLink]


@router.get("/videos/{video_id}/links", response_model=VideoLinks, responses=answers(400, 404, 409))
async def links(
    video_id: str,
    request: Request,
    context: RequestContext,
    caller: Caller,
    variant_index: VariantIndex = None,
) -> VideoLinks:
    """Links to all files of a finished video, each a key to one file that ends after minutes."""
    record = await find(context, request, caller.name, video_id)
    found = []
    for variant in Variant:
        try:
            file, name = stored_file(record, variant, variant_index)
        except NotFound:
            # A picture that could not be made is left out; without a video there is no answer.
            if variant is Variant.VIDEO:
                raise
            continue
        link = await file_link(context, file, name)
        found.append(VariantLink(variant=variant, **link.model_dump()))
    return VideoLinks(id=record.id, expires_at=links_end(context), data=found)


def links_end(context: Context) -> int:
    """Until when a link of now works, in Unix seconds."""
    services = context.services
    return math.floor(services.clock() + services.settings.content_link_seconds)


async def file_link(context: Context, file: StoredFile, name: str) -> FileLink:
    """Where a file is; ``name`` is what a browser saves it as, without its suffix."""
    linked = context.services.settings.content_delivery is not ContentDelivery.STREAM
    return FileLink(
        content_type=file.content_type,
        bytes=file.bytes,
        url=await link_to(context, file, name) if linked else None,
        download_url=await link_to(context, file, name, save=True) if linked else None,
    )
